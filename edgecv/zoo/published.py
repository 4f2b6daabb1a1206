"""Published weights: where they are, and how a download is known to be right.

Nothing here runs without being asked (`edgecv zoo --download NAME`).
"""

from __future__ import annotations

import os
import urllib.error
import urllib.request
from pathlib import Path
from typing import NamedTuple

from edgecv.errors import FileError, IoFailed, UnknownName
from edgecv.files import sha256_file, whole_file

_CHUNK = 1 << 20
_TIMEOUT_S = 30
_LIMIT_BYTES = 2 << 30  # no published file of the zoo is near this


class Published(NamedTuple):
    """One file: its address, and as much of its sha256 as its publisher states (hex)."""

    url: str
    sha256: str


_TORCHVISION = "https://download.pytorch.org/models"

# torchvision puts the first 8 hex digits of the sha256 into the name (IMAGENET1K_V1 weights)
PUBLISHED = {
    "resnet18": Published(f"{_TORCHVISION}/resnet18-f37072fd.pth", "f37072fd"),
    "resnet34": Published(f"{_TORCHVISION}/resnet34-b627a593.pth", "b627a593"),
    "resnet50": Published(f"{_TORCHVISION}/resnet50-0676ba61.pth", "0676ba61"),
    "resnet101": Published(f"{_TORCHVISION}/resnet101-63fe2227.pth", "63fe2227"),
    "resnet152": Published(f"{_TORCHVISION}/resnet152-394f9c45.pth", "394f9c45"),
}


def published_weights(name: str, cache: Path | None = None) -> Path:
    """The published weight file of a variant, downloaded once.

    Args:
        name: A variant of the zoo that has published weights.
        cache: Folder of the downloads; none: `$XDG_CACHE_HOME/edgecv/weights`.

    Returns:
        The file; its digest was checked, in the cache as after the download.

    Raises:
        UnknownName: no weights are published under this name.
        IoFailed: the address cannot be reached, broke off, or the disk is full.
        FileError: what came is not what was published; nothing is kept.
    """
    if name not in PUBLISHED:
        raise UnknownName("published weights", name, PUBLISHED)
    folder = cache or _cache_folder()
    found = PUBLISHED[name]
    path = folder / found.url.rsplit("/", 1)[-1]
    if path.is_file() and sha256_file(path).startswith(found.sha256):
        return path
    with whole_file(path) as temporary:
        _download(found.url, temporary)
        digest = sha256_file(temporary)
        if not digest.startswith(found.sha256):
            raise FileError(
                "the download is not the published file",
                url=found.url,
                sha256=digest,
                expected=f"{found.sha256}…",
            )
    return path


def _cache_folder() -> Path:
    home = os.environ.get("XDG_CACHE_HOME")
    return (Path(home) if home else Path.home() / ".cache") / "edgecv" / "weights"


def _download(url: str, path: Path) -> None:
    try:
        # the addresses are the table's above, never a user's
        with (
            urllib.request.urlopen(url, timeout=_TIMEOUT_S) as source,  # noqa: S310
            path.open("wb") as file,
        ):
            while piece := source.read(_CHUNK):
                file.write(piece)
                if file.tell() > _LIMIT_BYTES:
                    raise FileError("the download does not end", url=url, limit_bytes=_LIMIT_BYTES)
            expected = source.headers.get("Content-Length")
            if expected is not None and file.tell() != int(expected):
                raise IoFailed(
                    "the download broke off", url=url, bytes=file.tell(), expected_bytes=expected
                )
    except (urllib.error.URLError, TimeoutError, ConnectionError) as err:
        raise IoFailed("cannot download published weights", url=url, reason=err) from err
