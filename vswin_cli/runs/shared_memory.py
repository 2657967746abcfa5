"""Values handed from process to process in files, which nobody copies and which soon are gone.

What holds much, as frames, is pickled out of band (protocol 5): who unpacks a value maps its bytes
into memory. The file ends with the last process that has it open or mapped, however that ends.
"""

import mmap
import os
import pickle
import struct
from pathlib import Path
from typing import Any

from vswin_cli.system.platform import nameless_file, open_descriptor, write_at

_ALIGNMENT = 64  # bytes
_LENGTH = struct.Struct("<Q")


def pack(value: object) -> int:
    """Write a value into a nameless file, and return its descriptor.

    Raises:
        OSError: There is no room for it.
    """
    descriptor = nameless_file()
    try:
        _write_value(descriptor, value)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def pack_into(path: Path, value: object) -> None:
    """Write a value into a new file, for a process that no descriptor can be handed to.

    Raises:
        OSError: There is no room for it.
    """
    descriptor = open_descriptor(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        _write_value(descriptor, value)
    finally:
        os.close(descriptor)


def unpack(descriptor: int) -> Any:  # noqa: ANN401 - whatever was packed
    """Return the value of a file that `pack` made, and close the descriptor."""
    try:
        mapped = memoryview(mmap.mmap(descriptor, 0, access=mmap.ACCESS_READ))
    finally:
        os.close(descriptor)
    num_parts = _LENGTH.unpack_from(mapped)[0]
    start, parts = _aligned(_LENGTH.size * (num_parts + 1)), []
    for number in range(num_parts):
        length = _LENGTH.unpack_from(mapped, _LENGTH.size * (number + 1))[0]
        parts.append(mapped[start : start + length])
        start = _aligned(start + length)
    return pickle.loads(parts[0], buffers=parts[1:])


def _write_value(descriptor: int, value: object) -> None:
    buffers: list[pickle.PickleBuffer] = []
    content = pickle.dumps(value, protocol=5, buffer_callback=buffers.append)
    parts = [memoryview(content), *(buffer.raw() for buffer in buffers)]
    lengths = b"".join(_LENGTH.pack(each) for each in (len(parts), *(p.nbytes for p in parts)))
    start = 0
    for part in (memoryview(lengths), *parts):
        _write(descriptor, part, start)
        start = _aligned(start + part.nbytes)
    os.ftruncate(descriptor, max(start, _ALIGNMENT))


def _write(descriptor: int, part: memoryview, start: int) -> None:
    rest = part.cast("B") if part.nbytes else part[:0]
    while rest.nbytes:
        num_written = write_at(descriptor, rest, start)
        rest, start = rest[num_written:], start + num_written


def _aligned(position: int) -> int:
    return -(-position // _ALIGNMENT) * _ALIGNMENT
