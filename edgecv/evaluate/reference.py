"""The fp32 bundle that a reduced precision is compared with."""

from __future__ import annotations

from pathlib import Path

from edgecv.bundle import Bundle, open_bundle
from edgecv.errors import EdgecvError, UsageError
from edgecv.progress import note


def find_reference(bundle: Bundle, given: Path | None) -> Bundle | None:
    """The bundle to compare with.

    Args:
        bundle: The bundle that is judged.
        given: The reference a user names; else it is looked for: a sibling folder `fp32-*` made
            from the same model.onnx, the one on the same backend first, then by name.

    Returns:
        None if there is none, or if the bundle is itself fp32.

    Raises:
        FileError: the bundle a user named is missing or broken.
        UsageError: the bundle a user named is the judged one, or has another task.
    """
    if given is not None:
        named = open_bundle(given)
        if given.resolve() == bundle.folder.resolve():
            raise UsageError("--reference is the bundle itself", bundle=given)
        if named.manifest.task != bundle.manifest.task:
            raise UsageError(
                "--reference has another task",
                bundle=bundle.manifest.task,
                reference=named.manifest.task,
            )
        return named
    if bundle.manifest.precision.asked == "fp32":
        return None
    found = [other for other in map(_opened, _siblings(bundle)) if other]
    return next((other for other in found if _same_model(other, bundle)), None)


def _siblings(bundle: Bundle) -> list[Path]:
    folders = sorted(bundle.folder.resolve().parent.glob("fp32-*"))
    same = f"fp32-{bundle.manifest.backend}"
    return sorted(folders, key=lambda folder: folder.name != same)


def _opened(folder: Path) -> Bundle | None:
    try:
        return open_bundle(folder)
    except EdgecvError as err:
        note(f"reference {folder.name} is left out: {err.what}")
        return None


def _same_model(other: Bundle, bundle: Bundle) -> bool:
    mine, theirs = bundle.manifest, other.manifest
    if theirs.model_digest == mine.model_digest and theirs.precision.asked == "fp32":
        return True
    note(f"reference {other.folder.name} is left out: it was built from another model.onnx")
    return False
