"""Results: what a model says about one image, in pixels of the original image.

Every result is a frozen dataclass of numpy arrays. `to_dict()` is the JSON that `--json` prints,
`to_supervision()` hands over to the supervision library, `draw(image)` returns an annotated copy.
Coordinates: x to the right, y down, the origin at the outer corner of the top-left pixel, so the
centre of that pixel is (0.5, 0.5); boxes are (x0, y0, x1, y1).
"""

from __future__ import annotations

from edgecv.results.classes import Classes
from edgecv.results.detections import Detections
from edgecv.results.features import Features
from edgecv.results.instances import Instances
from edgecv.results.keypoints import Keypoints
from edgecv.results.matches import Matches
from edgecv.results.segmentation import SegmentationMap

__all__ = [
    "Classes",
    "Detections",
    "Features",
    "Instances",
    "Keypoints",
    "Matches",
    "Results",
    "SegmentationMap",
]

Results = Classes | Detections | Features | Instances | Keypoints | SegmentationMap
