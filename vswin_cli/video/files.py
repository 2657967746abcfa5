"""The file itself: is it one, can it be read, under which name, is its end missing."""

import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import BinaryIO

from vswin_cli.errors import VideoError

_TAIL_BYTES = 4096
_EBML_HEADER, _MATROSKA_SEGMENT = 0x1A45DFA3, 0x18538067


def check(path: str | Path) -> None:
    """Make sure that there is a regular file with something in it, before a decoder opens it.

    Raises:
        VideoError: `missing`, `not_a_file`, `permission`, `empty` or `unreadable`.
    """
    try:
        # Does not open: a FIFO would block. A Path would make the current folder of "".
        status = os.stat(path)  # noqa: PTH116
        if not stat.S_ISREG(status.st_mode):
            what = "a directory" if stat.S_ISDIR(status.st_mode) else "not a regular file"
            raise VideoError(
                f"cannot read {path}: it is {what}; name a video file", kind="not_a_file"
            )
        with Path(path).open("rb") as file:
            if not file.read(1):
                raise VideoError(
                    f"cannot read {path}: the file is empty; copy or download it again",
                    kind="empty",
                )
    except (FileNotFoundError, NotADirectoryError) as exc:
        raise VideoError(
            f"cannot read {path}: no such file; check the path", kind="missing"
        ) from exc
    except PermissionError as exc:
        raise VideoError(
            f"cannot read {path}: permission denied; make it readable", kind="permission"
        ) from exc
    except (OSError, ValueError) as exc:  # a name too long, a null byte, a broken disk
        reason = exc.strerror if isinstance(exc, OSError) else exc
        raise VideoError(f"cannot read {path}: {reason}; check the path") from exc


@contextmanager
def plain_name(path: str | Path) -> Iterator[str]:
    """Lend an absolute name that C libraries take as a file's: no URL, no pattern, valid UTF-8.

    An absolute path has no scheme. A name that is not UTF-8, or holds a `%`, which FFmpeg may read
    as the pattern of an image sequence, is reached through a link for as long as the context lasts.
    """
    absolute = Path(path).absolute()
    if "%" not in str(absolute) and str(absolute).isprintable():
        yield str(absolute)
        return
    with ExitStack() as stack:
        try:
            link = Path(stack.enter_context(tempfile.TemporaryDirectory()), "video")
            link.symlink_to(absolute)
        except OSError as exc:
            raise VideoError(
                f"cannot read {path}: decoders need a link to a file of this name, which cannot be "
                f"made in {tempfile.gettempdir()}: {exc.strerror}; rename it, or set TMPDIR"
            ) from exc
        yield str(link)


def is_cut_off(path: Path) -> bool:
    """Whether the file ends before the length that its own container states.

    Known for MP4 and MOV, Matroska and WebM, AVI; a stream of another kind (MPEG-TS) states none.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        start = file.read(12)
        if start[:4] == b"RIFF":
            return int.from_bytes(start[4:8], "little") + 8 > size
        file.seek(0)
        if int.from_bytes(start[:4], "big") == _EBML_HEADER:
            return _matroska_end(file) > size
        if start[4:8] in (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip"):
            return _last_box_end(file, size) > size
    return False


def ends_in_zeros(path: Path) -> bool:
    """Whether a file's end was reserved and never written, as broken downloads leave it."""
    with path.open("rb") as file:
        file.seek(max(path.stat().st_size - _TAIL_BYTES, 0))
        return not any(file.read())


def _last_box_end(file: BinaryIO, size: int) -> int:
    """Where the last box of an MP4 or MOV file says that it ends (ISO/IEC 14496-12, 4.2)."""
    end = 0
    while end < size:
        file.seek(end)
        header = file.read(16)
        length = int.from_bytes(header[:4], "big")
        if length == 1:  # a 64-bit length follows the type
            length = int.from_bytes(header[8:16], "big")
        if length < 8:  # 0: to the end of the file; less: no box at all
            return size
        end += length
    return end


def _matroska_end(file: BinaryIO) -> int:
    """Where a Matroska file's segment says that it ends; 0 if it leaves that open (RFC 8794)."""
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
    length = 9 - first.bit_length()  # bytes, told by the leading zero bits
    if length > 8:
        return 0, True
    value = int.from_bytes(bytes([first]) + file.read(length - 1), "big")
    marker = 1 << 7 * length
    unknown = value == 2 * marker - 1
    return (value if keep_marker else value - marker), unknown
