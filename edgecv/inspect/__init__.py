"""What a bundle is: precision asked and achieved side by side, layers, sizes, where it runs.

Device room: neither torch nor onnx, and no engine is loaded.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from edgecv.bundle import ADDED_LATER, MANIFEST, Bundle, Manifest, open_bundle
from edgecv.engines.where import where_it_runs
from edgecv.files import read_json
from edgecv.inspect.layers import side_by_side

_NAMELESS = ("pose", "features")  # tasks without classes
_MIB = 1 << 20


def inspect(folder: Path) -> dict[str, Any]:
    """Read a bundle; its digests are checked, its engine is not loaded.

    Returns:
        `bundle`, `run_id`, `task`, `backend`, `backend_version`, `edgecv`, `created`, `host`,
        `targets`, `runs_on`; `precision` (`asked`, `rest`, `achieved`, `quantized`, `kept`);
        `input`, `inputs`, `outputs`, `batch`, `head`, `classes` and `joints` (how many have a
        name), `tolerance`; `files` (name ->
        `mib`, `sha256`), `mib`; `digests`; `layers` (`name`, `type`, `asked`, `achieved`);
        `parts` (name -> `backend`, `backend_version`, `asked`, `achieved`, `batch`, `inputs`,
        `outputs`); `accuracy` and `latency` as `evaluate` and `bench` wrote them, None before.

    Raises:
        FileError: no bundle, a broken one, or one that was changed.
    """
    bundle = open_bundle(folder)
    manifest = bundle.manifest
    files: dict[str, dict[str, Any]] = {
        name: {"mib": round(bundle.path(name).stat().st_size / _MIB, 3), "sha256": digest}
        for name, digest in sorted(manifest.files.items())
    }
    return {
        "bundle": str(folder),
        **_provenance(manifest),
        "precision": {
            **manifest.precision.model_dump(mode="json", exclude={"quantized"}),
            "quantized": len(manifest.precision.quantized),
        },
        "input": manifest.input.model_dump(mode="json"),
        "inputs": [tensor.model_dump(mode="json") for tensor in manifest.inputs],
        "outputs": [tensor.model_dump(mode="json") for tensor in manifest.outputs],
        "batch": list(manifest.batch),
        "head": manifest.head.kind,
        "classes": 0 if manifest.task in _NAMELESS else len(manifest.head.names),
        "joints": len(getattr(manifest.head, "joints", ())),
        "tolerance": manifest.tolerance,
        "files": files,
        "mib": round(sum(file["mib"] for file in files.values()), 3),
        "layers": side_by_side(bundle),
        "parts": {name: _part(part) for name, part in bundle.parts.items()},
        **{Path(name).stem: _later(bundle, name) for name in ADDED_LATER},
    }


def as_text(report: dict[str, Any], *, layers: bool = False) -> str:
    """A report for people."""
    precision, shape = report["precision"], report["input"]["size"]
    built = f"{report['backend']} {report['backend_version']}"
    rows = [
        ("bundle", report["bundle"]),
        ("task", f"{report['task']}, head {report['head']}, {_named(report)}"),
        ("built", f"{report['created']} by edgecv {report['edgecv']} with {built}"),
        ("runs on", report["runs_on"]),
        ("asked", _asked(precision)),
        ("achieved", _counts(precision["achieved"])),
        ("input", f"{shape[0]} x {shape[1]} {report['input']['color']}, batch {_batch(report)}"),
        ("tensors", "; ".join(_tensor(t) for t in (*report["inputs"], *report["outputs"]))),
        ("digests", ", ".join(f"{k} {v[:12]}" for k, v in report["digests"].items() if v)),
        *((f"part {name}", _part_line(part)) for name, part in report["parts"].items()),
        ("accuracy", _accuracy(report["accuracy"])),
        ("latency", _latency(report["latency"])),
        ("size", f"{report['mib']} MiB"),
    ]
    lines = [f"{name:<10}{value}" for name, value in rows]
    lines += [f"  {file['mib']:>10.3f} MiB  {name}" for name, file in report["files"].items()]
    kept = precision["kept"].items()
    lines += ["kept out of int8:"] if kept else []
    lines += [f"  {node}: {reason}" for node, reason in kept]
    return "\n".join([*lines, *(_layer_table(report["layers"]) if layers else [])])


def _provenance(manifest: Manifest) -> dict[str, Any]:
    names = ("run_id", "task", "backend", "backend_version", "edgecv", "created", "host")
    values: dict[str, Any] = {name: getattr(manifest, name) for name in names}
    digests = {"recipe": manifest.recipe_digest, "model": manifest.model_digest}
    where = where_it_runs(manifest)
    return {**values, "targets": list(manifest.targets), "runs_on": where, "digests": digests}


def _named(report: dict[str, Any]) -> str:
    """What the head's results are called by."""
    if report["task"] == "features":
        return "descriptors, no classes"
    if report["task"] == "pose":
        return f"{report['joints']} joints" if report["joints"] else "joints shown by number"
    return f"{report['classes']} named classes" if report["classes"] else "classes shown by number"


