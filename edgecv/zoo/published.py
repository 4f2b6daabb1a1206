"""Published weights: where they are, and how a download is known to be right.

Nothing here runs without being asked: `edgecv zoo --download NAME`, `edgecv export --weights
torchvision:IMAGENET1K_V1`, or an address.
"""

from __future__ import annotations

import http.client
import os
import re
import time
import urllib.error
import urllib.request
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple
from urllib.parse import SplitResult, urlsplit

from edgecv.errors import FileError, IoFailed, UnknownName, UsageError
from edgecv.files import sha256_file, whole_file
from edgecv.progress import note

_CHUNK = 1 << 20
_TIMEOUT_S = 30
_HOUR_S = 3600.0
_LIMIT_BYTES = 2 << 30  # no published file of the zoo is near this


class Published(NamedTuple):
    """One file: its address, and as much of its sha256 as its publisher states (hex)."""

    url: str
    sha256: str


V1, V2 = "torchvision:IMAGENET1K_V1", "torchvision:IMAGENET1K_V2"
_TORCHVISION = "https://download.pytorch.org/models"
_TIMM = "https://github.com/huggingface/pytorch-image-models/releases/download"


def _named(folder: str, stem: str, sha256: str) -> Published:
    """Both publishers put the first hex digits of the sha256 into the file's name."""
    return Published(f"{folder}/{stem}-{sha256}.pth", sha256)


# variant -> tag -> file; the first tag is the default
PUBLISHED: dict[str, dict[str, Published]] = {
    "alexnet": {V1: _named(_TORCHVISION, "alexnet-owt", "7be5be79")},
    "vgg11": {V1: _named(_TORCHVISION, "vgg11", "8a719046")},
    "vgg13": {V1: _named(_TORCHVISION, "vgg13", "19584684")},
    "vgg16": {V1: _named(_TORCHVISION, "vgg16", "397923af")},
    "vgg19": {V1: _named(_TORCHVISION, "vgg19", "dcbb9e9d")},
    "vgg11_bn": {V1: _named(_TORCHVISION, "vgg11_bn", "6002323d")},
    "vgg13_bn": {V1: _named(_TORCHVISION, "vgg13_bn", "abd245e5")},
    "vgg16_bn": {V1: _named(_TORCHVISION, "vgg16_bn", "6c64b313")},
    "vgg19_bn": {V1: _named(_TORCHVISION, "vgg19_bn", "c79401a0")},
    "googlenet": {V1: _named(_TORCHVISION, "googlenet", "1378be20")},
    "inception_v3": {V1: _named(_TORCHVISION, "inception_v3_google", "0cc3c7bd")},
    "resnet18": {V1: _named(_TORCHVISION, "resnet18", "f37072fd")},
    "resnet34": {V1: _named(_TORCHVISION, "resnet34", "b627a593")},
    "resnet50": {
        V1: _named(_TORCHVISION, "resnet50", "0676ba61"),
        V2: _named(_TORCHVISION, "resnet50", "11ad3fa6"),
    },
    "resnet101": {
        V1: _named(_TORCHVISION, "resnet101", "63fe2227"),
        V2: _named(_TORCHVISION, "resnet101", "cd907fc2"),
    },
    "resnet152": {
        V1: _named(_TORCHVISION, "resnet152", "394f9c45"),
        V2: _named(_TORCHVISION, "resnet152", "f82ba261"),
    },
    "resnext50_32x4d": {
        V1: _named(_TORCHVISION, "resnext50_32x4d", "7cdf4587"),
        V2: _named(_TORCHVISION, "resnext50_32x4d", "1a0047aa"),
    },
    "resnext101_32x8d": {
        V1: _named(_TORCHVISION, "resnext101_32x8d", "8ba56ff5"),
        V2: _named(_TORCHVISION, "resnext101_32x8d", "110c445d"),
    },
    "densenet121": {V1: _named(_TORCHVISION, "densenet121", "a639ec97")},
    "densenet161": {V1: _named(_TORCHVISION, "densenet161", "8d451a50")},
    "densenet169": {V1: _named(_TORCHVISION, "densenet169", "b2777c0a")},
    "densenet201": {V1: _named(_TORCHVISION, "densenet201", "c1103571")},
    "squeezenet1_0": {V1: _named(_TORCHVISION, "squeezenet1_0", "b66bff10")},
    "squeezenet1_1": {V1: _named(_TORCHVISION, "squeezenet1_1", "b8a52dc0")},
    "shufflenet_v2_x0_5": {V1: _named(_TORCHVISION, "shufflenetv2_x0.5", "f707e7126e")},
    "shufflenet_v2_x1_0": {V1: _named(_TORCHVISION, "shufflenetv2_x1", "5666bf0f80")},
    "shufflenet_v2_x1_5": {V1: _named(_TORCHVISION, "shufflenetv2_x1_5", "3c479a10")},
    "shufflenet_v2_x2_0": {V1: _named(_TORCHVISION, "shufflenetv2_x2_0", "8be3c8ee")},
    "seresnet50": {
        "timm:ra2_in1k": _named(f"{_TIMM}/v0.1-weights", "seresnet50_ra_224", "8efdb4bb"),
        "timm:a1_in1k": _named(f"{_TIMM}/v0.1-rsb-weights", "seresnet50_a1_0", "ffa00869"),
    },
    "seresnext50_32x4d": {
        "timm:racm_in1k": _named(f"{_TIMM}/v0.1-weights", "seresnext50_32x4d_racm", "a304a460"),
    },
}
# published without a digest in its address: fetched by hand, then `--weights FILE`
BY_HAND = {
    "inception_v4": "https://huggingface.co/timm/inception_v4.tf_in1k",
    "inception_resnet_v2": "https://huggingface.co/timm/inception_resnet_v2.tf_in1k",
    "mobilenet_v1": "https://huggingface.co/timm/mobilenetv1_100.ra4_e3600_r224_in1k",
}


