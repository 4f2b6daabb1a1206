"""Weight files: read without running code, checked against the network, written whole.

Safetensors, or PyTorch's own .pt/.pth through `weights_only=True` (torch >= 2.6), given
explicitly: a pickle that wants more than tensors is refused. Nothing is loaded partially.
"""

from __future__ import annotations

import difflib
import json
import re
import warnings
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from edgecv.errors import FileError, IoFailed
from edgecv.files import whole_file

if TYPE_CHECKING:
    from torch import Tensor, nn

_WRAPPERS = ("state_dict", "model_state_dict", "model", "net")  # what trainers call the dict
_PREFIXES = ("module.", "_orig_mod.")  # DataParallel, torch.compile
_SHOWN = 3  # keys listed in an error
_OTHER = "give the file of this architecture, or the recipe of the file's (edgecv zoo lists them)"


def load_weights(module: nn.Module, path: Path) -> dict[str, str]:
    """Load a weight file into `module`, every key and shape as the network has them.

    `num_batches_tracked` may be missing (files older than PyTorch 0.4.1). A network whose
    published files use older key names lists them as `older_keys`: (pattern, replacement) pairs.

    Args:
        module: The network; changed only if everything fits.
        path: .safetensors, .pt or .pth; the content decides which.

    Returns:
        The file's metadata (safetensors only): text by text.

    Raises:
        FileError: the file is missing, empty, truncated, hostile, or of another network.
        IoFailed: the file cannot be read.
    """
    state, metadata = _renamed(module, path)
    _load(module, state, path)
    return metadata


def start_from(module: nn.Module, path: Path, classes: Collection[str]) -> list[str]:
    """Load what a file has learned into a network of perhaps other classes.

    Args:
        module: The network; changed only if everything fits.
        path: As for `load_weights`.
        classes: Keys whose first dimension is the number of classes (`registry.class_keys`).
            Those of another length in the file are left as `module` has them.

    Returns:
        The keys that were left.

    Raises:
        FileError, IoFailed: as `load_weights`.
    """
    state, _ = _renamed(module, path)
    own = module.state_dict()
    left = {
        key: own[key]
        for key in sorted(classes)
        if key in state
        and state[key].shape[1:] == own[key].shape[1:]
        and state[key].shape != own[key].shape
    }
    _load(module, state | left, path)
    return list(left)


