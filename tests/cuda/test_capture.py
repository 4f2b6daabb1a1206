"""What `assert_capturable` finds: work that only its first run does right."""

from pathlib import Path

import numpy as np
import pytest

from tests.cuda.capture import assert_capturable

EXAMPLE = Path(__file__).with_name("example.cu")


@pytest.mark.parametrize("session", ["forward"], indirect=True)
@pytest.mark.parametrize("reset", [True, False])
def test_a_workspace_that_is_zero_only_once_is_noticed(session, reset):
    scale = session.kernels(EXAMPLE).function("example_scale", "Pif")
    work, out = session.zeros((8,), np.float32), session.zeros((8,), np.float32)

    def enqueue(stream):
        if reset:
            work.fill(stream, 0x3F)
        scale.launch(stream, (1,), (8,), work, 8, 2.0)
        out.copy_from(work, stream)

    if not reset:
        work.fill(stream := session.stream(), 0x3F)
        stream.synchronize()
        with pytest.raises(AssertionError, match="output 0 differs when replayed"):
            assert_capturable(session, enqueue, [out])
        return
    assert_capturable(session, enqueue, [out])
