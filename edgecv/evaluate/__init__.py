"""Stage `evaluate`: a bundle's accuracy on held-out pictures, beside its fp32 reference's."""

from edgecv.evaluate.evaluation import evaluate

__all__ = ["evaluate"]
