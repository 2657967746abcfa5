"""Keras's weights: every dataset of an HDF5 file, by its path."""

from typing import BinaryIO

import h5py

from vswin_cli.conversion.stored import Storage, StoredTensor, Tree
from vswin_cli.errors import CheckpointError

MAGIC = b"\x89HDF\r\n\x1a\n"
KERAS_ENTRY = "model.weights.h5"  # of a `.keras` file, which is a zip

# What h5py raises where a damaged file leads it astray.
_DAMAGE = (OSError, RuntimeError, KeyError, TypeError, ValueError, AttributeError, UnicodeError)


def read_hdf5(file: h5py.File) -> Tree:
    """Describe all datasets of numbers; external ones are none.

    Args:
        file: Stays open as long as tensors are read.

    Raises:
        CheckpointError: The file is damaged.
    """
    tensors: dict[str, StoredTensor | Tree] = {}

    def visit(path: str, node: h5py.Group | h5py.Dataset) -> None:
        if isinstance(node, h5py.Dataset) and _is_own(node) and node.dtype.kind in "fiub":
            tensors[path] = _tensor(node)

    try:
        file.visititems(visit)
    except _DAMAGE as exc:
        raise CheckpointError("the HDF5 file is damaged") from exc
    return tensors


def open_hdf5(stream: BinaryIO) -> h5py.File:
    """Open a stream as HDF5.

    Raises:
        CheckpointError: It is truncated or damaged.
    """
    try:
        return h5py.File(stream, "r")
    except OSError as exc:
        raise CheckpointError("the HDF5 file is truncated or damaged") from exc


def _is_own(node: h5py.Dataset) -> bool:
    """Whether the numbers are in the file itself, and not in another that it names."""
    return node.shape is not None and not node.external and not node.is_virtual


def _tensor(node: h5py.Dataset) -> StoredTensor:
    dtype = node.dtype

    def read() -> bytes:
        if node.id.get_storage_size() < node.size * dtype.itemsize:
            # A few bytes could else fill all memory.
            raise CheckpointError("it is compressed or was never written; Keras does neither")
        try:
            return bytes(node[()].astype(dtype.newbyteorder("<")).tobytes())
        except _DAMAGE as exc:
            raise CheckpointError("it is damaged") from exc

    return StoredTensor.whole(Storage(dtype.newbyteorder("=").name, node.size, read), node.shape)
