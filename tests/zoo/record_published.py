"""Record what the published definitions compute and name: tests/zoo/published/*.json.

    python -m tests.zoo.record_published FOLDER

FOLDER holds torchvision 0.28.0 and timm 1.0.31 (`pip install --no-deps --target FOLDER
torchvision==0.28.0 timm==1.0.31 huggingface_hub`). Both run on the CPU build of torch once the two
operators that torchvision's library lacks there are declared. Nothing else of the tests needs them.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from tests.zoo.named_weights import named_weights, picture

# our name -> (package, its name, input side): at least one of every family
NETS = {
    "alexnet": ("torchvision", "alexnet", 224),
    "vgg11_bn": ("torchvision", "vgg11_bn", 64),
    "googlenet": ("torchvision", "googlenet", 96),
    "inception_v3": ("torchvision", "inception_v3", 107),
    "inception_v4": ("timm", "inception_v4", 107),
    "inception_resnet_v2": ("timm", "inception_resnet_v2", 107),
    "resnet18": ("torchvision", "resnet18", 64),
    "resnet50": ("torchvision", "resnet50", 64),
    "resnext50_32x4d": ("torchvision", "resnext50_32x4d", 64),
    "seresnet50": ("timm", "seresnet50", 64),
    "seresnext50_32x4d": ("timm", "seresnext50_32x4d", 64),
    "densenet121": ("torchvision", "densenet121", 64),
    "mobilenet_v1": ("timm", "mobilenetv1_100", 64),
    "squeezenet1_0": ("torchvision", "squeezenet1_0", 64),
    "squeezenet1_1": ("torchvision", "squeezenet1_1", 64),
    "shufflenet_v2_x1_0": ("torchvision", "shufflenet_v2_x1_0", 64),
}
# the others with public weights, and their like: keys and shapes only
KEYS_ONLY = {
    **{
        name: ("torchvision", name, 0)
        for name in (
            *("vgg11", "vgg13", "vgg16", "vgg19", "vgg13_bn", "vgg16_bn", "vgg19_bn"),
            *("resnet34", "resnet101", "resnet152", "resnext101_32x8d"),
            *("densenet161", "densenet169", "densenet201"),
            *("shufflenet_v2_x0_5", "shufflenet_v2_x1_5", "shufflenet_v2_x2_0"),
        )
    },
    "seresnet101": ("timm", "seresnet101", 0),
}
SHOWN = 16  # logits kept of each
FILE = Path(__file__).parent / "published" / "logits.json"
KEYS_FILE = Path(__file__).parent / "published" / "keys.json"


def digest(state: Mapping[str, torch.Tensor]) -> str:
    """sha256 of the state dict's keys and shapes, in its order."""
    lines = "".join(f"{key} {tuple(value.shape)}\n" for key, value in state.items())
    return hashlib.sha256(lines.encode()).hexdigest()


def main(folder: str) -> None:
    sys.path.append(folder)
    library = torch.library.Library("torchvision", "DEF")
    for name in ("nms", "qnms"):
        library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    import timm
    import torchvision

    def definition(package: str, theirs: str) -> torch.nn.Module:
        if package == "timm":
            return timm.create_model(theirs)
        options = {"init_weights": False} if theirs in ("googlenet", "inception_v3") else {}
        return getattr(torchvision.models, theirs)(**options)

    keys = {}
    for ours, (package, theirs, _) in {**NETS, **KEYS_ONLY}.items():
        with torch.device("meta"):
            state = definition(package, theirs).state_dict()
        keys[ours] = {"definition": f"{package} {theirs}", "keys": len(state)}
        keys[ours]["sha256"] = digest(state)
    KEYS_FILE.write_text(json.dumps(keys, indent=1) + "\n")
    made: dict[str, Any] = {"torchvision": torchvision.__version__, "timm": timm.__version__}
    for ours, (package, theirs, side) in NETS.items():
        net = definition(package, theirs)
        net.load_state_dict(named_weights({k: v.shape for k, v in net.state_dict().items()}))
        with torch.no_grad():
            logits = net.eval()(picture(side, side + 16 if side < 224 else side))[0]
        made[ours] = {
            "definition": f"{package} {theirs}",
            "input": [side, side + 16 if side < 224 else side],
            "largest": float(logits.abs().max()),
            "logits": [float(value) for value in logits[:SHOWN]],
        }
    FILE.write_text(json.dumps(made, indent=1) + "\n")


if __name__ == "__main__":
    main(sys.argv[1])
