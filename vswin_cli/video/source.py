"""Where a video's bytes come from: a file, an address, standard input, an open file."""

import io
import os
import re
import shutil
import stat
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import urlsplit
from urllib.request import url2pathname

from vswin_cli.errors import VideoError

Location = str | Path | BinaryIO

_STDIN = "-"
_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE)
_BLOCK_BYTES = 1 << 20  # of an address, fetched by one request
_NUM_BLOCKS = 64  # kept in memory
_TRIES = 4  # to read a block; after the first, with pauses of 1, 2 and 4 seconds
_EXTRAS = {"s3": "s3", "s3a": "s3", "gs": "gs", "gcs": "gs"}  # protocols with an extra of ours


@dataclass(frozen=True)
class Source:
    """A video's bytes, open."""

    name: str  # what messages and records call it
    file: BinaryIO  # can be sought, and has something in it
    path: str | None  # where it is, if it is a file

    @contextmanager
    def as_plain_file(self) -> Iterator[str]:
        """Lend an absolute name that C libraries take as a file's: no URL, no pattern, valid UTF-8.

        A file whose name is something else is reached through a link for as long as the context
        lasts, and what is no file is copied to one.
        """
        absolute = "%" if self.path is None else os.path.abspath(self.path)  # noqa: PTH100
        if "%" not in absolute and absolute.isprintable():
            yield absolute
            return
        try:
            with tempfile.TemporaryDirectory() as folder:
                plain = Path(folder, "video")
                if self.path is not None:
                    plain.symlink_to(absolute)
                else:
                    self.file.seek(0)
                    with plain.open("wb") as copy:
                        shutil.copyfileobj(self.file, copy)
                yield str(plain)
        except OSError as exc:
            raise VideoError(
                f"cannot read {self.name}: no link to it or copy of it can be made in "
                f"{tempfile.gettempdir()}: {exc.strerror}; set TMPDIR to another folder"
            ) from exc


@contextmanager
def open_source(location: Location) -> Iterator[Source]:
    """Open what a video is read from.

    Args:
        location: A path; an address of any kind that fsspec knows, such as `https://…` and `s3://…`;
            `-`, which is standard input; or an open binary file, which stays open. What is given
            as a `Path` is a path whatever it looks like.

    Raises:
        VideoError: `missing`, `not_a_file`, `permission`, `empty` or `unreadable`.
    """
    name, path = name_of(location), _path_of(location)
    with ExitStack() as stack:
        if path is not None:
            file = stack.enter_context(_open_file(path, name))
        elif _is_address(location):
            file = stack.enter_context(_Remote(str(location), name))  # type: ignore[assignment]
        elif location == _STDIN:
            file = _standard_input()
        else:
            file = location  # type: ignore[assignment]  # no path is left
        if not file.seekable():
            spool = stack.enter_context(tempfile.TemporaryFile())
            shutil.copyfileobj(file, spool)
            file = spool
        file.seek(0)
        if not file.read(1):
            raise VideoError(
                f"cannot read {name}: the file is empty; copy or download it again", kind="empty"
            )
        yield Source(name, file, path)


def name_of(location: Location) -> str:
    """What messages and records call a location: no credentials, which an address may hold."""
    if _is_address(location):
        return _without_credentials(str(location))
    if isinstance(location, str | Path):
        return str(location)
    name = getattr(location, "name", None)
    return name if isinstance(name, str) else "the open file"


def _is_address(location: Location) -> bool:
    return isinstance(location, str) and _ADDRESS.match(location) is not None


def _path_of(location: Location) -> str | None:
    """The path of what is a file by name."""
    if not isinstance(location, str | Path) or location == _STDIN:
        return None
    if not _is_address(location):
        return str(location)
    parts = urlsplit(str(location))
    return url2pathname(parts.path) if parts.scheme.lower() == "file" else None


def _standard_input() -> BinaryIO:
    if sys.stdin.isatty():
        raise VideoError(
            "cannot read -: standard input is a terminal; send a video to it, as in "
            "`vswin predict - < clip.mp4`",
            kind="not_a_file",
        )
    return sys.stdin.buffer


