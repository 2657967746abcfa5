"""Converted models give the results of a plain NumPy forward pass with the same weights."""

import subprocess
import sys
from collections import OrderedDict
from importlib.util import find_spec

import numpy as np
import plain_swin
import pytest
from converting import converted, logits, video_swin
from foreign import (
    NUM_CLASSES,
    SMALL,
    as_mmaction2,
    as_torchvision,
    original,
    save_legacy,
    save_safetensors,
    save_zip,
)

from vswin_cli.network.checkpoint import read_checkpoint
from vswin_cli.system.files import file_sha256

SIZE = (9, 30, 45)  # not multiples of patches, windows or halves
TOLERANCE = {"rtol": 0, "atol": 1e-4}
WEIGHTS = original()
pytestmark = [pytest.mark.slow, pytest.mark.keras]


@pytest.fixture(scope="module")
def pixels():
    return np.random.default_rng(1).standard_normal((*SIZE, 3)).astype(np.float32)


@pytest.fixture(scope="module")
def expected(pixels):
    """The logits of the original's weights."""
    return plain_swin.logits(WEIGHTS, SMALL, pixels)


@pytest.fixture(scope="module")
def written(tmp_path_factory, pixels, expected):
    """The SHA-256 of weights that give these logits, as written."""
    model = converted(save_zip(tmp_path_factory.mktemp("plain") / "theirs.pth", WEIGHTS))
    np.testing.assert_allclose(logits(model, pixels), expected, **TOLERANCE)
    return model.sha256


STYLES = {
    "original": lambda: {"meta": {"epoch": 30}, "state_dict": OrderedDict(WEIGHTS)},
    "original-in-parallel": lambda: {
        "state_dict": {f"module.{key}": values for key, values in WEIGHTS.items()}
    },
    "mmaction2": lambda: {"meta": {}, "state_dict": as_mmaction2(WEIGHTS), "message_hub": {}},
    "torchvision": lambda: OrderedDict(as_torchvision(WEIGHTS)),
    "torchvision-training": lambda: {
        "model": as_torchvision(WEIGHTS),
        "model_ema": {
            f"module.{key}": 2 * values for key, values in as_torchvision(WEIGHTS).items()
        },
        "optimizer": {"state": {0: {"exp_avg": np.zeros(3, np.float32)}}, "param_groups": [{}]},
    },
}


@pytest.mark.parametrize(
    ("style", "save"), [*((style, save_zip) for style in STYLES), ("original", save_legacy)]
)
def test_each_style_of_keys_gives_the_weights_that_give_the_logits(tmp_path, written, style, save):
    model = converted(save(tmp_path / "theirs.pth", STYLES[style]()))
    assert model.architecture == SMALL
    assert model.num_classes == NUM_CLASSES
    assert model.sha256 == file_sha256(model.weights_path) == written


@pytest.mark.parametrize("style", ["original", "torchvision"])
@pytest.mark.parametrize("options", [{}, {"_use_new_zipfile_serialization": False}])
def test_what_pytorch_itself_has_saved_gives_the_same_weights(tmp_path, written, style, options):
    torch = pytest.importorskip("torch")
    weights = WEIGHTS if style == "original" else as_torchvision(WEIGHTS)
    tensors = {key: torch.from_numpy(values) for key, values in weights.items()}
    tensors = {
        key: torch.nn.Parameter(values) if key.endswith(".bias") else values
        for key, values in tensors.items()
    }
    torch.save({"state_dict": OrderedDict(tensors)}, tmp_path / "theirs.pth", **options)
    assert converted(tmp_path / "theirs.pth").sha256 == written


TORCHVISION_RUN = f"""
import sys, numpy, torch, torchvision
folder = sys.argv[1]
network = torchvision.models.video.SwinTransformer3d(
    patch_size={list(SMALL.patch)}, embed_dim={SMALL.embed_dim}, depths={list(SMALL.depths)},
    num_heads={list(SMALL.num_heads)}, window_size={list(SMALL.window)},
    mlp_ratio={SMALL.mlp_ratio}, num_classes={NUM_CLASSES},
).eval()
torch.manual_seed(0)
with torch.no_grad():
    for parameter in network.parameters():
        parameter.add_(0.2 * torch.randn(parameter.shape))
    pixels = torch.from_numpy(numpy.load(folder + "/pixels.npy")).permute(3, 0, 1, 2)
    numpy.save(folder + "/logits.npy", network(pixels[None])[0].numpy())
torch.save(network.state_dict(), folder + "/theirs.pth")
"""


