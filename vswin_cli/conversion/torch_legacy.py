"""What `torch.save` wrote before PyTorch 1.6, and still does if asked: pickles, then storages.

Magic number, protocol version and system are a pickle each, then the object's, then the storages'
keys; each storage follows as the number of its elements, 8 bytes, and their bytes.
"""

import os
import struct
from functools import lru_cache
from typing import Any, BinaryIO

from vswin_cli.conversion.pickled import Unpickler
from vswin_cli.conversion.stored import Storage, element_bytes
from vswin_cli.errors import CheckpointError

MAGIC_NUMBER = 0x1950A86A20F9469CFC6C
_PROTOCOL_VERSION = 1001
_COUNT = struct.Struct("<q")


def is_legacy(stream: BinaryIO) -> bool:
    """Whether a file begins with the pickled magic number; leaves the stream behind it."""
    if stream.read(1) != b"\x80":  # the first byte of every pickle of protocol 2 or later
        return False
    stream.seek(0)
    try:
        return bool(Unpickler(stream).load() == MAGIC_NUMBER)
    except Exception:  # whatever is not a pickle raises
        return False


def read_torch_legacy(stream: BinaryIO) -> object:
    """Read the pickled object; the tensors in it are read when they are asked for.

    Args:
        stream: Stands behind the magic number; stays open as long as tensors are read.

    Raises:
        CheckpointError: It is of another version, or a storage is cut off or was never there.
        Exception: Whatever a damaged pickle raises.
    """
    if Unpickler(stream).load() != _PROTOCOL_VERSION:
        raise CheckpointError("it is of a version of torch.save that is not known")
    system = Unpickler(stream).load()
    is_big_endian = isinstance(system, dict) and system.get("little_endian") is False
    sizes: dict[str, tuple[int, int]] = {}  # elements and bytes an element, by key
    places: dict[str, int] = {}

    @lru_cache(maxsize=1)  # tensors that share a storage often follow each other
    def read(key: str) -> bytes:
        count, width = sizes[key]
        stream.seek(places[key])
        return stream.read(count * width)

    def read_part(key: str, start: int, count: int) -> bytes:
        width = sizes[key][1]
        return read(key)[start * width : (start + count) * width]

    def storage_of(pid: tuple[Any, ...]) -> Storage:
        _, storage_type, key, _, count, view = (*pid, None)[:6]
        sizes[str(key)] = (count, element_bytes(storage_type.dtype))
        start = 0
        if view is not None:  # PyTorch before 0.4 let storages be views of others
            _, start, count = view
            if not (isinstance(start, int) and isinstance(count, int) and min(start, count) >= 0):
                raise CheckpointError(f"storage {key} is a view of no sense")
        return Storage(
            storage_type.dtype, count, lambda: read_part(str(key), start, count), is_big_endian
        )

    tree = Unpickler(stream, storage_of).load()
    keys = Unpickler(stream).load()
    if not isinstance(keys, list) or set(map(str, keys)) != set(sizes):
        raise CheckpointError("its list of storages is not that of its tensors")
    end = stream.seek(0, os.SEEK_END) if not keys else _place(stream, keys, sizes, places)
    if end > os.fstat(stream.fileno()).st_size:
        raise CheckpointError("it ends too early")
    return tree


def _place(
    stream: BinaryIO, keys: list[Any], sizes: dict[str, tuple[int, int]], places: dict[str, int]
) -> int:
    """Find where each storage begins; return where the last one ends."""
    for key in map(str, keys):
        written = stream.read(_COUNT.size)
        if len(written) < _COUNT.size:
            raise CheckpointError("it ends too early")
        [count] = _COUNT.unpack(written)
        if count != sizes[key][0]:
            raise CheckpointError(f"storage {key} has {count} elements, not {sizes[key][0]}")
        places[key] = stream.tell()
        stream.seek(count * sizes[key][1], os.SEEK_CUR)
    return stream.tell()
