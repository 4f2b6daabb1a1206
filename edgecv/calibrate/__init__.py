"""Calibrate: model.onnx and training pictures become ranges.json."""

from edgecv.calibrate.measure import METHODS, calibrate
from edgecv.calibrate.stage import calibrate_onnx, calibrate_recipe
from edgecv.calibrate.tensorrt_cache import write_tensorrt_cache

__all__ = ["METHODS", "calibrate", "calibrate_onnx", "calibrate_recipe", "write_tensorrt_cache"]
