"""Checkpoint files as data: every way to store a tensor, and files that try to run code."""

import json
import pickle
import struct
import zipfile
from functools import reduce
from operator import getitem

import h5py
import numpy as np
import pytest
from foreign import (
    BFloat16,
    Calling,
    Global,
    View,
    save_legacy,
    save_safetensors,
    save_zip,
)

from vswin_cli.conversion.checkpoint_file import open_checkpoint
from vswin_cli.errors import CheckpointError, WeightsNotFoundError

VALUES = np.random.default_rng(0).standard_normal((3, 4)).astype(np.float32)
SAVERS = [save_zip, save_legacy]


def floats(path, *keys):
    with open_checkpoint(path) as tree:
        return reduce(getitem, keys, tree).floats()


@pytest.mark.parametrize("save", SAVERS)
def test_objects_of_unknown_classes_stand_in_nobodys_way(tmp_path, save):
    config = Global("mmengine.config", "ConfigDict")
    filled = Calling(config, state={"a": [1, 2]})
    filled.reduced = (config, (), {"a": 1}, iter([1, 2]), iter([("k", "v")]))
    buffer = Calling(Global("mmengine.logging.history_buffer", "HistoryBuffer"), 5)
    scalar = Calling(Global("numpy.core.multiarray", "scalar"), Global("numpy", "dtype"), b"ab")
    meta = {"config": filled, "hub": [buffer, scalar], "sets": {1, frozenset({2})}, filled: 1}
    path = save(tmp_path / "meta.pth", {"meta": meta, "state_dict": {"weight": VALUES}})
    np.testing.assert_array_equal(floats(path, "state_dict", "weight"), VALUES)


@pytest.mark.parametrize("save", SAVERS)
def test_every_floating_point_type_becomes_float32(tmp_path, save):
    tree = {
        "double": VALUES.astype(np.float64),
        "half": VALUES.astype(np.float16),
        "brain": BFloat16(VALUES),
    }
    path = save(tmp_path / "types.pth", tree)
    np.testing.assert_array_equal(floats(path, "double"), VALUES)
    np.testing.assert_array_equal(floats(path, "half"), VALUES.astype(np.float16))
    np.testing.assert_allclose(floats(path, "brain"), VALUES, rtol=2**-7)


@pytest.mark.parametrize("save", SAVERS)
def test_views_are_read_by_their_offsets_and_strides(tmp_path, save):
    storage = np.arange(20, dtype=np.float32)
    tree = {
        "transposed": View(storage, 2, (4, 3), (1, 4)),
        "repeated": View(storage, 5, (2, 3), (0, 1)),
        "scalar": View(storage, 19, (), ()),
        "empty": View(storage, 0, (0, 3), (3, 1)),
    }
    path = save(tmp_path / "views.pth", tree)
    expected = storage[2:14].reshape(3, 4).T
    np.testing.assert_array_equal(floats(path, "transposed"), expected)
    np.testing.assert_array_equal(floats(path, "repeated"), [[5, 6, 7], [5, 6, 7]])
    assert floats(path, "scalar") == 19
    assert floats(path, "empty").shape == (0, 3)


@pytest.mark.parametrize(
    "view",
    [
        ((4, 3), (1, 10)),
        ((4,), (-1,)),
        ((4,), (1, 1)),
        ((2**62,), (2**62,)),
        ((10**6, 10**6), (0, 0)),
        ((0, 2**70), (0, 0)),
    ],
    ids=["too far", "backwards", "two strides", "enormous", "one repeated", "empty"],
)
@pytest.mark.parametrize("save", SAVERS)
def test_view_that_leaves_its_storage_is_refused(tmp_path, save, view):
    storage = np.arange(20, dtype=np.float32)
    path = save(tmp_path / "views.pth", {"weight": View(storage, 0, *view)})
    with pytest.raises(CheckpointError):
        floats(path, "weight")


def test_storage_that_is_a_part_of_another_is_read(tmp_path):
    tree = {"weight": View(np.arange(4, dtype=np.float32), 0, (2,), (1,))}
    path = save_legacy(tmp_path / "part.pth", tree, storage_view=("1", 1, 2))
    np.testing.assert_array_equal(floats(path, "weight"), [1, 2])
    for view in (("1", "x", 2), ("1", 0, -2), ("1", 3, 2)):
        path = save_legacy(tmp_path / "part.pth", tree, storage_view=view)
        with pytest.raises(CheckpointError):
            floats(path, "weight")


def test_newer_pickle_protocols_are_read(tmp_path):
    path = save_zip(tmp_path / "new.pth", {"weight": VALUES}, protocol=4, folder="new")
    np.testing.assert_array_equal(floats(path, "weight"), VALUES)


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e300])
def test_number_that_no_float32_is_is_refused(tmp_path, value):
    path = save_zip(tmp_path / "big.pth", {"weight": np.array([1.0, value])})
    with pytest.raises(CheckpointError, match="not finite"):
        floats(path, "weight")


def test_integers_are_no_weights(tmp_path):
    path = save_zip(tmp_path / "ints.pth", {"weight": np.arange(3)})
    with pytest.raises(CheckpointError, match="int64"):
        floats(path, "weight")


