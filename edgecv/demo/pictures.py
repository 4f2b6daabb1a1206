"""What the demo shows results on: held-out pictures, and a video made from pans over them.

Both are drawn from the held-out side of the built-in scenes: no digit and no photograph in them
was trained on.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from edgecv.data import Dataset, open_dataset
from edgecv.data.scenes import SceneOptions
from edgecv.errors import IoFailed
from edgecv.files import whole_file
from edgecv.images import opencv
from edgecv.recipe import Data

PICTURE = 384  # pixels; three times the network's input, so the letterbox has work to do
WORLD = 1152  # pixels; the picture a video pans over
WORLDS = 3
SECONDS_EACH = 3
FPS = 25


def write_pictures(folder: Path, count: int, data: Data) -> list[Path]:
    """Write `count` held-out scenes like those of `data`, at 384x384 pixels, as PNG files.

    Existing files are kept.
    """
    cv2 = opencv()
    scenes = _scenes(data, count, {"size": PICTURE, "min_objects": 3})
    paths = [folder / f"scene-{index}.png" for index in range(count)]
    for index, path in enumerate(paths):
        if path.exists():
            continue
        with whole_file(path) as part:
            if not cv2.imwrite(str(part), scenes[index].image):
                raise IoFailed("cannot write a demo picture", file=path)
    return paths


def write_video(path: Path, data: Data) -> Path:
    """Write an mp4 of 384x384 pans over large held-out scenes like those of `data`.

    An existing file is kept.
    """
    if path.exists():
        return path
    cv2 = opencv()
    with whole_file(path) as part:
        code = cv2.VideoWriter.fourcc(*"mp4v")
        writer = cv2.VideoWriter(str(part), code, FPS, (PICTURE, PICTURE))
        if not writer.isOpened():
            raise IoFailed("cannot write the demo video", file=path)
        try:
            _film(writer, _scenes(data, WORLDS, _world_options(data)))
        finally:
            writer.release()
    return path


def _film(writer: Any, worlds: Dataset) -> None:
    cv2 = opencv()
    for index in range(WORLDS):
        world = worlds[index].image
        for x, y in pan(SECONDS_EACH * FPS, WORLD - PICTURE, index):
            centre = (x + PICTURE / 2 - 0.5, y + PICTURE / 2 - 0.5)
            writer.write(cv2.getRectSubPix(world, (PICTURE, PICTURE), centre))


def pan(frames: int, room: int, index: int) -> np.ndarray:
    """A smooth path of a window's top-left corner.

    Args:
        frames: Number of positions.
        room: Largest x and y in pixels.
        index: Which path; successive ones differ in phase.

    Returns:
        (frames, 2) float64 (x, y) in 0..room.
    """
    angle = np.linspace(0, np.pi, frames)
    x = 0.5 - 0.5 * np.cos(angle + index)
    y = 0.5 - 0.5 * np.cos(2 * angle + 2 * index)
    return np.stack([x, y], axis=1) * room


def _world_options(data: Data) -> Mapping[str, bool | int | float | str]:
    """Digits as large, relative to a frame, and as dense as in the scenes of `data`."""
    share = PICTURE / WORLD
    usual = SceneOptions.model_validate(data.options)
    frames = 0.7 / share**2  # thinned: a world is full before it is as dense everywhere
    return {
        "size": WORLD,
        "smallest": usual.smallest * share,
        "largest": usual.largest * share,
        "min_objects": int(frames * usual.max_objects),
        "max_objects": int(frames * usual.max_objects) + 5,
    }


def _scenes(data: Data, count: int, options: Mapping[str, bool | int | float | str]) -> Dataset:
    merged = {**data.options, **options}
    return open_dataset(data.model_copy(update={"val": count, "options": merged}), "val")
