"""The original PyTorch project's checkpoint: `state_dict` with its names, as its code loads it."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from vswin_cli.conversion.matching import find_model_in
from vswin_cli.conversion.pytorch_styles import OPENMMLAB
from vswin_cli.export.request import Request, Run
from vswin_cli.export.state_dicts import state_dict
from vswin_cli.export.torch_program import NetworkModule

LANGUAGE = "bash"
EXAMPLE = """
# in https://github.com/SwinTransformer/Video-Swin-Transformer, with a configuration of the
# architecture "{architecture}" and {num_classes} classes
python tools/test.py configs/recognition/swin/CONFIGURATION.py {file} --eval top_k_accuracy
"""


def write(request: Request, path: Path) -> None:
    """Write the weights, with their description in `meta`."""
    tensors = {
        key: torch.from_numpy(values)
        for key, values in state_dict(
            request, OPENMMLAB, prefix="backbone.", head="cls_head.fc_cls"
        ).items()
    }
    meta: dict[str, Any] = {**request.description, "CLASSES": list(request.labels)}
    torch.save({"meta": meta, "state_dict": tensors}, path)


def load(path: Path, request: Request) -> Run:
    """Read the file as any checkpoint of the project, and compute its model in PyTorch."""
    torch.load(path, weights_only=True, mmap=True)
    with find_model_in(path) as found:
        weights = dict(found.match.variables)
    module = NetworkModule(replace(request, weights=weights, half=False))

    def run(views: np.ndarray) -> dict[str, np.ndarray]:
        with torch.no_grad():
            return {key: values.numpy() for key, values in module(torch.from_numpy(views)).items()}

    return run