def _renamed(module: nn.Module, path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    state, metadata = read_weights(path)
    for pattern, replacement in getattr(module, "older_keys", ()):
        state = {re.sub(pattern, replacement, key): value for key, value in state.items()}
    return state, metadata


def _load(module: nn.Module, state: Mapping[str, Tensor], path: Path) -> None:
    own = module.state_dict()
    _check_keys(own, state, path)
    _check_tensors(own, state, path)
    module.load_state_dict(state, strict=False)


def read_weights(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Tensors by key, on the CPU, and the metadata of a weight file; errors as `load_weights`."""
    if path.is_dir():
        raise FileError("the weights are a folder, not a file", folder=path)
    if not path.is_file():
        raise FileError("weight file not found", file=path)
    try:
        with path.open("rb") as file:
            start = file.read(9)
    except OSError as err:
        raise IoFailed("cannot read weight file", file=path, reason=err.strerror) from err
    if not start:
        raise FileError("weight file is empty", file=path)
    if start[:2] == b"PK" or start[:1] == b"\x80":  # zip container, or a legacy pickle
        return _unwrap(_read_torch(path), path), {}
    if path.suffix != ".safetensors" and start[8:9] != b"{":
        raise FileError(
            "neither safetensors nor a PyTorch file", file=path, begins_with=repr(bytes(start))
        )
    return _read_safetensors(path)


def write_weights(path: Path, state: Mapping[str, Tensor], metadata: Mapping[str, str]) -> Path:
    """Write `state` as safetensors with `metadata`, whole or not at all; return `path`.

    Raises:
        IoFailed: the folder cannot be written or the disk is full.
    """
    from safetensors.torch import save

    tensors = {key: value.detach().cpu().contiguous() for key, value in state.items()}
    content = _in_order(save(tensors, metadata=dict(metadata)))
    with whole_file(path) as temporary:
        temporary.write_bytes(content)
    return path


def _in_order(content: bytes) -> bytes:
    """The same file with its metadata sorted: the library writes them in a random order."""
    size = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + size])
    header["__metadata__"] = dict(sorted(header.get("__metadata__", {}).items()))
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)  # the data after it stays aligned
    return len(text).to_bytes(8, "little") + text + content[8 + size :]


def read_metadata(path: Path) -> dict[str, str]:
    """The metadata of a safetensors file, without its tensors.

    Raises:
        FileError: missing, empty, or not safetensors.
    """
    from safetensors import SafetensorError, safe_open

    if not path.is_file():
        raise FileError("weight file not found", file=path)
    try:
        with safe_open(path, framework="np") as file:
            return dict(file.metadata() or {})
    except (SafetensorError, OSError, ValueError) as err:
        raise FileError("not a whole safetensors file", file=path, reason=err) from err


def _read_safetensors(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    metadata = read_metadata(path)
    try:
        return load_file(path), metadata
    except (SafetensorError, ValueError) as err:
        raise FileError("not a whole safetensors file", file=path, reason=err) from err


def _read_torch(path: Path) -> object:
    import pickle

    import torch

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # of the pickle's protocol
            return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as err:
        raise FileError(
            "the weight file is a pickle that asks for more than tensors; it was not run",
            file=path,
            reason=_first_reason(err),
            fix="ask its author for safetensors, or save its state_dict() alone",
        ) from err
    except OSError as err:
        raise IoFailed("cannot read weight file", file=path, reason=err.strerror) from err
    except Exception as err:  # a broken or hostile file may fail anywhere in torch's reader
        raise FileError(
            "the weight file is truncated or not a PyTorch file",
            file=path,
            reason=_first_reason(err),
        ) from err


def _first_reason(err: Exception) -> str:
    """The informative words of torch's page-long messages, without its advice to run the file."""
    text = str(err)
    named = re.search(r"(?i)unsupported (?:global:? )?GLOBAL ([\w.]+)", text)
    if named:
        return f"it names {named[1]}"
    found = re.search(r"(Unsupported (?:class|operand|instruction)[^.\n]*)", text)
    return found[1] if found else text.partition(". ")[0].splitlines()[0] or type(err).__name__


def _unwrap(content: object, path: Path) -> dict[str, Tensor]:
    import torch

    for wrapper in _WRAPPERS:
        if isinstance(content, dict) and isinstance(content.get(wrapper), dict):
            content = content[wrapper]
    if not isinstance(content, dict) or not content:
        raise FileError("the weight file holds no state_dict", file=path)
    stray = [str(key) for key, value in content.items() if not isinstance(value, torch.Tensor)]
    if stray:
        raise FileError(
            "the weight file holds more than tensors", file=path, keys=", ".join(stray[:_SHOWN])
        )
    state = {str(key): value for key, value in content.items()}
    for prefix in _PREFIXES:
        if all(key.startswith(prefix) for key in state):
            state = {key.removeprefix(prefix): value for key, value in state.items()}
    return state


def _check_keys(own: Mapping[str, Tensor], state: Mapping[str, Tensor], path: Path) -> None:
    missing = [k for k in own if k not in state and not k.endswith(".num_batches_tracked")]
    extra = [k for k in state if k not in own]
    if not missing and not extra:
        return
    facts: dict[str, object] = {"file": path}
    if missing:
        facts["missing"] = _listed(missing)
    if extra:
        facts["unexpected"] = _listed(extra)
        near = difflib.get_close_matches(extra[0], missing or list(own), n=1)
        facts |= {f"nearest to {extra[0]}": near[0]} if near else {}
    fix = _OTHER
    if all(re.match("aux", key, re.IGNORECASE) for key in (*missing, *extra)):
        fix = f"only auxiliary heads differ: --set arch.args.aux={'false' if missing else 'true'}"
    raise FileError("the weights are of another network: keys differ", fix=fix, **facts)  # type: ignore[arg-type]


def _check_tensors(own: Mapping[str, Tensor], state: Mapping[str, Tensor], path: Path) -> None:
    wrong = [
        f"{key} is {_describe(value)}, the network has {_describe(own[key])}"
        for key, value in state.items()
        if value.shape != own[key].shape
        or value.is_floating_point() != own[key].is_floating_point()
    ]
    if wrong:
        raise FileError(
            "the weights are of another network: shapes differ",
            file=path,
            first="; ".join(wrong[:_SHOWN]),
            count=len(wrong),
            fix=_fitting_classes(own, state) or _OTHER,
        )


def _fitting_classes(own: Mapping[str, Tensor], state: Mapping[str, Tensor]) -> str:
    """The edit for the commonest case: everything fits but the number of classes."""
    wrong = [(own[key].shape, value.shape) for key, value in state.items()]
    wrong = [(mine, theirs) for mine, theirs in wrong if mine != theirs]
    first = {(mine[:1], theirs[:1]) for mine, theirs in wrong}
    if len(first) != 1 or any(mine[1:] != theirs[1:] for mine, theirs in wrong):
        return ""
    ((_, theirs),) = first
    return f"if they differ in their classes alone: --set arch.args.classes={theirs[0]}"


def _describe(tensor: Tensor) -> str:
    kind = "" if tensor.is_floating_point() else f" {str(tensor.dtype).removeprefix('torch.')}"
    return f"{tuple(tensor.shape)}{kind}"


def _listed(keys: list[str]) -> str:
    more = f" and {len(keys) - _SHOWN} more" if len(keys) > _SHOWN else ""
    return ", ".join(keys[:_SHOWN]) + more
