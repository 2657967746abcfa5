"""HDF5 files from untrusted sources: only data in the file itself is read.

In HDF5, the numbers of a dataset may be in any other file (external storage, virtual datasets,
links) or come from a program (filters), and a few bytes can declare terabytes. Keras uses none of
this: its tensors are contiguous. So the whole structure is checked before a number is read.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from math import prod
from typing import BinaryIO

import h5py
import numpy as np
from h5py import h5d, h5g, h5l, h5o, h5t

from vswin_cli.errors import CheckpointError

MAGIC = b"\x89HDF\r\n\x1a\n"

_MAX_DEPTH = 64  # nested groups; the published files have 11
_MAX_OBJECTS = 20_000  # groups and datasets; the published files have at most 1100
_NUMBERS = (h5t.INTEGER, h5t.FLOAT, h5t.ENUM)  # h5py's bool is the last
_FILTERS = {1: "gzip", 2: "shuffle", 3: "fletcher32", 4: "szip", 5: "nbit", 32000: "lzf"}

# Exceptions of h5py for damaged files, and what is damaged.
_DAMAGE = (OSError, RuntimeError, KeyError, TypeError, ValueError, AttributeError, UnicodeError)


@contextmanager
def open_hdf5(stream: BinaryIO) -> Iterator[Mapping[str, h5py.Dataset]]:
    """Open a file and list its tensors by path; `read` works until the block ends.

    Args:
        stream: An open system file. HDF5 reads through it, and opens no path.

    Raises:
        CheckpointError: The file is truncated or damaged, or contains anything but numbers in the
            file itself; the message names the first such item, but not the file.
    """
    num_bytes = os.fstat(stream.fileno()).st_size
    try:
        file = h5py.File(stream, "r")
    except _DAMAGE as exc:
        raise CheckpointError("the HDF5 file is truncated or damaged") from exc
    with file:
        try:
            tensors = _tensors(file, num_bytes)
        except _DAMAGE as exc:
            raise CheckpointError("the HDF5 file is damaged") from exc
        yield tensors


def read(tensor: h5py.Dataset) -> np.ndarray:
    """Read a tensor with its dtype.

    Raises:
        CheckpointError: This part of the file is damaged.
    """
    try:
        return np.asarray(tensor[()])
    except _DAMAGE as exc:
        raise CheckpointError("it is damaged") from exc


def _tensors(file: h5py.File, num_bytes: int) -> dict[str, h5py.Dataset]:
    """Visit all groups once, without recursion, and check every dataset."""
    found: dict[str, h5py.Dataset] = {}
    groups = [("", 0, h5g.open(file.id, b"/"))]
    places = {h5o.get_info(file.id).addr}
    left = num_bytes
    while groups:
        prefix, depth, group = groups.pop()
        for name, link_type in _links(group, _MAX_OBJECTS - len(places)):
            path = prefix + name.decode("utf-8", "surrogateescape")
            if link_type != h5l.TYPE_HARD:
                raise CheckpointError(f"{path} is a link; weights must be in the file itself")
            target = h5o.get_info(group, name)
            if target.addr in places:
                raise CheckpointError(f"{path} is in the file under two names")
            places.add(target.addr)
            if target.type == h5o.TYPE_GROUP:
                if depth == _MAX_DEPTH:
                    raise CheckpointError(f"its groups are nested deeper than {_MAX_DEPTH}")
                groups.append((f"{path}/", depth + 1, h5g.open(group, name)))
            elif target.type == h5o.TYPE_DATASET:
                dataset = h5d.open(group, name)
                left -= _stored_bytes(path, dataset)
                if left < 0:
                    raise CheckpointError(f"its tensors have more bytes than the file ({path})")
                found[path] = h5py.Dataset(dataset)
            else:
                raise CheckpointError(f"{path} is neither a group nor a tensor")
    return found


def _links(group: h5g.GroupID, most: int) -> list[tuple[bytes, int]]:
    found: list[tuple[bytes, int]] = []

    def take(name: bytes, link: h5l.LinkInfo) -> bool | None:
        found.append((name, link.type))
        return True if len(found) > most else None  # True ends it; h5py passes no exceptions on

    group.links.iterate(take, info=True)
    if len(found) > most:
        raise CheckpointError(f"it contains more than {_MAX_OBJECTS} groups and tensors")
    return found


def _stored_bytes(path: str, dataset: h5d.DatasetID) -> int:
    """Count the bytes of a dataset in the file, contiguous or in chunks."""
    created = dataset.get_create_plist()
    if created.get_layout() == h5d.VIRTUAL:
        raise CheckpointError(f"{path} is virtual: it is read from other files")
    if created.get_external_count():
        raise CheckpointError(f"{path} is stored in another file")
    if created.get_nfilters():
        code = created.get_filter(0)[0]
        raise CheckpointError(
            f"{path} is compressed ({_FILTERS.get(code, f'filter {code}')}), which Keras does not "
            "do; save it without compression"
        )
    stored_type = dataset.get_type()
    if dataset.shape is None or stored_type.get_class() not in _NUMBERS:
        raise CheckpointError(f"{path} does not hold numbers")
    dtype = stored_type.dtype
    if dtype.kind not in "fiub" or dtype.itemsize != stored_type.get_size() or dtype.itemsize > 8:
        raise CheckpointError(f"{path} has a number type that weights do not have")
    declared, stored = prod(dataset.shape) * dtype.itemsize, int(dataset.get_storage_size())
    if stored < declared:
        raise CheckpointError(
            f"{path} declares {declared:,} bytes, but only {stored:,} were written"
        )
    return stored