def tags(name: str) -> tuple[str, ...]:
    """What `--weights` takes for variant `name`; an address where the file is fetched by hand."""
    by_hand = (BY_HAND[name],) if name in BY_HAND else ()
    return (*PUBLISHED.get(name, {}), *by_hand)


def weight_file(name: str, text: str, cache: Path | None = None) -> Path:
    """The file that `--weights TEXT` means for variant `name`.

    Args:
        name: A variant of the zoo.
        text: `torchvision:IMAGENET1K_V1` or `timm:TAG`; an https address whose digest stands in it
            (`...-0676ba61.pth`, or `...#sha256=HEX`); else a path.
        cache: As `published_weights`.

    Raises:
        UsageError: an address that is not https or names no digest; a publisher that is not
            known; weights that have to be fetched by hand.
        UnknownName, IoFailed, FileError: as `published_weights`.
    """
    if re.match(r"(torchvision|timm):", text):
        return published_weights(name, cache, tag=text)
    if "://" in text:
        return _fetched(_of_address(text), cache)
    if (tag := text.partition(":")[2]) and not Path(text).exists():
        raise UsageError(
            "--weights names neither a file nor a publisher edgecv knows",
            got=text,
            fix=f"torchvision:{tag}, timm:{tag}, random:SEED, a file or an https address",
        )
    return Path(text)


def published_weights(name: str, cache: Path | None = None, *, tag: str = "") -> Path:
    """The published weight file of a variant, downloaded once.

    Args:
        name: A variant of the zoo that has published weights.
        cache: Folder of the downloads; none: `$XDG_CACHE_HOME/edgecv/weights`.
        tag: Which of its files (`torchvision:IMAGENET1K_V2`); empty: the first.

    Returns:
        The file; its digest was checked, in the cache as after the download.

    Raises:
        UnknownName: no weights are published under this name or tag.
        IoFailed: the address cannot be reached, broke off, or the disk is full.
        FileError: what came is not what was published; nothing is kept.
    """
    if name in BY_HAND and name not in PUBLISHED:
        raise UsageError(
            f"the weights of {name} are published without a digest: they are not downloaded",
            fix=f"fetch them from {BY_HAND[name]} by hand, then --weights FILE",
        )
    if name not in PUBLISHED:
        raise UnknownName(
            "published weights",
            name,
            PUBLISHED,
            fix="edgecv train RECIPE, or a file of your own: --weights FILE",
        )
    files = PUBLISHED[name]
    if tag and tag not in files:
        raise UnknownName(f"weights of {name}", tag, files)
    return _fetched(files[tag] if tag else next(iter(files.values())), cache)


def _of_address(text: str) -> Published:
    """An address a user gives, with the digest it names."""
    parts = _split(text)
    loopback = parts.scheme == "http" and parts.hostname == "127.0.0.1"
    if parts.scheme != "https" and not loopback:
        raise UsageError("weights are fetched over https only", got=text)
    found = re.fullmatch(r"sha256=([0-9a-fA-F]{8,64})", parts.fragment) or re.search(
        r"-([0-9a-f]{8,64})\.\w+$", parts.path
    )
    if found is None:
        raise UsageError(
            "the address names no digest, so the download could not be checked",
            got=text,
            fix="append #sha256=HEX (at least 8 digits), or fetch the file by hand and name it",
        )
    return Published(text.partition("#")[0], found[1].lower())


def _split(text: str) -> SplitResult:
    try:
        parts = urlsplit(text)
        named = parts.path.rpartition("/")[2].strip(".")  # what it will be kept as
        fit = bool(named and parts.hostname and parts.port != 0) and text.isprintable()
    except ValueError:  # a port that is none, a bracket that is not closed
        fit = False
    if not fit or " " in text or not text.isascii():
        raise UsageError(
            "not an address that can be fetched",
            got=text,
            fix="an address is https://HOST/FILE, spaces and letters beyond ASCII written as %XX",
        )
    return parts


def _fetched(found: Published, cache: Path | None) -> Path:
    folder = cache or _cache_folder()
    path = folder / urlsplit(found.url).path.rsplit("/", 1)[-1]
    if path.is_file() and sha256_file(path).startswith(found.sha256):
        return path
    _sweep(path)
    note(f"fetching {found.url}")
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


def _sweep(path: Path) -> None:
    """Remove what downloads of this file left that were killed more than an hour ago."""
    for left in path.parent.glob(f".{path.stem}.*.tmp{path.suffix}"):
        with suppress(OSError):
            if time.time() - left.stat().st_mtime > _HOUR_S:
                left.unlink()


def _cache_folder() -> Path:
    home = os.environ.get("XDG_CACHE_HOME")
    return (Path(home) if home else Path.home() / ".cache") / "edgecv" / "weights"


def _download(url: str, path: Path) -> None:
    try:
        # the table's addresses, or https with a digest (see _of_address)
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
    except (urllib.error.URLError, http.client.HTTPException, TimeoutError, ConnectionError) as err:
        raise IoFailed(
            "cannot download published weights",
            url=url,
            reason=getattr(err, "reason", err),
            fix="without a network here: fetch it elsewhere, copy it here, and --weights FILE",
        ) from err
