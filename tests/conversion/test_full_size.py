"""A whole Swin-T in the original's keys gives the logits that the original computed of it."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from converting import converted, logits
from foreign import as_torchvision, relative_position_index, save_zip
from reference import normalized, tensor, video

from vswin_cli.network.checkpoint import BACKBONE_GROUP, key_table
from vswin_cli.zoo.architectures import TINY

CASES = json.loads((Path(__file__).parents[1] / "data" / "logits.json").read_text())["cases"]
[CASE] = [case for case in CASES if case["input"] == [8, 112, 112]]

# Layers of the published files, and modules of the original.
MODULES = {
    "layers/layer_normalization": "norm1",
    "attn/layers/dense": "attn.qkv",
    "attn/layers/dense_1": "attn.proj",
    "layers/layer_normalization_1": "norm2",
    "layers/mlp/fc1": "mlp.fc1",
    "layers/mlp/fc2": "mlp.fc2",
}


def original_module(path):
    """The original's module of a layer's path in the published file."""
    if path == "layers/dense":
        return "cls_head.fc_cls"
    path = path.removeprefix(BACKBONE_GROUP)
    if "patching_and_embedding" in path:
        return f"backbone.patch_embed.{'proj' if 'conv3d' in path else 'norm'}"
    if path == "layers/layer_normalization":
        return "backbone.norm"
    stage, rest = re.fullmatch(r"layers/video_swin_basic_layer_?(\d*)/(.*)", path).groups()
    if rest.startswith("downsample"):
        return f"backbone.layers.{stage or 0}.{rest.replace('/', '.')}"
    block, rest = re.fullmatch(r"blocks/video_swin_transformer_block_?(\d*)/(.*)", rest).groups()
    return f"backbone.layers.{stage or 0}.blocks.{block or 0}.{MODULES.get(rest, rest)}"


def original_weights():
    weights = {}
    for key in key_table(TINY, 400):
        path, number = key.dataset.split("/vars/")
        module, values = original_module(path), tensor(key.dataset, key.shape)
        if module.endswith(".attn"):
            weights[f"{module}.relative_position_bias_table"] = values
            weights[f"{module}.relative_position_index"] = INDEX
            continue
        if values.ndim == 5:
            values = values.transpose(4, 3, 0, 1, 2)
        elif values.ndim == 2:
            values = values.T
        weights[f"{module}.{'weight' if number == '0' else 'bias'}"] = values
    return weights


INDEX = relative_position_index(TINY.window)


@pytest.mark.slow
@pytest.mark.parametrize("rename", [dict, as_torchvision])
def test_logits_are_those_of_the_original(tmp_path, rename):
    tree = {"meta": {"epoch": 30}, "state_dict": rename(original_weights())}
    model = converted(save_zip(tmp_path / "theirs.pth", tree))
    assert model.architecture == TINY
    computed = logits(model, normalized(video(*CASE["input"])))
    np.testing.assert_allclose(computed, CASE["logits"], rtol=0, atol=2e-4)
