"""dense_crf and conv_crf against pydensecrf on a natural image: labels and time.

    python -m benchmarks.dense_crf [--peer SITE_PACKAGES]

The peer is lucasb-eyer/pydensecrf (Krähenbühl's own C++), built outside this project; without it
the absolute times are recorded and no limit is held. All sides start from the same logits and
picture in memory and end in a label map; lattices are built anew in every call, on one thread.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np

from benchmarks.record import interleaved, record, summary_ms
from edgecv.data.photographs import photograph
from edgecv.ops.conv_crf import ConvCrf, conv_crf
from edgecv.ops.dense_crf import DenseCrf, dense_crf
from edgecv.ops.dense_crf.cpu import spatial_lattice

SIZE, LABELS, ITERATIONS = 500, 21, 10
PICTURES = ("coffee", "astronaut", "chelsea")
LIMIT, AGREEMENT = 0.5, 0.995
ROUNDS = 7
CRF = DenseCrf(iterations=ITERATIONS)
CONVOLUTIONAL = ConvCrf(iterations=ITERATIONS)


def scene(name: str) -> tuple[np.ndarray, np.ndarray]:
    """Logits (21, 500, 500) that vary over some 16 pixels, and the picture."""
    image = cv2.resize(photograph(name), (SIZE, SIZE), interpolation=cv2.INTER_AREA)
    rng = np.random.default_rng(0)
    coarse = rng.standard_normal((LABELS, SIZE // 16 + 2, SIZE // 16 + 2)).astype(np.float32)
    logits = np.stack([2 * cv2.resize(plane, (SIZE, SIZE)) for plane in coarse])
    return np.ascontiguousarray(logits), np.ascontiguousarray(image)


def own(logits: np.ndarray, image: np.ndarray) -> np.ndarray:
    spatial_lattice.cache_clear()  # kept between frames in use; the peer has no such thing
    return dense_crf(logits, image, CRF, labels=True)


def peer(module: Any, logits: np.ndarray, image: np.ndarray) -> np.ndarray:
    field = module.DenseCRF2D(SIZE, SIZE, LABELS)
    field.setUnaryEnergy(np.ascontiguousarray(-logits.reshape(LABELS, -1)))
    field.addPairwiseGaussian(sxy=CRF.spatial_sigma, compat=CRF.spatial_weight)
    field.addPairwiseBilateral(
        sxy=CRF.bilateral_sigma, srgb=CRF.color_sigma, rgbim=image, compat=CRF.bilateral_weight
    )
    q = np.asarray(field.inference(ITERATIONS))
    return q.argmax(0).astype(np.uint8).reshape(SIZE, SIZE)


def measure(module: Any | None, name: str) -> dict[str, Any]:
    """Times, ratio and agreement on one picture."""
    logits, image = scene(name)
    contenders: dict[str, Callable[[], Any]] = {
        "edgecv": lambda: own(logits, image),
        "conv_crf": lambda: conv_crf(logits, image, CONVOLUTIONAL, labels=True),
    }
    row: dict[str, Any] = {"changed": float((own(logits, image) != logits.argmax(0)).mean())}
    if module is not None:
        contenders["pydensecrf"] = lambda: peer(module, logits, image)
        row["agreement"] = float((own(logits, image) == peer(module, logits, image)).mean())
    seconds = interleaved(contenders, rounds=ROUNDS)
    row |= {who: summary_ms(values) for who, values in seconds.items()}
    if module is not None:
        middle = {who: statistics.median(values) for who, values in seconds.items()}
        row |= {"ratio": round(middle["edgecv"] / middle["pydensecrf"], 3), "limit": LIMIT}
        row["conv_crf_ratio"] = round(middle["conv_crf"] / middle["pydensecrf"], 3)
    return row


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peer", help="site-packages folder that holds pydensecrf")
    given = parser.parse_args()
    if given.peer:
        sys.path.append(given.peer)
    try:
        import pydensecrf.densecrf as module
    except ImportError as err:
        print(f"pydensecrf cannot be imported ({err}): absolute times only", file=sys.stderr)
        module = None
    cv2.setNumThreads(1)
    rows = {name: measure(module, name) for name in PICTURES}
    for name, row in rows.items():
        print(f"{name}: {row['edgecv']['median_ms']:.0f} ms, ratio {row.get('ratio', '-')}")
        print(f"  agreement {row.get('agreement', '-')}, changed {row['changed']:.3f}")
        print(f"  conv_crf {row['conv_crf']['median_ms']:.0f} ms, {row.get('conv_crf_ratio', '-')}")
    held = [r["ratio"] <= LIMIT and r["agreement"] >= AGREEMENT for r in rows.values() if module]
    record(
        "dense_crf",
        {
            "peer": "lucasb-eyer/pydensecrf" if module else "not installed",
            "input": [LABELS, SIZE, SIZE],
            "iterations": ITERATIONS,
            "agreement_limit": AGREEMENT,
            "pictures": rows,
        },
        packages=("numpy", "numba"),
        holds=all(held) if module else None,
    )


if __name__ == "__main__":
    main()
