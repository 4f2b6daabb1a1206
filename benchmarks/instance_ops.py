"""RoIAlign and mask paste on the CPU, against ONNX Runtime and Detectron2's formula in torch.

    python -m benchmarks.instance_ops [--boxes 200]

RoIAlign pools 7 x 7 bins of 256 channels from a 200 x 304 map (P2 of an 800 x 1216 input), one
thread each side. Mask paste puts 100 masks of 28 x 28 into a 1080p picture: edgecv as masks, and as
COCO's run lengths, which is what a result's JSON holds; the peer is grid_sample inside each box,
as Detectron2's CPU path does it.
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.record import interleaved, record, summary_ms
from edgecv.ops.mask_paste import mask_paste
from edgecv.ops.roi_align import RoiGrid, roi_align
from edgecv.results import Instances

GRID = RoiGrid((7, 7), (0.25,), aligned=True)
SIZE = (1080, 1920)
ROUNDS = 7


def boxes_of(n: int, size: tuple[int, int], largest: float) -> np.ndarray:
    rng = np.random.default_rng(0)
    corner = rng.uniform(0, 0.8, (n, 2)) * size[::-1]
    side = np.exp(rng.uniform(np.log(16), np.log(largest), (n, 2)))
    return np.concatenate([corner, corner + side], 1).astype(np.float32)


def onnx_roi_align(feature: np.ndarray, boxes: np.ndarray) -> Callable[[], np.ndarray]:
    import onnxruntime
    from onnx import TensorProto, helper

    kinds = {"x": (TensorProto.FLOAT, 4), "rois": (TensorProto.FLOAT, 2)}
    inputs = [helper.make_tensor_value_info(k, t, [None] * n) for k, (t, n) in kinds.items()]
    inputs.append(helper.make_tensor_value_info("index", TensorProto.INT64, [None]))
    output = helper.make_tensor_value_info("y", TensorProto.FLOAT, [None] * 4)
    node = helper.make_node(
        "RoiAlign", ["x", "rois", "index"], ["y"], output_height=7, output_width=7,
        sampling_ratio=2, spatial_scale=0.25, coordinate_transformation_mode="half_pixel",
    )  # fmt: skip
    graph = helper.make_graph([node], "roi", inputs, [output])
    opsets = [helper.make_opsetid("", 16)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=8)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(model.SerializeToString(), options)
    feeds = {"x": feature[None], "rois": boxes, "index": np.zeros(len(boxes), np.int64)}
    return lambda: session.run(None, feeds)[0]


def torch_paste(masks: np.ndarray, boxes: np.ndarray) -> Callable[[], np.ndarray]:
    import torch

    def run() -> np.ndarray:
        out = np.zeros((len(masks), *SIZE), bool)
        for i, (mask, box) in enumerate(zip(masks, boxes, strict=True)):
            x0, y0 = max(int(box[0]) - 1, 0), max(int(box[1]) - 1, 0)
            x1, y1 = min(int(box[2]) + 2, SIZE[1]), min(int(box[3]) + 2, SIZE[0])
            y = (torch.arange(y0, y1) + 0.5 - box[1]) / (box[3] - box[1]) * 2 - 1
            x = (torch.arange(x0, x1) + 0.5 - box[0]) / (box[2] - box[0]) * 2 - 1
            grid = torch.stack(torch.meshgrid(y, x, indexing="ij")[::-1], -1)[None]
            soft = torch.nn.functional.grid_sample(
                torch.from_numpy(mask)[None, None], grid, align_corners=False
            )
            out[i, y0:y1, x0:x1] = (soft[0, 0] >= 0.5).numpy()
        return out

    return run


def told(contenders: dict[str, Callable[[], object]]) -> dict[str, Any]:
    seconds = interleaved(contenders, rounds=ROUNDS)
    medians = {name: statistics.median(values) for name, values in seconds.items()}
    ratio = medians["edgecv"] / medians["peer"]
    return {**{k: summary_ms(v) for k, v in seconds.items()}, "ratio": round(ratio, 4)}


def main() -> None:
    import torch

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--boxes", type=int, default=200)
    given = parser.parse_args()
    torch.set_num_threads(1)
    rng = np.random.default_rng(1)
    feature = rng.standard_normal((256, 200, 304)).astype(np.float32)
    boxes = boxes_of(given.boxes, (800, 1216), 400)
    peer = onnx_roi_align(feature, boxes)
    gap = float(np.abs(roi_align([feature], boxes, GRID) - peer()).max())
    pooled = told({"edgecv": lambda: roi_align([feature], boxes, GRID), "peer": peer})

    places = boxes_of(100, SIZE, 700)
    soft = rng.random((100, 28, 28)).astype(np.float32)
    masks = tuple(soft)
    found = Instances(
        places, np.ones(100, np.float32), np.zeros(100, np.int64), masks, places, (), SIZE
    )
    paste = torch_paste(soft, places)
    same = float((mask_paste(masks, places, places, SIZE) == paste()).mean())
    pasted = told(
        {
            "edgecv": lambda: mask_paste(masks, places, places, SIZE),
            "edgecv_rle": lambda: [found.rle(i) for i in range(100)],
            "peer": paste,
        }
    )
    print(f"RoIAlign, {given.boxes} boxes: {pooled['ratio']} of ONNX Runtime's time, gap {gap:.2g}")
    print(f"mask paste: {pasted['ratio']} of grid_sample's time, {same:.6f} of pixels the same")
    record(
        "instance_ops",
        {"roi_align": {**pooled, "largest_gap": gap}, "mask_paste": {**pasted, "same": same}},
        packages=("numpy", "numba", "onnxruntime", "torch"),
        holds=gap < 1e-4 and same > 0.99999,
    )


if __name__ == "__main__":
    main()
