"""The state dict of torchvision's `SwinTransformer3d`."""

from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torchvision.models.video.swin_transformer import SwinTransformer3d

from vswin_cli.conversion.pytorch_styles import TORCHVISION
from vswin_cli.errors import UsageError
from vswin_cli.export.request import Request, Run
from vswin_cli.export.state_dicts import state_dict
from vswin_cli.zoo.protocols import MEAN, STD

LANGUAGE = "python"
EXAMPLE = """
import torch
from torchvision.models.video.swin_transformer import SwinTransformer3d

model = SwinTransformer3d(**{arguments})
model.load_state_dict(torch.load("{file}", weights_only=True))
views = torch.zeros({size})  # RGB, 0 … 255
mean, std = torch.tensor({mean}), torch.tensor({std})
with torch.no_grad():
    logits = model.eval()(((views - mean) / std).permute(0, 4, 1, 2, 3))
print(logits.{activation}.mean(0).topk(3))
"""


def check(request: Request) -> None:
    """Refuse a model that torchvision does not have.

    Raises:
        UsageError: It has no head.
    """
    if request.network.num_classes is None:
        raise UsageError(
            f"{request.name} is a model without a head, which torchvision does not have; "
            "choose --format pytorch-original"
        )


def write(request: Request, path: Path) -> None:
    """Write only the weights, as `load_state_dict` accepts them."""
    found = state_dict(request, TORCHVISION, prefix="", head="head")
    tensors = OrderedDict((key, torch.from_numpy(values)) for key, values in found.items())
    # Where PyTorch keeps the versions of modules, it takes no notice of other names.
    tensors._metadata = {"": {"version": 1}, "vswin": dict(request.description)}  # type: ignore[attr-defined]
    torch.save(tensors, path)


def arguments(request: Request) -> dict[str, Any]:
    """Make the arguments of `SwinTransformer3d`."""
    architecture = request.network.architecture
    return {
        "patch_size": list(architecture.patch),
        "embed_dim": architecture.embed_dim,
        "depths": list(architecture.depths),
        "num_heads": list(architecture.num_heads),
        "window_size": list(architecture.window),
        "mlp_ratio": float(architecture.mlp_ratio),
        "num_classes": request.network.num_classes,
    }


def load(path: Path, request: Request) -> Run:
    """Load the file into torchvision's model."""
    model = SwinTransformer3d(**arguments(request)).eval()
    model.load_state_dict(torch.load(path, weights_only=True))
    mean, std = torch.tensor(MEAN), torch.tensor(STD)
    features = []
    model.head.register_forward_pre_hook(lambda _, inputs: features.append(inputs[0]))

    def run(views: np.ndarray) -> dict[str, np.ndarray]:
        features.clear()
        with torch.no_grad():
            pixels = (torch.from_numpy(views).float() - mean) / std
            logits = model(pixels.permute(0, 4, 1, 2, 3))
        is_multi_label = request.network.is_multi_label
        probabilities = logits.sigmoid() if is_multi_label else logits.softmax(-1)
        return {"probabilities": probabilities.numpy(), "features": features[0].numpy()}

    return run
