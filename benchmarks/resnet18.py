"""The network the precision benchmarks run: ResNet-18 with random weights, exported by edgecv."""

from __future__ import annotations

from pathlib import Path

from edgecv.export import export
from edgecv.pipeline import RunFolder
from edgecv.recipe import find_recipe, load_recipe


def export_resnet18(folder: Path, size: int) -> Path:
    """Export into `folder`; returns model.onnx: images (1, 3, `size`, `size`) -> logits."""
    sides = f"input.size=[{size}, {size}]"
    changes = [sides, "export.batch=1", "export.parity_images=1"]
    recipe = load_recipe(find_recipe(Path("classify/resnet18")), changes)
    run = RunFolder(folder, "resnet18")
    export(recipe.model_copy(update={"data": None}), run, weights="random:0")
    return run.model
