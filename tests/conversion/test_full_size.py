"""A complete Swin-T with the original's keys, and the original's logits for it."""

import re

import numpy as np
import pytest
from converting import converted
from foreign import relative_position_index, save_zip
from reference import tensor

from vswin_cli.network.checkpoint import BACKBONE_GROUP, key_table, read_checkpoint
from vswin_cli.zoo.architectures import TINY

# Layers of the published files -> modules of the original.
MODULES = {
    "layers/layer_normalization": "norm1",
    "attn/layers/dense": "attn.qkv",
    "attn/layers/dense_1": "attn.proj",
    "layers/layer_normalization_1": "norm2",
    "layers/mlp/fc1": "mlp.fc1",
    "layers/mlp/fc2": "mlp.fc2",
}


def original_module(path):
    """Return the original's module for a layer's path in the published file."""
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
def test_weights_are_those_of_the_published_layout(tmp_path):
    """Another test compares the logits of these weights with the original's.

    Other names for them are tested with a small model, and by the documentation's page.
    """
    tree = {"meta": {"epoch": 30}, "state_dict": original_weights()}
    model = converted(save_zip(tmp_path / "theirs.pth", tree))
    assert model.architecture == TINY
    found = read_checkpoint(model.weights_path, TINY, 400)
    for key in key_table(TINY, 400):
        np.testing.assert_array_equal(
            found[key.variable], tensor(key.dataset, key.shape), key.variable
        )
