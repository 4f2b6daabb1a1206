"""What the file does not say: taken from flags, else asked, else refused with the flags to give."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from edgecv.errors import UnknownName, UsageError
from edgecv.files import read_text
from edgecv.head import HEADS, TASKS
from edgecv.init.facts import Facts, last_operators, outputs
from edgecv.init.guess import HeadGuess, guess_head
from edgecv.recipe import Input
from edgecv.sections import MAX_SIDE

Ask = Callable[[str, str], str]
_COLORS = get_args(Input.model_fields["color"].annotation)
_RESIZES = get_args(Input.model_fields["resize"].annotation)
_IMAGENET = ("123.675,116.28,103.53", "58.395,57.12,57.375")  # what torchvision and timm train with
_SCALED = ("0", "255")  # pixels / 255


@dataclass(frozen=True)
class Answers:
    """Flags of `edgecv init`, as typed; empty where not given.

    Attributes:
        task: `classify` or `detect`.
        head: A kind of `head.HEADS`.
        size: "HxW" in pixels.
        mean: One value or one per channel, comma separated, in 0..255 units.
        std: Likewise.
        color: `rgb`, `bgr` or `gray`.
        resize: `letterbox`, `stretch` or `crop`.
        names: A text file with one class name a line.
        yes: Take the proposals instead of asking.
    """

    task: str = ""
    head: str = ""
    size: str = ""
    mean: str = ""
    std: str = ""
    color: str = ""
    resize: str = ""
    names: Path | None = None
    yes: bool = False


@dataclass(frozen=True)
class Settled:
    """Everything the recipe needs; `said` are the keys a person answered, the rest was read."""

    facts: Facts
    head: HeadGuess
    size: tuple[int, int]
    color: str
    mean: tuple[float, ...]
    std: tuple[float, ...]
    resize: str
    names: tuple[str, ...]
    preprocessing: str


def settle(facts: Facts, given: Answers, ask: Ask | None) -> Settled:
    """Fill in what the file leaves open.

    Raises:
        UsageError: something is missing and nobody can be asked, or an answer has no meaning.
        UnknownName: a task, head, colour or resize that edgecv does not know.
        FileError: the file of names is missing or empty.
    """
    _check_words(given)
    size = _size(facts, given, ask)
    head = _head(facts, given, size)
    proposals = _proposals(facts, head)
    said = {key: getattr(given, key) for key in proposals}
    if facts.channels == 1:
        said["color"] = "gray"
    missing = [key for key, value in said.items() if not value]
    said |= _asked(missing, proposals, facts.ultralytics or given.yes, ask)
    _check_words(Answers(color=said["color"], resize=said["resize"]))
    if (said["color"] == "gray") != (facts.channels == 1):
        raise UsageError(
            "the colour does not fit the graph's input",
            color=said["color"],
            graph_channels=facts.channels,
        )
    return Settled(
        facts=facts,
        head=head,
        size=size,
        color=said["color"],
        mean=_numbers("--mean", said["mean"], facts.channels),
        std=_numbers("--std", said["std"], facts.channels),
        resize=said["resize"],
        names=_class_names(facts, given, head),
        preprocessing=_source(facts, missing, given, ask),
    )


def _check_words(given: Answers) -> None:
    known = {"task": TASKS, "head": tuple(HEADS), "color": _COLORS, "resize": _RESIZES}
    for key, values in known.items():
        value = getattr(given, key)
        if value and value not in values:
            raise UnknownName(key, value, values)
    if given.head and given.task and HEADS[given.head].task != given.task:
        raise UsageError(f"head {given.head} is for task {HEADS[given.head].task}", task=given.task)


def _size(facts: Facts, given: Answers, ask: Ask | None) -> tuple[int, int]:
    text = given.size
    if not text and all(facts.size):
        return facts.size
    if not text and ask is not None:
        text = ask("The file leaves the image size open. Height x width in pixels", "640x640")
    if not text:
        raise UsageError("the file leaves the image size open", fix="add --size HxW")
    height, _, width = text.lower().partition("x")
    if not (height.strip().isdecimal() and width.strip().isdecimal()):
        raise UsageError("--size must be HEIGHTxWIDTH in pixels", got=text[:40])
    return _side(height.strip()), _side(width.strip())


def _side(text: str) -> int:
    digits = text.lstrip("0")
    if not digits or len(digits) > len(str(MAX_SIDE)) or int(digits) > MAX_SIDE:
        raise UsageError(f"--size: height and width must be 1..{MAX_SIDE} pixels", got=text[:40])
    return int(digits)


def _head(facts: Facts, given: Answers, size: tuple[int, int]) -> HeadGuess:
    found = outputs(facts, size)
    guess = guess_head(found, size, lambda name: last_operators(facts, name), given.head)
    task = given.task or (HEADS[given.head].task if given.head else facts.task)
    if guess is not None and task in ("", HEADS[guess.kind].task):
        return guess
    shapes = "; ".join(f"{item.name} {list(item.shape)}" for item in found)
    wanted = f"head {given.head}" if given.head else f"task {task}" if task else "any head"
    fitting = [
        kind
        for kind in HEADS
        if not given.head
        and task in ("", HEADS[kind].task)
        and guess_head(found, size, lambda name: last_operators(facts, name), kind)
    ]
    raise UsageError(
        f"the graph's outputs do not fit {wanted}" + (" without being named" if fitting else ""),
        outputs=shapes,
        heads=", ".join(HEADS),
        fix=f"say which: --head {' or --head '.join(fitting)}"
        if fitting
        else "see docs/own-model.md: which raw tensors each head takes",
    )


def _proposals(facts: Facts, head: HeadGuess) -> dict[str, str]:
    imagenet = head.kind == "classify" and facts.channels == 3 and not facts.ultralytics
    mean, std = _IMAGENET if imagenet else _SCALED
    resize = "crop" if head.kind == "classify" else "letterbox"
    return {"color": "rgb", "mean": mean, "std": std, "resize": resize}


def _asked(
    missing: list[str], proposals: dict[str, str], take: bool, ask: Ask | None
) -> dict[str, str]:
    if take:
        return {key: proposals[key] for key in missing}
    if missing and ask is None:
        flags = " ".join(f"--{key} {proposals[key]}" for key in missing)
        raise UsageError(
            "no ONNX file says how a picture becomes its input, and nobody can be asked here",
            missing=", ".join(f"--{key}" for key in missing),
            fix=f"add what the network was trained with, e.g. {flags}; or --yes for just that",
        )
    questions = {
        "color": f"Channel order ({', '.join(_COLORS)})",
        "mean": "Mean per channel, in 0..255",
        "std": "Standard deviation per channel, in 0..255",
        "resize": f"How pictures are fitted ({', '.join(_RESIZES)})",
    }
    return {key: ask(questions[key], proposals[key]) for key in missing} if ask else {}


def _numbers(flag: str, text: str, channels: int) -> tuple[float, ...]:
    try:
        values = tuple(float(part) for part in text.split(","))
    except ValueError as err:
        raise UsageError(f"{flag} must be numbers separated by commas", got=text) from err
    if len(values) == 1:
        values *= channels
    if len(values) != channels or not all(abs(value) < 1e6 for value in values):
        raise UsageError(f"{flag} needs one value, or {channels} of them", got=text)
    if flag == "--std" and min(values) <= 0:
        raise UsageError("--std: every value must be > 0", got=text)
    return values


def _class_names(facts: Facts, given: Answers, head: HeadGuess) -> tuple[str, ...]:
    if given.names is None:
        fits = len(facts.names) == head.classes
        return facts.names if fits else ()
    lines = read_text(given.names, "file of class names").splitlines()
    names = tuple(line.strip() for line in lines if line.strip())
    if len(names) != head.classes:
        raise UsageError(
            "the class names do not fit the graph",
            file=given.names,
            names=len(names),
            graph_classes=head.classes,
        )
    return names


def _source(facts: Facts, missing: list[str], given: Answers, ask: Ask | None) -> str:
    """Where mean, std, colour and resize come from, in words."""
    if not missing:
        return "as given"
    if facts.ultralytics:
        return "as Ultralytics trains"
    if given.yes:
        return f"not in the file; a common choice was taken for {', '.join(missing)}: CHECK IT"
    return "as answered" if ask else "as given"
