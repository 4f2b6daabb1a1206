"""The pipeline in one table. A stage name is also a package, a CLI verb and a recipe section.

Stages never import each other: they meet at the files named here, in `runs/<run-id>/`.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple


class Stage(NamedTuple):
    """One row: what a stage reads and writes. `<bundle>` is a folder `<precision>-<backend>`."""

    name: str
    reads: tuple[str, ...]
    writes: tuple[str, ...]


STAGES = (
    Stage("train", (), ("weights.safetensors", "train.jsonl")),
    Stage("export", ("weights.safetensors",), ("model.onnx", "export.json")),
    Stage("calibrate", ("model.onnx",), ("ranges.json",)),
    Stage("build", ("model.onnx", "ranges.json"), ("<bundle>/manifest.json",)),
    Stage("run", ("<bundle>/manifest.json",), ("results.jsonl",)),
    Stage("evaluate", ("<bundle>/manifest.json",), ("<bundle>/accuracy.json",)),
    Stage("bench", ("<bundle>/manifest.json",), ("<bundle>/latency.json",)),
    Stage(
        "report",
        ("<bundle>/manifest.json", "<bundle>/accuracy.json", "<bundle>/latency.json"),
        ("report.html", "pareto.png", "report.json"),
    ),
)


class RunFolder(NamedTuple):
    """The files of one run: `root/<run-id>/`."""

    root: Path
    run_id: str

    @property
    def path(self) -> Path:
        """The folder itself."""
        return self.root / self.run_id

    @property
    def weights(self) -> Path:
        """Trained weights, with the digest of the recipe that trained them in their metadata."""
        return self.path / "weights.safetensors"

    @property
    def checkpoint(self) -> Path:
        """Resumable training state."""
        return self.path / "checkpoint.pt"

    @property
    def model(self) -> Path:
        """The exported fp32 graph."""
        return self.path / "model.onnx"

    @property
    def export_json(self) -> Path:
        """Parity and provenance of the export."""
        return self.path / "export.json"

    @property
    def ranges(self) -> Path:
        """The calibration table."""
        return self.path / "ranges.json"

    def bundle(self, precision: str, backend: str) -> Path:
        """The bundle of one precision on one backend."""
        return self.path / f"{precision}-{backend}"


def run_folder(root: Path, recipe: Path) -> RunFolder:
    """The run folder of a recipe file or of a foreign ONNX file.

    The run id is the path below the nearest folder named `recipes`, with `/` written as `-` and
    the suffix dropped (`recipes/tiny/centernet.yaml` -> `tiny-centernet`); without such a folder
    it is the file's stem.
    """
    path = recipe.resolve().with_suffix("")
    folders = path.parent.parts
    depth = folders[::-1].index("recipes") if "recipes" in folders else 0
    below = folders[len(folders) - depth :]
    return RunFolder(root, "-".join((*below, path.name)))
