"""Labelled pictures: built-in scenes and digits, ImageFolder and COCO readers."""

from edgecv.data.opening import open_dataset
from edgecv.data.sample import Dataset, Sample

__all__ = ["Dataset", "Sample", "open_dataset"]
