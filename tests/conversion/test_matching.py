"""The required content of a Video Swin checkpoint, and values found from its shapes."""

from dataclasses import replace

import numpy as np
import pytest
from foreign import (
    SMALL,
    View,
    as_mmaction2,
    as_torchvision,
    original,
    relative_position_index,
    save_zip,
)

from vswin_cli.conversion.matching import find_model_in
from vswin_cli.errors import CheckpointError, UsageError
from vswin_cli.zoo.architectures import NANO, TINY

WEIGHTS = original()
INDEX = "backbone.layers.0.blocks.0.attn.relative_position_index"


@pytest.fixture
def match(tmp_path):
    """Match the model in a tree, and close its file."""

    def understood(tree, *, part=None, window=None):
        path = save_zip(tmp_path / "theirs.pth", tree)
        with find_model_in(path, part, window) as found:
            return found

    return understood


@pytest.mark.parametrize(
    "architecture",
    [
        SMALL,
        replace(SMALL, depths=(1, 3), num_heads=(2, 8), patch=(1, 2, 3), mlp_ratio=4),
        replace(SMALL, depths=(2,), num_heads=(8,), embed_dim=24, window=(1, 7, 7)),
        replace(SMALL, window=(2, 5, 5)),
        NANO,
    ],
)
@pytest.mark.parametrize("rename", [dict, as_mmaction2, as_torchvision])
def test_architecture_is_read_off_shapes_and_indices(match, architecture, rename):
    found = match(rename(original(architecture, 9))).match
    assert found.architecture == architecture
    assert found.num_classes == 9
    assert len(found.checked) == sum(architecture.depths)
    assert not found.unused
    assert not found.is_window_guessed


def test_known_architecture_has_its_name(match):
    shapes_alone = replace(TINY, window=(2, 3, 3))
    assert match(original(shapes_alone)).match.architecture.name == "tiny"


@pytest.mark.parametrize("window", [(8, 7, 7), (16, 7, 7), (8, 6, 6), (4, 4, 4)])
def test_window_is_that_of_the_table_where_only_one_fits(match, window):
    architecture = replace(SMALL, window=window)
    found = match(original(architecture, index=False)).match
    assert found.architecture.window == window
    assert found.is_window_guessed


def test_window_that_cannot_be_told_is_asked_for(match):
    architecture = replace(SMALL, window=(5, 4, 3))
    weights = original(architecture, index=False)
    with pytest.raises(UsageError, match=r"315 rows.*--window T,H,W, such as .*,"):
        match(weights)
    assert match(weights, window=(5, 4, 3)).match.architecture == architecture
    with pytest.raises(UsageError, match=r"--window 8,7,7 .* 2535 rows, .* 315"):
        match(weights, window=(8, 7, 7))


def test_window_of_an_index_that_several_have_is_asked_for(match):
    architecture = replace(SMALL, window=(5, 1, 3))  # numbers its tokens like (1, 5, 3)
    weights = original(architecture)
    with pytest.raises(UsageError, match="use --window T,H,W, such as 1,5,3 or 5,1,3"):
        match(weights)
    for window in ((5, 1, 3), (1, 5, 3)):
        assert match(weights, window=window).match.architecture.window == window


def test_flat_index_is_read_too(match):
    weights = {
        key: values.reshape(-1) if values.dtype == np.int64 else values
        for key, values in WEIGHTS.items()
    }
    assert match(weights).match.architecture == SMALL


def test_index_of_another_attention_is_refused_and_named(match):
    weights = dict(WEIGHTS)
    weights[INDEX] = weights[INDEX][::-1].copy()
    with pytest.raises(CheckpointError, match=rf"tensor {INDEX}: it fits no window"):
        match(weights)


def test_index_that_holds_no_integers_is_refused(match):
    weights = WEIGHTS | {INDEX: np.full((24, 24), np.nan, np.float32)}
    with pytest.raises(CheckpointError, match=rf"{INDEX}: it contains float32, not integers"):
        match(weights)


def test_index_that_contradicts_the_window_given_is_refused(match):
    with pytest.raises(CheckpointError, match=r"\(4, 3, 2\), not of \(4, 2, 3\)"):
        match(WEIGHTS, window=(4, 2, 3))


def test_blocks_of_different_windows_are_refused(match):
    weights = WEIGHTS | {INDEX: relative_position_index((4, 2, 3))}
    with pytest.raises(CheckpointError, match="its blocks have the windows"):
        match(weights)