@pytest.mark.parametrize("share", [0.2, 0.5, 0.9, 0.999])
@pytest.mark.parametrize("save", [*SAVERS, save_safetensors], ids=["zip", "old", "st"])
def test_truncated_file_is_one_clear_line(tmp_path, save, share):
    path = save(tmp_path / "cut.pth", {f"weight{i}": VALUES for i in range(50)})
    with path.open("r+b") as stream:
        stream.truncate(int(path.stat().st_size * share))
    with pytest.raises(CheckpointError, match=r"cannot read checkpoint .*cut\.pth") as refusal:
        floats(path, "weight49")
    assert "\n" not in str(refusal.value)


def test_changed_byte_of_a_zip_is_noticed(tmp_path):
    path = save_zip(tmp_path / "flipped.pth", {"weight": VALUES})
    content = bytearray(path.read_bytes())
    content[content.index(VALUES.tobytes()) + 5] ^= 1
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match="damaged"):
        floats(path, "weight")


def test_storage_of_another_size_than_its_pickle_says_is_refused(tmp_path):
    path = save_zip(tmp_path / "good.pth", {"weight": VALUES})
    with zipfile.ZipFile(path) as good, zipfile.ZipFile(tmp_path / "bad.pth", "w") as bad:
        for name in good.namelist():
            bad.writestr(name, good.read(name)[: -4 if name.endswith("/0") else None])
    with pytest.raises(CheckpointError, match="archive/data/0"):
        floats(tmp_path / "bad.pth", "weight")


@pytest.mark.parametrize(
    ("header", "fault"),
    [
        ({"w": {"dtype": "F32", "shape": [2], "data_offsets": [0, 4]}}, "contradicts"),
        ({"w": {"dtype": "F32", "shape": [-1], "data_offsets": [0, -4]}}, "contradicts"),
        ({"w": {"dtype": "F32", "shape": [9], "data_offsets": [0, 36]}}, "too early"),
        ({"w": {"dtype": "F32"}}, "does not describe"),
        ({"w": 3}, "does not describe"),
        (
            {
                "v": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]},
                "w": {"dtype": "F32", "shape": [1], "data_offsets": [2, 6]},
            },
            "overlap",
        ),
    ],
)
def test_safetensors_header_that_lies_is_refused(tmp_path, header, fault):
    text = json.dumps(header).encode()
    path = tmp_path / "lie.safetensors"
    path.write_bytes(struct.pack("<Q", len(text)) + text + bytes(8))
    with pytest.raises(CheckpointError, match=fault):
        floats(path, "w")


def test_configuration_of_a_keras_file_is_not_read(tmp_path):
    with h5py.File(tmp_path / "model.weights.h5", "w") as file:
        file["layers/dense/vars/0"] = VALUES
    with zipfile.ZipFile(tmp_path / "model.keras", "w") as archive:
        archive.write(tmp_path / "model.weights.h5", "model.weights.h5")
        archive.writestr("config.json", "this is not JSON")
    np.testing.assert_array_equal(floats(tmp_path / "model.keras", "layers/dense/vars/0"), VALUES)


@pytest.mark.parametrize(
    "content",
    [b"", b"\x80", b"PK\x03\x04", b"<html>log in</html>", pickle.dumps({"a": 1}), bytes(99)],
)
def test_file_of_no_known_format_is_said_to_be_none(tmp_path, content):
    path = tmp_path / "page.pth"
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match=r"cannot read checkpoint .*page\.pth"):
        floats(path)


def test_missing_file_and_folder_are_said_to_be_such(tmp_path):
    with pytest.raises(WeightsNotFoundError, match="no such file"):
        floats(tmp_path / "none.pth")
    with pytest.raises(CheckpointError, match="not a file"):
        floats(tmp_path)


@pytest.mark.parametrize("save", SAVERS)
def test_dictionaries_that_hold_each_other_are_read_once(tmp_path, save):
    tree = {"state_dict": {"weight": VALUES}}
    tree["itself"] = tree
    for _ in range(5):
        tree = {str(number): tree for number in range(100)}  # 10 billion paths
    path = save(tmp_path / "knot.pth", tree)
    keys = ["0"] * 5 + ["state_dict", "weight"]
    np.testing.assert_array_equal(floats(path, *keys), VALUES)


@pytest.mark.parametrize("name", ["theirs.pth", "theirs.keras"])
def test_compressed_zip_is_refused_before_it_is_unpacked(tmp_path, name):
    if name.endswith(".pth"):
        good = save_zip(tmp_path / "good.pth", {"weight": VALUES})
        with zipfile.ZipFile(good) as archive:
            entries = {name: archive.read(name) for name in archive.namelist()}
    else:
        entries = {"model.weights.h5": bytes(10**6)}
    with zipfile.ZipFile(tmp_path / name, "w", zipfile.ZIP_DEFLATED) as archive:
        for entry, content in entries.items():
            archive.writestr(entry, content)
    with pytest.raises(CheckpointError, match="of the zip is compressed"):
        floats(tmp_path / name)