def _open_file(path: str, name: str) -> BinaryIO:
    """Open a regular file."""
    try:
        # Does not open: a FIFO would block. A Path would make the current folder of "".
        mode = os.stat(path).st_mode  # noqa: PTH116
        if not stat.S_ISREG(mode):
            what = "a directory" if stat.S_ISDIR(mode) else "not a regular file"
            raise VideoError(
                f"cannot read {name}: it is {what}; name a video file", kind="not_a_file"
            )
        return Path(path).open("rb", buffering=0)
    except (FileNotFoundError, NotADirectoryError) as exc:
        raise VideoError(
            f"cannot read {name}: no such file; check the path", kind="missing"
        ) from exc
    except PermissionError as exc:
        raise VideoError(
            f"cannot read {name}: permission denied; make it readable", kind="permission"
        ) from exc
    except (OSError, ValueError) as exc:  # a name too long, a null byte, a broken disk
        reason = exc.strerror if isinstance(exc, OSError) else exc
        raise VideoError(f"cannot read {name}: {reason}; check the path") from exc


class _Remote(io.RawIOBase):
    """What is at an address, read by ranges and not downloaded whole where its server allows that.

    Nothing that a client's error says is repeated: it may hold credentials.
    """

    def __init__(self, address: str, name: str) -> None:
        self._name = name
        protocol = address.rpartition("::")[2].partition("://")[0].lower()
        try:
            import fsspec  # noqa: PLC0415 - only who names an address needs it

            system, path = fsspec.core.url_to_fs(address)
            self._file: Any = system.open(
                path,
                "rb",
                block_size=_BLOCK_BYTES,
                cache_type="blockcache",
                cache_options={"maxblocks": _NUM_BLOCKS},
            )
        except ImportError as exc:
            extra = _EXTRAS.get(protocol)
            advice = f"pip install 'vswin[{extra}]'" if extra else "install its client for fsspec"
            raise VideoError(
                f"cannot read {name}: {protocol} addresses need a client that is not installed; "
                f"{advice}"
            ) from exc
        except Exception as exc:
            raise self._error(exc) from None

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return bool(self._file.seekable())

    def tell(self) -> int:
        return int(self._file.tell())

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return int(self._file.seek(offset, whence))

    def read(self, size: int = -1) -> bytes:
        """Read, and try again where the connection breaks."""
        for attempt in range(_TRIES):
            location = self._file.tell()
            try:
                return bytes(self._file.read(size))
            except Exception as exc:
                if attempt == _TRIES - 1 or not self.seekable():
                    raise self._error(exc) from None
                time.sleep(2**attempt)
                self._file.seek(location)
        raise AssertionError

    def readinto(self, buffer: Any) -> int:  # noqa: ANN401 - as the base class
        content = self.read(len(buffer))
        buffer[: len(content)] = content
        return len(content)

    def close(self) -> None:
        if not self.closed:
            self._file.close()
        super().close()

    def _error(self, error: Exception) -> VideoError:
        status = getattr(error, "status", None)
        if isinstance(error, FileNotFoundError):
            reason, advice, kind = "nothing is at this address", "check it", "missing"
        elif isinstance(error, PermissionError) or status in (401, 403):
            reason, advice, kind = "access is denied", "check your credentials", "permission"
        elif isinstance(error, ValueError):
            reason, advice, kind = "no known kind of address", "check its start", "unreadable"
        else:
            reason = f"its server answers {status}" if status else f"{type(error).__name__}"
            advice, kind = "check the address and the connection", "unreadable"
        return VideoError(f"cannot read {self._name}: {reason}; {advice}", kind=kind)


def _without_credentials(address: str) -> str:
    """An address without its user, password, query and fragment, any of which may hold a secret."""
    parts = []
    for part in address.split("::"):  # fsspec's chains: zip://clip.mp4::https://host/a.zip
        scheme, separator, rest = part.partition("://")
        rest = re.sub(r"[?#].*", "?…" if "?" in rest else "", rest, flags=re.DOTALL)
        host, slash, path = rest.partition("/")
        parts.append(f"{scheme}{separator}{host.rpartition('@')[2]}{slash}{path}")
    return "::".join(parts)
