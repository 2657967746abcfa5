"""Values passed between processes in files that are mapped into memory, without a copy.

The views in a value are stored one after another from the start of the file, so that they are in
memory in the form that an engine needs. The rest is at its end, pickled, and then its length. The
file disappears with the last process that has it open or mapped, even after a crash.
"""

import io
import mmap
import os
import pickle
import struct
from collections.abc import Callable
from math import prod
from typing import Any
from weakref import finalize

import numpy as np

from vswin_cli.system.platform import write_at
from vswin_cli.views.views import View

_ALIGNMENT = 64  # bytes
_SIZES = 1 << 20  # bytes; sizes of files are multiples, so that similar values share one
_LENGTH = struct.Struct("<Q")


def pack(value: object, descriptor: int) -> None:
    """Write a value into a file, and replace its content.

    Raises:
        OSError: There is not enough space.
    """
    _Packing(descriptor).write(value)


def map_file(descriptor: int, known: mmap.mmap | None = None) -> mmap.mmap:
    """Map a file that `pack` wrote into memory, and close the descriptor.

    Args:
        descriptor: Descriptor of the file.
        known: A mapping of the same file, when it may have had another size: mapping a file again
            costs more than reading it.
    """
    try:
        if known is not None and len(known) == os.fstat(descriptor).st_size:
            return known
        # Nobody writes to it here, but OpenVINO accepts only writable memory.
        return mmap.mmap(descriptor, 0, access=mmap.ACCESS_WRITE)
    finally:
        os.close(descriptor)


def unpack(mapped: mmap.mmap, on_freed: Callable[[], None] | None = None) -> Any:  # noqa: ANN401
    """Return the value in a file that `pack` wrote.

    Args:
        mapped: The file; nobody may write to it before it is freed.
        on_freed: Called when no part of the value is in use any more, in any thread.
    """
    content: Any = np.frombuffer(mapped, np.uint8)
    if on_freed is not None:
        # Every part of an array has the same base, which this array alone made.
        finalize(content.base, on_freed).atexit = False
    end = len(content) - _LENGTH.size
    [length] = _LENGTH.unpack_from(content, end)
    return _Unpacking(content, content[end - length : end].tobytes()).load()


class _Packing(pickle.Pickler):
    """Writes a value into an open file."""

    def __init__(self, descriptor: int) -> None:
        self._rest = io.BytesIO()
        super().__init__(self._rest, protocol=5)
        self._descriptor = descriptor
        self._end = 0
        self._scratch: np.ndarray | None = None

    def write(self, value: object) -> None:
        self.dump(value)
        rest = self._rest.getbuffer()
        size = -(-(self._end + rest.nbytes + _LENGTH.size) // _SIZES) * _SIZES
        self._end = size - rest.nbytes - _LENGTH.size
        self._append(b"".join((rest, _LENGTH.pack(rest.nbytes))))
        os.ftruncate(self._descriptor, size)

    def persistent_id(self, value: object) -> Any:  # noqa: ANN401 - what `persistent_load` takes
        if not isinstance(value, View):
            return None
        start = self._end
        self._append(self._pixels(value))
        self._end = -(-self._end // _ALIGNMENT) * _ALIGNMENT
        return start, value.shape, value.weight, value.identity

    def _pixels(self, view: View) -> np.ndarray:
        if view.whole is not None:
            return view.whole
        if self._scratch is None or self._scratch.shape != view.shape:
            self._scratch = np.empty(view.shape, np.uint8)
        view.write(self._scratch)
        return self._scratch

    def _append(self, content: Any) -> None:  # noqa: ANN401 - a buffer
        rest = memoryview(content).cast("B")
        while rest.nbytes:
            num_written = write_at(self._descriptor, rest, self._end)
            rest, self._end = rest[num_written:], self._end + num_written


class _Unpacking(pickle.Unpickler):
    """Reads a value that `_Packing` wrote."""

    def __init__(self, content: np.ndarray, rest: bytes) -> None:
        super().__init__(io.BytesIO(rest))
        self._content = content

    def persistent_load(self, identifier: Any) -> View:  # noqa: ANN401
        start, shape, weight, identity = identifier
        pixels = self._content[start : start + prod(shape)].reshape(shape)
        return View(pixels, weight, identity)
