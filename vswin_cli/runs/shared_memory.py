"""Values handed from process to process in nameless files, which nobody copies and no folder holds.

What holds much, as frames, is pickled out of band (protocol 5): who unpacks a value maps its bytes
into memory. The file ends with the last process that has it open or mapped, however that ends.
"""

import mmap
import os
import pickle
import struct
import tempfile
from typing import Any

_ALIGNMENT = 64  # bytes
_LENGTH = struct.Struct("<Q")


def pack(value: object) -> int:
    """Write a value into a nameless file, and return its descriptor.

    Raises:
        OSError: There is no room for it.
    """
    buffers: list[pickle.PickleBuffer] = []
    content = pickle.dumps(value, protocol=5, buffer_callback=buffers.append)
    parts = [memoryview(content), *(buffer.raw() for buffer in buffers)]
    lengths = b"".join(_LENGTH.pack(each) for each in (len(parts), *(p.nbytes for p in parts)))
    descriptor = _nameless_file()
    try:
        start = 0
        for part in (memoryview(lengths), *parts):
            _write(descriptor, part, start)
            start = _aligned(start + part.nbytes)
        os.ftruncate(descriptor, max(start, _ALIGNMENT))
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


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


def _nameless_file() -> int:
    if hasattr(os, "memfd_create"):
        return os.memfd_create("vswin", os.MFD_CLOEXEC)
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())


def _write(descriptor: int, part: memoryview, start: int) -> None:
    rest = part.cast("B") if part.nbytes else part[:0]
    while rest.nbytes:
        num_written = os.pwrite(descriptor, rest, start)
        rest, start = rest[num_written:], start + num_written


def _aligned(position: int) -> int:
    return -(-position // _ALIGNMENT) * _ALIGNMENT
