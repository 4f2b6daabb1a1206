import os
import subprocess
import sys
from pathlib import Path
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


OWN = """
from typing import NamedTuple
from torch import nn
from edgecv.zoo.registry import register

class Variant(NamedTuple):
    params: int
    recipe: str = ""

@register(task="classify", paper="none", variants={"mine": Variant(30)})
class Mine(nn.Module):
    def __init__(self, variant, classes: int = 10):
        super().__init__()
        self.fc = nn.Linear(3, classes)

    def forward(self, x):
        return {"logits": self.fc(x.mean(dim=(2, 3)))}
"""
ASK = "from edgecv.zoo.registry import create; print(create('mine', classes=4).fc.out_features)"


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        pytest.param(OWN, "4", id="own"),
        pytest.param("1 / 0", "cannot be imported\n  entry point: own = own_net", id="broken"),
    ],
)
def test_an_installed_package_brings_architectures_of_its_own(tmp_path, code, expected):
    (tmp_path / "own_net.py").write_text(code)
    (tmp_path / "own-1.0.dist-info").mkdir()
    (tmp_path / "own-1.0.dist-info" / "METADATA").write_text("Name: own\nVersion: 1.0\n")
    (tmp_path / "own-1.0.dist-info" / "entry_points.txt").write_text(
        "[edgecv.zoo]\nown = own_net\n"
    )
    path = os.pathsep.join([str(tmp_path), str(Path(__file__).parents[2])])
    done = subprocess.run(
        [sys.executable, "-c", ASK],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": path},
        timeout=120,
    )
    assert expected in (done.stdout if code is OWN else done.stderr)
