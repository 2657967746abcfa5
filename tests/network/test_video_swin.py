"""The Keras model in this process, on TensorFlow; other tests are about the engines."""

import json
from pathlib import Path

import numpy as np
import pytest
from converting import keras_on_tensorflow, video_swin
from models import NANO
from reference import normalized, video

from vswin_cli.network.checkpoint import key_table, read_checkpoint
from vswin_cli.zoo.architectures import TINY, num_parameters

*_, CASE = json.loads((Path(__file__).parents[1] / "data" / "logits.json").read_text())["cases"]
SMALL = NANO.architecture
SIZE = (6, 20, 28)
pytestmark = [pytest.mark.slow, pytest.mark.keras]  # TensorFlow takes seconds to trace, too


@pytest.fixture(scope="module")
def keras():
    return keras_on_tensorflow()


@pytest.fixture(scope="module")
def swin():
    return video_swin()


@pytest.fixture(scope="module")
def model(swin):
    """A model that tests leave as it is; Keras takes half a second to make one."""
    return swin.VideoSwinClassifier(SMALL, SIZE, 5)


@pytest.fixture(scope="module")
def backbone(swin):
    """A model without a head, as `model`."""
    return swin.VideoSwinBackbone(SMALL, SIZE)


def random_views(num_views=2, size=SIZE, seed=0):
    generator = np.random.default_rng(seed)
    return generator.standard_normal((num_views, *size, 3)).astype(np.float32)


def test_logits_are_those_of_the_original(swin, checkpoint):
    size, pixels = tuple(CASE["input"]), normalized(video(*CASE["input"]))[np.newaxis]
    model = swin.VideoSwinClassifier(TINY, size, 400)
    swin.assign(model, read_checkpoint(checkpoint("swin-t-k400"), TINY, 400))
    np.testing.assert_allclose(model(pixels)[0], CASE["logits"], rtol=0, atol=2e-4)


def test_file_without_a_head_gives_the_features_of_the_same_logits(swin, checkpoint):
    views = random_views()
    weights = read_checkpoint(checkpoint("nano"), SMALL, 400)
    model = swin.VideoSwinClassifier(SMALL, SIZE, 400)
    swin.assign(model, weights)
    backbone = swin.VideoSwinBackbone(SMALL, SIZE)
    swin.assign(backbone, read_checkpoint(checkpoint("nano", head=False), SMALL, None))
    features = np.asarray(backbone(views))
    assert features.shape == (2, 3, 3, 4, 16)
    logits = features.mean(axis=(1, 2, 3)) @ weights["head/kernel"] + weights["head/bias"]
    np.testing.assert_allclose(logits, model(views), rtol=0, atol=1e-4)


def test_variables_are_those_of_the_key_table(model, backbone):
    for network, num_classes in ((model, 5), (backbone, None)):
        shapes = {variable.path: tuple(variable.shape) for variable in network.variables}
        assert shapes == {key.variable: key.shape for key in key_table(SMALL, num_classes)}


def test_number_of_parameters_is_the_one_the_zoo_states(model):
    assert model.count_params() == num_parameters(SMALL, 5)


@pytest.mark.parametrize("size", [(1, 4, 4), (3, 5, 7), (2, 4, 100), (32, 33, 9), (9, 64, 12)])
def test_any_size_is_padded_to_whole_patches_and_windows(swin, size):
    logits = swin.VideoSwinClassifier(SMALL, size, 5)(random_views(1, size))
    assert logits.shape == (1, 5)
    assert np.isfinite(logits).all()


def test_views_do_not_see_each_other(model):
    views = random_views(3)
    alone = np.concatenate([model(views[i : i + 1]) for i in range(3)])
    np.testing.assert_allclose(model(views), alone, atol=1e-5)


@pytest.mark.parametrize("dtype", [None, "mixed_bfloat16"])
def test_config_builds_the_same_model(swin, dtype):
    model = swin.VideoSwinClassifier(SMALL, SIZE, 5, dtype=dtype)
    config = json.loads(json.dumps(model.get_config()))
    twin = swin.VideoSwinClassifier.from_config(config)
    assert twin.get_config() == model.get_config()
    assert twin.backbone.compute_dtype == model.backbone.compute_dtype
    twin.set_weights(model.get_weights())
    np.testing.assert_array_equal(twin(random_views()), model(random_views()))


def test_saved_model_gives_the_same_outputs(keras, model, backbone, tmp_path):
    for number, network in enumerate((model, backbone)):
        path = tmp_path / f"{number}.keras"
        network.save(path)
        loaded = keras.saving.load_model(path)
        assert type(loaded) is type(network)
        np.testing.assert_array_equal(loaded(random_views()), network(random_views()))


def test_gradient_steps_lower_the_loss(swin, keras):
    keras.utils.set_random_seed(0)
    model = swin.VideoSwinClassifier(SMALL, SIZE, 5)
    model.compile(
        optimizer=keras.optimizers.SGD(0.1),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        run_eagerly=True,  # to trace it takes seconds, as the training of all weights does
    )
    views, classes = random_views(4), np.array([0, 1, 2, 3])
    before = {variable.path: variable.numpy() for variable in model.variables}
    losses = [model.train_on_batch(views, classes) for _ in range(5)]
    assert losses[-1] < losses[0]
    for variable in model.variables:
        assert not np.array_equal(before[variable.path], variable.numpy()), variable.path


def test_weights_of_another_model_are_refused_before_anything_is_assigned(swin, model):
    before = model.get_weights()
    weights = {variable.path: np.zeros(variable.shape) for variable in model.variables}
    weights["head/bias"] = np.zeros(6)
    with pytest.raises(ValueError, match="not those of"):
        swin.assign(model, weights)
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def test_frozen_backbone_stays_frozen_and_its_head_trainable(swin, keras, tmp_path):
    model = swin.VideoSwinClassifier(SMALL, SIZE, 5)
    model.backbone.trainable = False
    model.save(tmp_path / "frozen.keras")
    loaded = keras.saving.load_model(tmp_path / "frozen.keras")
    trainable = [variable.path for variable in loaded.trainable_variables]
    assert trainable == ["head/kernel", "head/bias"]


def test_clone_has_the_same_variables(keras, model):
    clone = keras.models.clone_model(model)
    assert [v.path for v in clone.variables] == [v.path for v in model.variables]
    clone.set_weights(model.get_weights())
    np.testing.assert_array_equal(clone(random_views()), model(random_views()))
