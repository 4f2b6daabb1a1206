"""Heads decoded on the device: `cuda_heads/<kind>.py` is the twin of `heads/<kind>.py`.

A module has `SOURCES`, every .cu file it needs (a bundle carries their cubins), and

```python
class Decoder:
    def __init__(self, session, head, outputs: Mapping[str, DeviceArray], *, batch: int) -> None
    results: dict[str, DeviceArray]
    def enqueue(self, stream) -> None
    def collect(self, host: Mapping[str, np.ndarray], geometries) -> list[Results]
    def close(self) -> None
```

`outputs` are the engine's tensors by ONNX name, float32 or float16, with `batch` as their first
dimension: their addresses stay. `results` are arrays of fixed capacity, kilobytes: what is copied
to the host after each frame, and given back as `host`. `enqueue` only launches, so that it can be
captured in a CUDA graph. `collect` maps to picture pixels and counts overflow; `geometries` may be
fewer than the batch. A head without a module here is decoded by its CPU twin.
"""
