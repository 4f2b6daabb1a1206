"""Record what the published definitions compute: tests/zoo/published/logits.json.

    python -m tests.zoo.record_published FOLDER

FOLDER holds torchvision 0.28.0 and timm 1.0.31 (`pip install --no-deps --target FOLDER
torchvision==0.28.0 timm==1.0.31 huggingface_hub`). Both run on the CPU build of torch once the two
operators that torchvision's library lacks there are declared. Nothing else of the tests needs them.
"""

from __future__ import annotations

import json
import sys
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
SHOWN = 16  # logits kept of each
FILE = Path(__file__).parent / "published" / "logits.json"


def main(folder: str) -> None:
    sys.path.append(folder)
    library = torch.library.Library("torchvision", "DEF")
    for name in ("nms", "qnms"):
        library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    import timm
    import torchvision

    made: dict[str, Any] = {"torchvision": torchvision.__version__, "timm": timm.__version__}
    for ours, (package, theirs, side) in NETS.items():
        if package == "timm":
            net = timm.create_model(theirs)
        else:
            options = {"init_weights": False} if theirs in ("googlenet", "inception_v3") else {}
            net = getattr(torchvision.models, theirs)(**options)
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
