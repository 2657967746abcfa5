"""HDF5 files must contain their numbers; otherwise, they are refused with the path."""

import os

import h5py
import numpy as np
import pytest
from foreign import SMALL

from vswin_cli.conversion.checkpoint_file import open_checkpoint
from vswin_cli.errors import CheckpointError
from vswin_cli.network.checkpoint import key_table, read_checkpoint, save_checkpoint

VICTIM = "layers/layer_normalization/vars/1"  # in a file without a head


@pytest.fixture
def weights(tmp_path):
    """A small complete checkpoint, open for changes; its victim is removed."""
    path = tmp_path / "theirs.weights.h5"
    variables = {key.variable: np.ones(key.shape, np.float32) for key in key_table(SMALL, None)}
    save_checkpoint(path, variables, SMALL, None)
    with h5py.File(path, "r+") as file:
        del file[VICTIM]
    return path


def external(file, victim, other):
    file.create_dataset(victim, (32,), np.float32, external=[(other, 0, 128)])


def virtual(file, victim, other):
    layout = h5py.VirtualLayout((32,), np.float32)
    layout[:] = h5py.VirtualSource(other, "weight", (32,))
    file.create_virtual_dataset(victim, layout)


def endless_virtual(file, victim, other):
    layout = h5py.VirtualLayout((32,), np.float32, maxshape=(None,))
    source = h5py.VirtualSource(other, "weight", (32,), maxshape=(None,))
    layout[: h5py.h5s.UNLIMITED] = source[: h5py.h5s.UNLIMITED]
    file.create_virtual_dataset(victim, layout)


def external_link(file, victim, other):
    file[victim] = h5py.ExternalLink(other, "weight")


def soft_link(file, victim, _other):
    file[victim] = h5py.SoftLink("/layers/layer_normalization/vars/0")


def hard_link(file, victim, _other):
    file[victim] = file["layers/layer_normalization/vars/0"]


def compressed(file, victim, _other):
    file.create_dataset(victim, data=np.zeros(32, np.float32), compression="gzip")


def never_written(file, victim, _other):
    file.create_dataset(victim, (2**30, 2**5), np.float32)


def chunks_never_written(file, victim, _other):
    file.create_dataset(victim, (2**30, 2**5), np.float32, chunks=(2**10, 2**5))


def text(file, victim, _other):
    file[victim] = ["1.0"] * 32


def deep(file, _victim, _other):
    group = file.id
    for _ in range(20_000):
        group = h5py.h5g.create(group, b"g")


def wide(file, _victim, _other):
    for number in range(20_001):
        file.create_group(f"g{number}")


def loop(file, _victim, _other):
    file["layers/loop"] = file["/"]


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (external, f"{VICTIM} is stored in another file"),
        (virtual, f"{VICTIM} is virtual"),
        (endless_virtual, f"{VICTIM} is virtual"),
        (external_link, f"{VICTIM} is a link; weights must"),
        (soft_link, f"{VICTIM} is a link; weights must"),
        (hard_link, "under two names"),
        (compressed, rf"{VICTIM} is compressed \(gzip\)"),
        (never_written, f"{VICTIM} declares 137,438,953,472 bytes, but only 0 were written"),
        (chunks_never_written, f"{VICTIM} declares 137,438,953,472 bytes, but only 0 were written"),
        (text, f"{VICTIM} does not hold numbers"),
        (deep, "nested deeper than"),
        (wide, "more than 20000 groups"),
        (loop, "under two names"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
@pytest.mark.timeout(60)
def test_hdf5_file_holds_its_numbers_itself_or_is_refused_by_name(tmp_path, weights, change, named):
    other = tmp_path / "pipe"
    os.mkfifo(other)  # opening it waits forever
    with h5py.File(weights, "r+", libver="latest") as file:
        change(file, VICTIM, str(other))
    with pytest.raises(CheckpointError, match=named):
        read_checkpoint(weights, SMALL, None)
    with pytest.raises(CheckpointError, match=named), open_checkpoint(weights):
        pass


def test_tensor_in_chunks_without_a_filter_is_read(weights):
    with h5py.File(weights, "r+") as file:
        file.create_dataset(VICTIM, data=np.arange(32, dtype=np.float32), chunks=(5,))
    np.testing.assert_array_equal(read_checkpoint(weights, SMALL, None)["norm/beta"], np.arange(32))