def _part(part: Bundle) -> dict[str, Any]:
    manifest = part.manifest
    return {
        "backend": manifest.backend,
        "backend_version": manifest.backend_version,
        "asked": manifest.precision.asked,
        "achieved": manifest.precision.achieved,
        "batch": list(manifest.batch),
        "inputs": [tensor.model_dump(mode="json") for tensor in manifest.inputs],
        "outputs": [tensor.model_dump(mode="json") for tensor in manifest.outputs],
    }


def _part_line(part: dict[str, Any]) -> str:
    tensors = "; ".join(_tensor(tensor) for tensor in (*part["inputs"], *part["outputs"]))
    return f"{part['backend']}, asked {part['asked']}, {_counts(part['achieved'])}; {tensors}"


def _later(bundle: Bundle, name: str) -> Any:
    path = bundle.path(name)
    return read_json(path, f"{Path(name).stem} record") if path.is_file() else None


def _asked(precision: dict[str, Any]) -> str:
    if precision["asked"] not in ("int8", "mixed"):
        return str(precision["asked"])
    nodes = f"{precision['quantized']} nodes int8, the rest {precision['rest']}"
    return f"{precision['asked']} ({nodes}; {len(precision['kept'])} kept out)"


def _counts(achieved: dict[str, int]) -> str:
    if not achieved:
        return "not readable where it was built"
    total = sum(achieved.values())
    parts = sorted(achieved.items(), key=lambda item: -item[1])
    return ", ".join(f"{count} {name}" for name, count in parts) + f" (of {total} layers)"


def _batch(report: dict[str, Any]) -> str:
    low, opt, high = report["batch"]
    return str(low) if low == high else f"{low}..{high} (best {opt})"


def _tensor(tensor: dict[str, Any]) -> str:
    return f"{tensor['name']} {tuple(tensor['shape'])} {tensor['dtype']}"


def _accuracy(record: Any) -> str:
    if not isinstance(record, dict) or "value" not in record:
        return "not judged yet (edgecv evaluate)"
    low, high = record.get("interval") or (None, None)
    interval = f" [{low:.4f}, {high:.4f}]" if low is not None else ""
    return f"{record.get('metric')} {record['value']:.4f}{interval} on {record.get('n')} images"


def _latency(record: Any) -> str:
    whole = record.get("end_to_end") if isinstance(record, dict) else None
    if not isinstance(whole, dict):
        return "not measured yet (edgecv bench)"
    return ", ".join(f"{name.removesuffix('_ms')} {value:.2f} ms" for name, value in whole.items())


def _layer_table(rows: list[dict[str, str]]) -> list[str]:
    if not rows:
        return [f"no layers are recorded in {MANIFEST}'s folder"]
    width = max(len(row["type"]) for row in rows)
    head = f"{'asked':<8}{'achieved':<10}{'type':<{width}}  layer"
    body = [
        f"{row['asked']:<8}{row['achieved']:<10}{row['type']:<{width}}  {row['name']}"
        + ("   <- differs" if row["asked"] not in ("", row["achieved"]) else "")
        for row in rows
    ]
    return [head, *body]