@pytest.mark.skipif(find_spec("torchvision") is None, reason="torchvision is not installed")
def test_logits_are_those_of_torchvision_itself(tmp_path, pixels):
    np.save(tmp_path / "pixels.npy", pixels)
    # It crashes together with TensorFlow in one process.
    subprocess.run([sys.executable, "-c", TORCHVISION_RUN, tmp_path], check=True)
    model = converted(tmp_path / "theirs.pth")
    assert model.architecture == SMALL
    np.testing.assert_allclose(logits(model, pixels), np.load(tmp_path / "logits.npy"), **TOLERANCE)


def test_pytorch_reads_the_files_of_these_tests_as_its_own(tmp_path):
    torch = pytest.importorskip("torch")
    for save in (save_zip, save_legacy):
        loaded = torch.load(save(tmp_path / "ours.pth", {"state_dict": WEIGHTS}))
        for key, values in WEIGHTS.items():
            np.testing.assert_array_equal(loaded["state_dict"][key].numpy(), values)


@pytest.mark.parametrize("rename", [dict, as_mmaction2, as_torchvision])
def test_safetensors_give_the_same_weights(tmp_path, written, rename):
    model = converted(save_safetensors(tmp_path / "theirs.safetensors", rename(WEIGHTS)))
    assert model.sha256 == written


def test_published_layout_converts_to_itself(tmp_path, written):
    model = converted(save_zip(tmp_path / "theirs.pth", WEIGHTS))
    again = tmp_path / "again.weights.h5"
    model.weights_path.rename(again)
    twice = converted(again, window=SMALL.window)
    assert twice.architecture == SMALL
    assert twice.sha256 == model.sha256 == written


@pytest.mark.parametrize("name", ["tuned.weights.h5", "tuned.keras"])
def test_what_keras_saves_of_our_classifier_gives_the_same_weights(tmp_path, written, name):
    first = converted(save_zip(tmp_path / "theirs.pth", WEIGHTS))
    network = video_swin().VideoSwinClassifier(SMALL, (8, 32, 32), NUM_CLASSES)
    video_swin().assign(network, read_checkpoint(first.weights_path, SMALL, NUM_CLASSES))
    (network.save_weights if name.endswith(".h5") else network.save)(tmp_path / name)
    model = converted(tmp_path / name, window=SMALL.window)
    assert model.architecture == SMALL
    assert model.sha256 == written


def test_backbone_without_head_gives_the_features(tmp_path, pixels):
    weights = {
        key.removeprefix("backbone."): values
        for key, values in WEIGHTS.items()
        if key.startswith("backbone.")
    }
    model = converted(save_zip(tmp_path / "theirs.pth", weights))
    assert not model.has_head
    backbone = video_swin().VideoSwinBackbone(SMALL, SIZE)
    video_swin().assign(backbone, read_checkpoint(model.weights_path, SMALL, None))
    features = np.asarray(backbone(pixels[np.newaxis])).mean(axis=(1, 2, 3))[0]
    expected = plain_swin.pooled_features(WEIGHTS, SMALL, pixels)
    np.testing.assert_allclose(features, expected, **TOLERANCE)


def test_chosen_part_is_the_one_that_is_converted(tmp_path, pixels):
    other = original(seed=5)
    tree = {
        "state_dict": {
            **{f"student.{key}": values for key, values in WEIGHTS.items()},
            **{f"tutor.{key}": values for key, values in other.items()},
        }
    }
    model = converted(save_zip(tmp_path / "theirs.pth", tree), part="state_dict:tutor.")
    expected = plain_swin.logits(other, SMALL, pixels)
    np.testing.assert_allclose(logits(model, pixels), expected, **TOLERANCE)
