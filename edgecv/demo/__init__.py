"""demo: the whole path on the built-in scenes, on whatever machine this is.

Trains the tiny detector and the tiny classifier, exports, calibrates, builds fp32, fp16 and int8
bundles, measures their accuracy and latency, draws results on held-out pictures and a video, and
writes the report. Every stage whose result is there and fresh is skipped.
"""

from edgecv.demo.path import Demo, demo

__all__ = ["Demo", "demo"]
