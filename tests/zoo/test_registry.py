import subprocess
import sys
from typing import NamedTuple

import pytest

from edgecv.errors import UnknownName, UsageError
from edgecv.zoo.registry import class_keys, create, register, variants

BOTH = ("weight", "bias")


class Row(NamedTuple):
    params: int = 1
    recipe: str = "none"


def test_a_taken_name_is_refused():
    variants()
    with pytest.raises(
        ValueError, match=r"'resnet18' of .* is taken by edgecv.zoo.classify.resnet"
    ):
        register(task="classify", paper="none", variants={"resnet18": Row()})(type("Net", (), {}))


def test_unknown_name_lists_the_nearest():
    with pytest.raises(
        UnknownName, match=r"unknown architecture 'resnet81'\n  nearest: .*resnet18"
    ):
        create("resnet81")


def test_unknown_argument_lists_the_nearest():
    with pytest.raises(UnknownName, match=r"unknown argument of resnet18 'clases'\n.*classes"):
        create("resnet18", clases=10)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        pytest.param("ten", "must be int", id="text"),
        pytest.param(True, "must be int", id="bool"),
        pytest.param(0, "must be positive", id="zero"),
        pytest.param(-3, "must be positive", id="negative"),
    ],
)
def test_wrong_argument_is_refused(value, message):
    with pytest.raises(UsageError, match=message):
        create("resnet_tiny", classes=value)


def test_importing_the_registry_imports_no_torch():
    code = "import sys, edgecv.zoo.registry; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


@pytest.mark.parametrize(
    ("name", "keys"),
    [
        pytest.param("resnet50", {"fc.weight", "fc.bias"}, id="dense"),
        pytest.param("squeezenet1_1", {"classifier.1.weight", "classifier.1.bias"}, id="1x1"),
        pytest.param(
            "googlenet",
            {f"{head}.{part}" for head in ("fc", "aux1.fc2", "aux2.fc2") for part in BOTH},
            id="auxiliary",
        ),
    ],
)
def test_class_keys_are_those_that_follow_the_number_of_classes(name, keys):
    assert class_keys(name, {"classes": 10}) == keys
