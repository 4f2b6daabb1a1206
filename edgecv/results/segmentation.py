"""Which class each pixel of one image has."""

from __future__ import annotations

import base64
import struct
import zlib
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from edgecv.ops.colorize import colorize, paint_of
from edgecv.ops.colorize.palette import painted, palette
from edgecv.results.contract import canvas_of, label, require, supervision_module

Array = npt.NDArray[Any]

_OPACITY = 0.5
_PNG = b"\x89PNG\r\n\x1a\n"


@dataclass(frozen=True)
class SegmentationMap:
    """A class for every pixel of one image.

    Attributes:
        labels: (H, W) uint8 class ids.
        names: Names of all classes; may be empty.
        image_size: (height, width) of the original image in pixels.
        confidence: (H, W) float32 probability of each label, where somebody computed it.
    """

    labels: Array
    names: tuple[str, ...]
    image_size: tuple[int, int]
    confidence: Array | None = None

    def __post_init__(self) -> None:
        """Check the contract."""
        require("SegmentationMap.labels", self.labels, self.image_size, "uint8")
        if self.confidence is not None:
            require("SegmentationMap.confidence", self.confidence, self.image_size, "float32")

    @cached_property
    def pixels(self) -> dict[int, int]:
        """Class id -> how many pixels have it, of the classes that are there, by rising id."""
        flat = np.ascontiguousarray(self.labels).reshape(-1)
        pairs = flat[: len(flat) // 2 * 2].view(np.uint16)  # numpy counts two bytes as fast as one
        table = np.bincount(pairs, minlength=1 << 16).reshape(256, 256)
        counts = table.sum(0) + table.sum(1)
        if len(flat) % 2:
            counts[flat[-1]] += 1
        return {int(i): int(counts[i]) for i in np.flatnonzero(counts)}

    def to_dict(self) -> dict[str, Any]:
        """JSON form: each class present with its pixels and share, and the map as a PNG.

        `png` is a base64 8-bit grey PNG of the labels, (H, W): any language opens it, and one line
        of JSON lines stays short (a street scene at 1080p: tens of kilobytes).
        """
        total = self.labels.size
        return {
            "task": "segment",
            "image_size": list(self.image_size),
            "classes": [
                {"id": i, "name": label(self.names, i), "pixels": n, "share": round(n / total, 6)}
                for i, n in self.pixels.items()
            ],
            "png": base64.b64encode(png_of(self.labels)).decode("ascii"),
        }

    def to_supervision(self) -> Any:
        """`supervision.Detections` with a mask per class that is there, and its bounding box."""
        sv = supervision_module()
        ids = np.array(list(self.pixels), dtype=int)
        masks = self.labels == ids[:, None, None].astype(np.uint8)
        return sv.Detections(
            xyxy=sv.mask_to_xyxy(masks).astype(np.float32),
            mask=masks,
            class_id=ids,
            data={"class_name": np.array([label(self.names, int(i)) for i in ids], dtype=str)},
        )

    def draw(self, image: Array, *, line_width: int = 2) -> Array:
        """A copy of `image` ((H, W, 3) uint8 BGR) tinted in the classes' colours, with a legend.

        The first class stays untinted if it is called background.

        Raises:
            ShapeError: `image` is not the picture these results are of.
        """
        canvas = canvas_of(image, self.image_size)
        labels = np.ascontiguousarray(self.labels)
        colorize(labels, paint_of(self.names, _OPACITY), canvas, out=canvas)
        shown = painted(self.names)
        self._legend(canvas, [i for i in self.pixels if shown[i]], max(1, line_width // 2))
        return canvas

    def _legend(self, canvas: Array, ids: list[int], thickness: int) -> None:
        import cv2

        scale = max(0.35, min(canvas.shape[:2]) / 1200)
        line = round(28 * scale) + 4
        for row, i in enumerate(ids[: max(1, canvas.shape[0] // line)]):
            top = row * line
            color = tuple(int(v) for v in palette()[i])
            cv2.rectangle(canvas, (0, top), (line, top + line - 1), color, -1)
            at, name = (line + 4, top + round(0.75 * line)), label(self.names, i)
            for ink, width in (((0, 0, 0), thickness + 2), ((255, 255, 255), thickness)):
                cv2.putText(
                    canvas, name, at, cv2.FONT_HERSHEY_SIMPLEX, scale, ink, width, 16
                )  # fmt: skip


def png_of(labels: Array) -> bytes:
    """(H, W) uint8 as an 8-bit grey PNG (ISO/IEC 15948): no package is needed to write one."""
    height, width = labels.shape
    rows = np.zeros((height, width + 1), np.uint8)
    rows[0, 1:] = labels[0]  # each row begins with its filter: none, then the row above less
    rows[1:, 0] = 2
    np.subtract(labels[1:], labels[:-1], out=rows[1:, 1:])
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows.tobytes(), 6)), (b"IEND", b""))
    parts = [
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    ]
    return _PNG + b"".join(parts)
