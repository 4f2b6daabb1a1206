"""Accuracy: functions of numpy arrays, each with an interval from resampled images.

Every metric is split in two: a record per image (what was right in it), and a number from records.
The number is cheap to compute again with other weights on the images, which is what the bootstrap
does; two models judged on the same images are resampled together.
"""

from edgecv.metrics.average_precision import AveragePrecision
from edgecv.metrics.bootstrap import image_weights, percentile_interval
from edgecv.metrics.classification import confusion_matrix, topk_hits
from edgecv.metrics.matching import COCO_IOUS, ImageMatch, match_image

__all__ = [
    "COCO_IOUS",
    "AveragePrecision",
    "ImageMatch",
    "confusion_matrix",
    "image_weights",
    "match_image",
    "percentile_interval",
    "topk_hits",
]
