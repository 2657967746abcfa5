"""What the structure of a file shows: whether its end is missing, and where its media data is."""

import io
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

_TAIL_BYTES = 4096
_MAX_FRAMES_PER_BYTE = 16  # QuickTime counts sound samples, which can have half a byte
_UNKNOWN_LENGTH = 0xFFFFFFFF  # of an AVI file that was written to a stream
_EBML_HEADER, _MATROSKA_SEGMENT = 0x1A45DFA3, 0x18538067


def is_cut_off(file: BinaryIO) -> bool:
    """Whether a file ends before the length that its container states.

    MP4, MOV, Matroska, WebM and AVI state a length; other streams, such as MPEG-TS, do not.
    """
    size = file.seek(0, io.SEEK_END)
    file.seek(0)
    start = file.read(12)
    if start[:4] == b"RIFF":
        length = int.from_bytes(start[4:8], "little")
        return length != _UNKNOWN_LENGTH and length + 8 > size
    file.seek(0)
    if int.from_bytes(start[:4], "big") == _EBML_HEADER:
        return _matroska_end(file) > size
    if start[4:8] in (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip"):
        return max(box.stop for box in boxes(file)) > size
    return False


def why_no_video(file: BinaryIO) -> str | None:
    """Say why a file that starts like a video contains none, if its structure shows it."""
    file.seek(4)
    if file.read(4) not in (b"ftyp", b"moov", b"mdat", b"wide"):
        return "it is cut off" if is_cut_off(file) else None
    size = file.seek(0, io.SEEK_END)
    index = next((box for box in boxes(file) if box.kind == b"moov"), None)
    if index is None:
        return "it is cut off: its index is missing"
    return "it is cut off: its index is incomplete" if index.stop > size else None


def ends_in_zeros(file: BinaryIO) -> bool:
    """Whether the end of a file was reserved but never written, as after a broken download."""
    size = file.seek(0, io.SEEK_END)
    file.seek(max(size - _TAIL_BYTES, 0))
    return not any(file.read())


def lists_too_much(file: BinaryIO) -> bool:
    """Whether an MP4 or MOV file lists far more frames than it has bytes, to fill the memory.

    Sources: ISO/IEC 14496-12, 8.7.3 and 8.8.8.
    """
    size = file.seek(0, io.SEEK_END)
    file.seek(4)
    if file.read(4) not in (b"ftyp", b"moov", b"moof", b"mdat", b"wide", b"free", b"skip", b"styp"):
        return False
    return any(
        num_frames > _MAX_FRAMES_PER_BYTE * size for num_frames in _listed_frames(file, 0, size)
    )


class Box(NamedTuple):
    """A part of an MP4 or MOV file."""

    kind: bytes
    start: int  # start and end of its content
    stop: int


def boxes(file: BinaryIO, start: int = 0, stop: int | None = None) -> Iterator[Box]:
    """List the boxes in an MP4 or MOV file or in a box, by their headers.

    Source: ISO/IEC 14496-12, 4.2.
    """
    stop = file.seek(0, io.SEEK_END) if stop is None else stop
    while start < stop:
        file.seek(start)
        header = file.read(16)
        length, content = int.from_bytes(header[:4], "big"), start + 8
        if length == 1:  # a 64-bit length follows the type
            length, content = int.from_bytes(header[8:16], "big"), start + 16
        if length < 8:  # 0: to the end of the file; less: not a box
            length = stop - start
        yield Box(header[4:8], content, start + length)
        start += length


def _listed_frames(file: BinaryIO, start: int, stop: int) -> Iterator[int]:
    """Yield the number of frames that each table in a range of boxes lists."""
    for box in boxes(file, start, stop):
        if box.kind in (b"moov", b"trak", b"mdia", b"minf", b"stbl", b"moof", b"traf"):
            yield from _listed_frames(file, box.start, min(box.stop, stop))
        elif box.kind in (b"stsz", b"stz2", b"trun"):
            file.seek(box.start + (4 if box.kind == b"trun" else 8))
            yield int.from_bytes(file.read(4), "big")


class WithoutMedia:
    """An MP4 or MOV file whose media data reads as zeros, so that it is never downloaded."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._media = [box for box in boxes(file) if box.kind == b"mdat"]
        self._size = file.seek(0, io.SEEK_END)
        self._position = 0

    def read(self, size: int) -> bytes:
        """Read up to `size` bytes."""
        size = min(size, max(self._size - self._position, 0))
        for box in self._media:
            if box.start <= self._position < box.stop:
                zeros = bytes(min(size, box.stop - self._position))
                self._position += len(zeros)
                return zeros
            if self._position < box.start:
                size = min(size, box.start - self._position)
        self._file.seek(self._position)
        content = self._file.read(size)
        self._position += len(content)
        return content

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Set the position; see `io.IOBase`."""
        self._position = offset + (0, self._position, self._size)[whence]
        return self._position

    def tell(self) -> int:
        """See `io.IOBase`."""
        return self._position


def _matroska_end(file: BinaryIO) -> int:
    """Return the stated end of the segment of a Matroska file; 0 if unknown (RFC 8794)."""
    while True:
        identifier, _ = _variable_integer(file, keep_marker=True)
        length, unknown = _variable_integer(file, keep_marker=False)
        if identifier == _MATROSKA_SEGMENT:
            return 0 if unknown else file.tell() + length
        if identifier != _EBML_HEADER:
            return 0
        file.seek(length, 1)


def _variable_integer(file: BinaryIO, *, keep_marker: bool) -> tuple[int, bool]:
    """Read an EBML number, and whether it is the one that means "unknown"."""
    first = int.from_bytes(file.read(1), "big")
    length = 9 - first.bit_length()  # number of bytes, by the leading zero bits
    if length > 8:
        return 0, True
    value = int.from_bytes(bytes([first]) + file.read(length - 1), "big")
    marker = 1 << 7 * length
    unknown = value == 2 * marker - 1
    return (value if keep_marker else value - marker), unknown
