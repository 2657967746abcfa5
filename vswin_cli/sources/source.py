"""The source of a video's bytes: a file, an address, standard input, or an open file."""

import os
import shutil
import stat
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

import numpy as np

from vswin_cli.errors import VideoError
from vswin_cli.sources.addresses import AddressError, RemoteFile, local_path, without_credentials

Location = str | Path | BinaryIO

_STDIN = "-"


@dataclass(frozen=True)
class Source:
    """The open bytes of a video."""

    name: str  # its name in messages and records
    file: BinaryIO  # seekable and not empty


@contextmanager
def open_source(location: Location) -> Iterator[Source]:
    """Open the source of a video.

    Args:
        location: A path; an address of any kind that fsspec knows, such as `https://…`; `-` for
            standard input; or an open binary file, which stays open. A `Path` is always a path.

    Raises:
        VideoError: `missing`, `not_a_file`, `permission`, `empty` or `unreadable`.
    """
    name = name_of(location)
    with ExitStack() as stack:
        try:
            file = _open(location, stack)
            if not file.seekable():  # copied to a file, because reading a video needs seeking
                spool = stack.enter_context(tempfile.TemporaryFile())
                shutil.copyfileobj(file, spool)
                file = cast("BinaryIO", spool)
            file.seek(0)
            is_empty = not file.read(1)
        except AddressError as exc:
            raise VideoError(f"cannot read {name}: {exc}", kind=exc.kind) from None
        except (FileNotFoundError, NotADirectoryError) as exc:
            advice = "give a list to `vswin label`" if name.startswith("@") else "check the path"
            what = f"cannot read {name}: no such file; {advice}"
            raise VideoError(what, kind="missing") from exc
        except PermissionError as exc:
            what = f"cannot read {name}: permission denied; make it readable"
            raise VideoError(what, kind="permission") from exc
        except (OSError, ValueError) as exc:  # a name that is too long, a null byte, a broken disk
            reason = exc.strerror if isinstance(exc, OSError) else exc
            raise VideoError(f"cannot read {name}: {reason}; check the path") from exc
        if is_empty:
            what = f"cannot read {name}: the file is empty; copy or download it again"
            raise VideoError(what, kind="empty")
        yield Source(name, file)


def name_of(location: Location | np.ndarray) -> str:
    """Name a video for messages and records, without the credentials of an address."""
    if isinstance(location, np.ndarray):
        return f"an array of {len(location)} frames" if location.ndim else "an array"
    if isinstance(location, str):
        return without_credentials(location)
    if isinstance(location, Path):
        return str(location)
    name = getattr(location, "name", None)
    return without_credentials(name) if isinstance(name, str) else "the open file"


def _open(location: Location, stack: ExitStack) -> BinaryIO:
    if location == _STDIN:
        if sys.stdin.isatty():
            what = "cannot read -: standard input is a terminal; send a video to it, with < or |"
            raise VideoError(what, kind="not_a_file")
        return sys.stdin.buffer
    if isinstance(location, str):
        if (path := local_path(location)) is None:
            return cast("BinaryIO", stack.enter_context(RemoteFile(location)))
        location = path
    if not isinstance(location, str | Path):
        return location
    # Does not open it: a FIFO would block. A Path would turn "" into the current folder.
    mode = os.stat(location).st_mode  # noqa: PTH116
    if not stat.S_ISREG(mode):
        kind = "not a regular file; give a video file"
        if stat.S_ISDIR(mode):
            kind = "a folder; give a video, or use `vswin label`"
        what = f"cannot read {location}: it is {kind}"
        raise VideoError(what, kind="not_a_file")
    return stack.enter_context(Path(location).open("rb", buffering=0))
