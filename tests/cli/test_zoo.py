import json

from typer.testing import CliRunner

from edgecv.cli.app import app
from edgecv.zoo.published import PUBLISHED


def test_it_lists_every_architecture():
    rows = json.loads(CliRunner().invoke(app, ["zoo", "--json"]).stdout)
    by_name = {row["name"]: row for row in rows}
    assert {"resnet18", "resnet50", "centernet_resnet18", "centernet_tiny"} <= set(by_name)
    assert by_name["resnet18"] == {
        "name": "resnet18",
        "task": "classify",
        "paper": "arXiv:1512.03385",
        "params": 11_689_512,
        "module": "edgecv.zoo.classify.resnet",
        "recipe": "classify/resnet18",
        "weights": ["torchvision:IMAGENET1K_V1"],
    }
    assert by_name["inception_v4"]["weights"] == [
        "https://huggingface.co/timm/inception_v4.tf_in1k"
    ]
    assert by_name["snn_mlp"]["weights"] == []


def test_the_table_has_a_line_for_each():
    lines = CliRunner().invoke(app, ["zoo"]).stdout.splitlines()
    assert lines[0].split() == ["name", "task", "params", "paper", "recipe", "weights"]
    assert any("resnet18" in line and "11,689,512" in line for line in lines[1:])
    assert len({line.index("arXiv:") for line in lines if "arXiv:" in line}) == 1
    assert "--set arch.name=NAME" in lines[-1]


def test_downloading_an_unknown_name_exits_2_and_lists_the_nearest():
    result = CliRunner().invoke(app, ["zoo", "--download", "resnet19"])
    assert result.exit_code == 2
    assert "nearest: resnet18" in result.stderr
    assert "resnet18" in PUBLISHED
