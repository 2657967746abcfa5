import hashlib
import shutil

import h5py
import numpy as np
import pytest
from reference import tensor

from vswin_cli.errors import CheckpointError, WeightsNotFoundError
from vswin_cli.network.checkpoint import check_checkpoint, key_table, read_checkpoint
from vswin_cli.zoo.architectures import TINY
from vswin_cli.zoo.catalog import find_model
from vswin_cli.zoo.models import KERAS_MODELS

# SHA-256 over the sorted "path shape" lines of the published files: with head, without.
LAYOUTS = {
    "swin-t-k400": ("3dcdc240b6cd0b57", "65c5d1640f831100"),
    "swin-s-k400": ("5dbddf01d0cdc4a6", "73b76211c2d7a19e"),
    "swin-b-k400": ("6a18efc3e689d948", "9b01181004c9345c"),
    "swin-b-k400-in22k": ("6a18efc3e689d948", "9b01181004c9345c"),
    "swin-b-k600": ("3461b31e078e0750", "9b01181004c9345c"),
    "swin-b-ssv2": ("1af228385dddc37f", "53ea6135e1e87ab2"),
}


def layout_digest(architecture, num_classes):
    lines = sorted(
        f"{key.dataset} {'x'.join(map(str, key.shape))}"
        for key in key_table(architecture, num_classes)
    )
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]


@pytest.mark.parametrize("name", LAYOUTS)
def test_key_table_is_the_published_layout(name):
    model = find_model(name)
    with_head = layout_digest(model.architecture, model.num_classes)
    assert (with_head, layout_digest(model.architecture, None)) == LAYOUTS[name]


def test_every_variable_has_one_dataset_of_its_own():
    for model in KERAS_MODELS:
        keys = key_table(model.architecture, model.num_classes)
        assert len({key.variable for key in keys}) == len({key.dataset for key in keys})
        assert len({key.variable for key in keys}) == len(keys)
        assert sum(np.prod(key.shape) for key in keys) == model.num_parameters


@pytest.mark.parametrize("head", [True, False])
def test_values_are_read_as_stored(checkpoint, head):
    weights = read_checkpoint(checkpoint("swin-t-k400", head=head), TINY, 400 if head else None)
    kernel = tensor(
        "layers/video_swin_backbone/layers/video_swin_basic_layer_1/downsample/reduction/vars/0",
        (768, 384),
    )
    np.testing.assert_array_equal(weights["patch_merging1/reduction/kernel"], kernel)
    assert ("head/kernel" in weights) is head


@pytest.fixture
def damaged(checkpoint, tmp_path):
    """A copy of a valid file, open for damage."""
    path = tmp_path / "damaged.weights.h5"
    shutil.copyfile(checkpoint("swin-t-k400"), path)
    return path


def refusal(path, name="swin-t-k400"):
    """Return the message of both checks for a file; it must be one line."""
    model = find_model(name)
    with pytest.raises(CheckpointError) as reading:
        read_checkpoint(path, model.architecture, model.num_classes)
    with pytest.raises(CheckpointError) as checking:
        check_checkpoint(path, model.architecture, model.num_classes)
    assert str(reading.value) == str(checking.value)
    assert "\n" not in str(reading.value)
    return str(reading.value)


def test_good_file_passes_the_check(checkpoint):
    check_checkpoint(checkpoint("swin-t-k400"), TINY, 400)


def test_file_of_another_model_is_refused_and_named(checkpoint):
    message = refusal(checkpoint("swin-t-k400"), "swin-s-k400")
    assert "video_swin_basic_layer_2/blocks/video_swin_transformer_block_6" in message
    assert message.endswith("the file fits swin-t-k400")


def test_file_without_a_head_is_refused_and_named(checkpoint):
    message = refusal(checkpoint("swin-t-k400", head=False))
    assert "without a head" in message
    assert "swin-t-k400" in message


def test_wrong_number_of_classes_names_the_dataset_and_both_shapes(checkpoint):
    path = checkpoint("swin-t-k400")
    with pytest.raises(CheckpointError, match=r"layers/dense/vars/0 is \(768, 400\).*\(768, 174\)"):
        read_checkpoint(path, TINY, 174)


def test_missing_dataset_is_named(damaged):
    with h5py.File(damaged, "r+") as file:
        del file["layers/dense/vars/1"]
    assert "it has no layers/dense/vars/1" in refusal(damaged)


def test_dataset_that_nothing_uses_is_named(damaged):
    with h5py.File(damaged, "r+") as file:
        file["layers/dense_1/vars/0"] = np.zeros(3, np.float32)
    assert "no place for layers/dense_1/vars/0" in refusal(damaged)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_number_that_is_not_finite_is_refused(damaged, value):
    with h5py.File(damaged, "r+") as file:
        file["layers/dense/vars/1"][7] = value
    message = refusal(damaged)
    assert "layers/dense/vars/1" in message
    assert "not finite" in message


def test_text_where_numbers_belong_is_refused(damaged):
    with h5py.File(damaged, "r+") as file:
        del file["layers/dense/vars/1"]
        file["layers/dense/vars/1"] = ["yoga"] * 400
    assert "layers/dense/vars/1" in refusal(damaged)


def test_truncated_file_is_said_to_be_truncated(damaged):
    with damaged.open("r+b") as file:
        file.truncate(damaged.stat().st_size // 2)
    assert "truncated" in refusal(damaged)


def test_file_that_is_not_hdf5_is_said_not_to_be(tmp_path):
    path = tmp_path / "page.weights.h5"
    path.write_text("<html>please log in</html>")
    assert "not an HDF5 file" in refusal(path)
    path.write_bytes(b"")
    assert "not an HDF5 file" in refusal(path)


def test_folder_is_not_a_file(tmp_path):
    assert "not a file" in refusal(tmp_path)


def test_missing_file_is_said_to_be_missing(tmp_path):
    with pytest.raises(WeightsNotFoundError, match="no such file"):
        read_checkpoint(tmp_path / "none.weights.h5", TINY, 400)