@pytest.mark.parametrize("name", ["data_preprocessor.mean", "module.data_preprocessor.mean"])
def test_normalisation_is_checked(match, name):
    mean = np.array([123.675, 116.28, 103.53], np.float32).reshape(3, 1, 1, 1)
    assert name in match(WEIGHTS | {name: mean}).match.checked
    with pytest.raises(CheckpointError, match=f"{name}: it is .* but vswin normalises by"):
        match(WEIGHTS | {name: mean + 4})
    with pytest.raises(CheckpointError, match=f"{name}: it is .* not one number per colour"):
        match(WEIGHTS | {name: View(mean[:1].reshape(-1), 0, (10**12, 10**6), (0, 0))})


@pytest.mark.parametrize(
    "key",
    [
        "backbone.layers.1.blocks.0.attn.qkv.bias",
        "backbone.layers.0.downsample.reduction.weight",
        "backbone.norm.weight",
        "backbone.patch_embed.norm.bias",
        "cls_head.fc_cls.bias",
    ],
)
def test_missing_tensor_is_named(match, key):
    weights = {other: values for other, values in WEIGHTS.items() if other != key}
    with pytest.raises(CheckpointError, match=f"it has no {key}$"):
        match(weights)


def test_missing_block_is_named(match):
    weights = {key: values for key, values in WEIGHTS.items() if ".layers.1.blocks.0." not in key}
    with pytest.raises(CheckpointError, match=r"it has no backbone\.layers\.1\.blocks\.0\.norm1"):
        match(weights)


def test_tensor_of_another_shape_is_named_with_both(match):
    key = "backbone.layers.1.blocks.1.mlp.fc2.weight"
    weights = WEIGHTS | {key: np.zeros((16, 33), np.float32)}
    with pytest.raises(CheckpointError, match=rf"{key} is \(16, 33\).*needs \(32, 16\)"):
        match(weights)


def test_tensors_that_nothing_uses_are_named(match):
    averages = {f"ema_{key.replace('.', '_')}": values for key, values in WEIGHTS.items()}
    tree = {
        "state_dict": WEIGHTS | averages | {"backbone.norm0.weight": np.ones(8, np.float32)},
        "optimizer": {"state": {0: {"exp_avg": np.ones(3, np.float32)}}},
        "step": np.ones((), np.float32),
    }
    found = match(tree)
    assert set(found.match.unused) == {*averages, "backbone.norm0.weight"}
    assert found.others == ("optimizer (1 tensor)", "step")


def test_numbered_modules_beside_the_backbone_are_no_blocks(match):
    weights = as_torchvision(WEIGHTS) | {"decoder.0.12.weight": np.ones(3, np.float32)}
    found = match(weights).match
    assert found.architecture == SMALL
    assert found.unused == ("decoder.0.12.weight",)


def test_averaged_copies_are_second_choice(match):
    ema = {f"module.{key}": values for key, values in WEIGHTS.items()}
    tree = {"ema_state_dict": ema, "state_dict": WEIGHTS}
    assert match(tree).part.name == "state_dict:backbone."
    assert match(tree, part="ema_state_dict").part.name == "ema_state_dict:module.backbone."
    assert match({"ema_state_dict": ema}).part.name == "ema_state_dict:module.backbone."


def test_several_models_are_listed(match):
    tree = {"first": WEIGHTS, "second": as_torchvision(WEIGHTS)}
    with pytest.raises(
        UsageError, match=r"2 models; choose one with --part: 'first:.*', 'second:'"
    ):
        match(tree)
    with pytest.raises(UsageError, match="--part third names 0"):
        match(tree, part="third")
    assert match(tree, part="second").match.style == "torchvision"


def test_model_of_images_is_refused(match):
    key = "backbone.patch_embed.proj.weight"
    weights = WEIGHTS | {key: WEIGHTS[key][:, :, 0]}
    with pytest.raises(CheckpointError, match="images"):
        match(weights)


def test_checkpoint_of_another_network_is_refused(match):
    with pytest.raises(CheckpointError, match="contains no Video Swin, but 1 tensor such as conv1"):
        match({"model": {"conv1.weight": np.ones(3, np.float32)}})
    with pytest.raises(CheckpointError, match="objects without tensors by name"):
        match({"epoch": 3})


def test_head_behind_a_dropout_is_found(match):
    weights = {key.replace("cls_head.fc_cls", "head.1"): values for key, values in WEIGHTS.items()}
    assert match(weights).match.num_classes == 5


@pytest.mark.parametrize("other", ["head.0.weight", "head.3.weight", "head.weight"])
def test_two_layers_are_no_head(match, other):
    weights = WEIGHTS | {other: np.ones((32, 32), np.float32)}
    found = rf"cls_head\.fc_cls\.weight and {other} can be its head.*delete the others"
    with pytest.raises(CheckpointError, match=found):
        match(weights)
