"""What the tests of all device decoders share."""

import numpy as np

from tests.cuda.capture import assert_capturable


def decode_on(session, module, head, outputs, geometries):
    """Results of a device decoder on uploaded outputs; its `enqueue` must be capturable."""
    batch = len(next(iter(outputs.values())))
    device = {name: session.upload(array) for name, array in outputs.items()}
    decoder = module.Decoder(session, head, device, batch=batch)
    names = list(decoder.results)
    host = assert_capturable(session, decoder.enqueue, decoder.results.values())
    assert sum(array.nbytes for array in host) < 1 << 20
    results = decoder.collect(dict(zip(names, host, strict=True)), geometries)
    decoder.close()
    for array in device.values():
        array.free()
    return results


def as_float32(outputs):
    return {name: array.astype(np.float32) for name, array in outputs.items()}
