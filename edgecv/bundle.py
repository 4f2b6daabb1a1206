"""The bundle: a folder that holds an engine and everything needed to trust, run and rebuild it.

manifest.json   what it is: contracts, precision asked and achieved, versions, file digests
engine.*        the untouched engine file (plan, or typed ONNX on the CPU backends)
model.onnx      the typed graph as built
source.onnx     opset 17, fp32, ranges applied: any TensorRT >= 8.5 can rebuild from it
golden.npz      one input and ONNX Runtime's outputs on the typed graph
layers.json     what the engine really runs, layer by layer
kernels/        cubins of the pre- and post-processing, for the targets of a TensorRT flavour
accuracy.json, latency.json, costs.json   written later by `evaluate`, `bench`, `compare --costs`
parts/<name>/   of a cascade: bundles of its later engines, each with a manifest of its own and all
                digested with the rest; their input, head and run sections are those of the whole
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from edgecv.errors import FileError
from edgecv.files import read_json, sha256_file, write_json
from edgecv.head import Head
from edgecv.recipe import Backend, Bench, Build, Data, Evaluate, Input, Precision, Report, Run

MANIFEST = "manifest.json"
KERNELS = "kernels"
SCHEMA: Literal[1] = 1
ADDED_LATER = (
    "accuracy.json",
    "latency.json",
    "costs.json",
)  # not digested: other stages write them


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Tensor(_Part):
    """Name, shape and dtype of an engine input or output; -1 is a dynamic dimension."""

    name: str
    shape: tuple[int, ...]
    dtype: str


class PrecisionRecord(_Part):
    """What was asked, and what the engine really runs.

    Attributes:
        asked: The precision intent.
        rest: For int8 and mixed: precision of what is not int8.
        quantized: Names of the Conv/Gemm/MatMul nodes that were given int8 inputs and weights.
        kept: Node name -> why it was not.
        achieved: Runtime precision -> number of engine layers that run in it, e.g.
            {"int8": 20, "fp32": 3}; read from the engine, never assumed. Empty if it cannot be
            read on this machine.
    """

    asked: Precision
    rest: Literal["fp32", "fp16"] = "fp32"
    quantized: tuple[str, ...] = ()
    kept: dict[str, str] = {}
    achieved: dict[str, int] = {}


class Layer(_Part):
    """One layer of the built engine, as the engine reports it."""

    name: str
    type: str
    precision: str


PartName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,31}$")]


class Manifest(_Part):
    """The contents of manifest.json.

    Attributes:
        run_id: The run the bundle belongs to.
        recipe_digest: `Recipe.digest("build")`; empty for a foreign model.
        model_digest: sha256 of the fp32 model.onnx the build started from.
        origin: Digest of all the typed graph was made from (`edgecv.build.origin`).
        data: The recipe's data section, so that `evaluate BUNDLE` needs no recipe.
        build: What the engine was asked for: the recipe's section, which a rebuild starts from.
        evaluate, run, bench, report: The recipe's sections, likewise.
        batch: (min, opt, max) batch sizes the engine takes.
        backend: The engine family.
        backend_version: Version of the library that built the engine.
        targets: Compute capabilities the engine was built for (TensorRT flavours).
        kernels: Compute capabilities the bundle carries compiled kernels for.
        host: Facts about the machine that built it (CPU or GPU name, driver).
        engine: File name of the engine inside the bundle.
        tolerance: Self-test limit, relative to the largest |golden| value of each output.
        parts: Names of the engines of later stages, each a bundle in `parts/<name>`.
        files: Name -> sha256 of every file but the manifest and those written later.
    """

    schema_version: Literal[1] = SCHEMA
    edgecv: str
    run_id: str
    task: str
    recipe_digest: str = ""
    model_digest: str
    origin: str = ""
    input: Input
    head: Head
    data: Data | None = None
    build: Build = Build()
    evaluate: Evaluate = Evaluate()
    run: Run = Run()
    bench: Bench = Bench()
    report: Report = Report()
    batch: tuple[int, int, int]
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    precision: PrecisionRecord
    backend: Backend
    backend_version: str
    targets: tuple[str, ...] = ()
    kernels: tuple[str, ...] = ()
    host: dict[str, str] = {}
    engine: str
    tolerance: float = Field(gt=0)
    created: str
    parts: tuple[PartName, ...] = ()
    files: dict[str, str]


@dataclass(frozen=True)
class Bundle:
    """An opened bundle; digests were checked.

    Attributes:
        folder: Where it is.
        manifest: What it says of itself.
        parts: The bundles of later stages' engines, by name.
    """

    folder: Path
    manifest: Manifest
    parts: dict[str, Bundle] = field(default_factory=dict)

    def path(self, name: str) -> Path:
        """Path of a file inside the bundle."""
        return self.folder / name

    @property
    def engine(self) -> Path:
        """Path of the engine file."""
        return self.folder / self.manifest.engine


def seal(folder: Path, manifest: Manifest) -> None:
    """Write the manifest of a folder whose files are complete, with their digests.

    Call inside `files.whole_folder`, last: a folder without a manifest is no bundle.
    """
    digests = {
        str(path.relative_to(folder).as_posix()): sha256_file(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path not in {folder / name for name in (MANIFEST, *ADDED_LATER)}
    }
    complete = manifest.model_copy(update={"files": digests})
    write_json(folder / MANIFEST, complete.model_dump(mode="json"))


def open_bundle(folder: Path, *, check_digests: bool = True) -> Bundle:
    """Read a bundle's manifest and check its files.

    Args:
        folder: The bundle.
        check_digests: Whether every file's sha256 is compared with the manifest's.

    Raises:
        FileError: no bundle, a broken manifest, a path that leaves the folder, a missing file, or
            a file whose digest differs.
    """
    if not folder.is_dir():
        raise FileError(
            "bundle not found", folder=folder, fix="edgecv build RECIPE --precision fp32"
        )
    manifest = _read_manifest(folder / MANIFEST)
    for name in (*manifest.files, manifest.engine):
        _require_inside(folder, name)
    if manifest.engine not in manifest.files:
        raise FileError("bundle manifest lists no digest for its engine", engine=manifest.engine)
    for name, digest in manifest.files.items():
        path = folder / name
        if not path.is_file():
            raise FileError("bundle lacks a file its manifest lists", bundle=folder, file=name)
        if check_digests and sha256_file(path) != digest:
            raise FileError(
                "bundle file was changed after it was built",
                bundle=folder,
                file=name,
                fix="copy it again, or build it again from its recipe: edgecv build RECIPE",
            )
    parts = {name: _part(folder, manifest, name) for name in manifest.parts}
    return Bundle(folder, manifest, parts)


def part_folder(folder: Path, name: str) -> Path:
    """Where the part `name` of the bundle in `folder` lies."""
    return folder / "parts" / name


def _part(folder: Path, manifest: Manifest, name: str) -> Bundle:
    """A part of a bundle, whose files the bundle's own digests cover."""
    inside = part_folder(folder, name)
    if (inside / MANIFEST).relative_to(folder).as_posix() not in manifest.files:
        raise FileError("bundle manifest lists no digest for a part", bundle=folder, part=name)
    if _read_manifest(inside / MANIFEST).parts:
        raise FileError("a part of a bundle must not have parts", bundle=folder, part=name)
    return open_bundle(inside, check_digests=False)


def _read_manifest(path: Path) -> Manifest:
    data = read_json(path, "bundle manifest")
    version = data.get("schema_version") if isinstance(data, dict) else None
    if isinstance(version, int) and version > SCHEMA:
        raise FileError(
            "bundle was written by a newer edgecv",
            file=path,
            its_schema=version,
            known_here=SCHEMA,
            fix="pip install --upgrade edgecv",
        )
    try:
        return Manifest.model_validate(data)
    except ValidationError as err:
        first = err.errors()[0]
        raise FileError(
            "bundle manifest does not fit its schema",
            file=path,
            key=".".join(map(str, first["loc"])),
            problem=first["msg"],
        ) from err


def _require_inside(folder: Path, name: str) -> None:
    plain = name.isprintable() and name.isascii() and "\\" not in name and name
    parts = PurePosixPath(name)
    inside = plain and not parts.is_absolute() and ".." not in parts.parts
    if not inside or not (folder / name).resolve().is_relative_to(folder.resolve()):
        raise FileError(
            "bundle manifest points outside its folder", bundle=folder, path=ascii(name)
        )
