"""People from heatmaps and Part Affinity Fields: edgecv's decoder against a Python one.

    git clone https://github.com/Daniil-Osokin/lightweight-human-pose-estimation.pytorch PEER
    python -m benchmarks.paf --peer PEER

The peer is `extract_keypoints` and `group_keypoints` of the light OpenPose's `modules/keypoints.py`
(the file is loaded as it is; it needs numpy only), after its demo's enlargement of all maps by 4
(`cv2.resize`, cubic), once with the enlargement and once on maps enlarged before. Both sides start
from the same float32 maps (`benchmarks.pose_maps`: 1, 10, 30 people, 46 x 82 cells, the input of
368 x 656 at stride 8) and end in people with joints.

Agreement: each of the peer's people is compared with our nearest; a joint agrees if both have it,
within half a cell, or neither has. The peer's joints lie on a grid of a quarter of a cell.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import statistics
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import cv2
import numpy as np

from benchmarks.pose_maps import SHAPE, Maps, draw
from benchmarks.record import interleaved, record, summary_ms
from edgecv.head.pose import COCO18
from edgecv.ops.paf import Grouping, paf

PEOPLE = (1, 10, 30)
LIMIT = 0.1  # of the peer's time with its enlargement, at 10 people
LEAST_AGREEMENT = 0.97
ENLARGED = 4
ROUNDS = 15
JOINTS = len(COCO18.joints)
GROUPING = Grouping(COCO18.limbs, COCO18.fields, COCO18.closing)


def load_peer(folder: Path) -> ModuleType:
    """The peer's module, from a checkout."""
    path = folder / "modules" / "keypoints.py"
    spec = importlib.util.spec_from_file_location("peer_keypoints", path)
    if spec is None or spec.loader is None or not path.is_file():
        raise SystemExit(f"{path} is not there: --peer names a checkout of the light OpenPose")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def enlarge(maps: np.ndarray) -> np.ndarray:
    """(C, h, w) maps as the peer's demo enlarges them, (4 h, 4 w, C)."""
    last = np.ascontiguousarray(maps.transpose(1, 2, 0))
    return cv2.resize(last, (0, 0), fx=ENLARGED, fy=ENLARGED, interpolation=cv2.INTER_CUBIC)


def peer_people(peer: ModuleType, heatmaps: np.ndarray, fields: np.ndarray) -> np.ndarray:
    """(P, 18, 3) x, y in enlarged cells and score, 0 where it has no joint."""
    found: list[Any] = []
    total = 0
    for k in range(JOINTS):
        total += peer.extract_keypoints(heatmaps[:, :, k], found, total)
    entries, points = peer.group_keypoints(found, fields)
    people = np.zeros((len(entries), JOINTS, 3))
    for i, entry in enumerate(entries):
        for k in range(JOINTS):
            if entry[k] >= 0:
                people[i, k] = points[int(entry[k])][:3]
    return people


def agreement(theirs: np.ndarray, ours: np.ndarray) -> dict[str, Any]:
    """How many joints of the peer's people we say the same of; see the module."""
    same, gaps = 0, []
    for person in theirs:
        place = (person[:, :2] + 0.5) / ENLARGED - 0.5
        both = (ours[:, :, 2] > 0) & (person[:, 2] > 0)
        apart = np.where(both, np.hypot(*np.moveaxis(ours[:, :, :2] - place, 2, 0)), np.nan)
        near = int((apart <= 0.5).sum(1).argmax()) if len(ours) else -1
        if near >= 0:
            neither = (ours[near, :, 2] == 0) & (person[:, 2] == 0)
            same += int((apart[near] <= 0.5).sum() + neither.sum())
            gaps += apart[near][both[near]].tolist()
    return {
        "people": [len(theirs), len(ours)],
        "joints_agree": round(same / max(1, len(theirs) * JOINTS), 4),
        "median_gap_cells": round(float(np.median(gaps)), 4) if gaps else None,
    }


def truth_gap(people: np.ndarray, maps: Maps, scale: float) -> float:
    """Median distance in cells from drawn joints to the nearest of the people's same joint."""
    place = (people[:, :, :2] + 0.5) / scale - 0.5
    gaps = [
        np.hypot(*(place[people[:, k, 2] > 0, k] - person[k]).T).min()
        for person in maps.people
        for k in range(JOINTS)
        if (people[:, k, 2] > 0).any()
    ]
    return round(float(np.median(gaps)), 4)


def measure(peer: ModuleType, count: int) -> dict[str, Any]:
    """Times and agreement for maps of `count` people."""
    maps = draw(count)
    large = enlarge(maps.heatmaps), enlarge(maps.fields)

    def ours() -> np.ndarray:
        return paf(maps.heatmaps, maps.fields, JOINTS, GROUPING).joints

    contenders: dict[str, Callable[[], object]] = {
        "edgecv": ours,
        "peer": lambda: peer_people(peer, enlarge(maps.heatmaps), enlarge(maps.fields)),
        "peer_grouping": lambda: peer_people(peer, *large),
    }
    seconds = interleaved(contenders, rounds=ROUNDS)
    middle = {name: statistics.median(values) for name, values in seconds.items()}
    theirs = peer_people(peer, *large)
    return {
        **{name: summary_ms(values) for name, values in seconds.items()},
        "ratio": round(middle["edgecv"] / middle["peer"], 4),
        "ratio_without_enlargement": round(middle["edgecv"] / middle["peer_grouping"], 4),
        "agreement": agreement(theirs, ours()),
        "median_gap_to_truth_cells": {
            "edgecv": truth_gap(ours(), maps, 1),
            "peer": truth_gap(theirs, maps, ENLARGED),
        },
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peer", type=Path, required=True, help="a checkout of the light OpenPose")
    peer = load_peer(parser.parse_args().peer)
    cv2.setNumThreads(1)
    rows = {f"{count} people": measure(peer, count) for count in PEOPLE}
    os.environ["EDGECV_NO_NUMBA"] = "1"
    rows["10 people, without numba"] = measure(peer, 10)
    for label, row in rows.items():
        mine, other = row["edgecv"]["median_ms"], row["peer"]["median_ms"]
        print(f"{label}: {mine:.3f} ms / {other:.2f} ms = {row['ratio']}, {row['agreement']}")
    record(
        "paf",
        {
            "peer": "Daniil-Osokin/lightweight-human-pose-estimation.pytorch, modules/keypoints.py",
            "maps": [JOINTS + 1, *SHAPE],
            "fields": [2 * len(COCO18.limbs), *SHAPE],
            "opencv_threads": 1,
            "limit": LIMIT,
            "rows": rows,
        },
        packages=("numpy", "opencv-python-headless", "numba"),
        holds=rows["10 people"]["ratio"] <= LIMIT
        and all(row["agreement"]["joints_agree"] >= LEAST_AGREEMENT for row in rows.values()),
    )


if __name__ == "__main__":
    main()
