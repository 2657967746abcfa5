"""What a download is read from: the contract of servers and folders, and a folder."""

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

from vswin_cli.errors import DownloadError
from vswin_cli.system.files import open_regular

CHUNK_BYTES = 1 << 20  # what is asked for at once; a network gives less


class TransientError(DownloadError):
    """A failure that may be gone at the next try.

    Args:
        message: The line for the user.
        retry_after_seconds: How long the server wants to be left alone, if it said so.
    """

    def __init__(self, message: str, retry_after_seconds: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class RangeRefusedError(TransientError):
    """The source cannot continue the partial file, or not with the same file; start again."""


@dataclass(frozen=True)
class RemoteFile:
    """What identifies the file that a source holds at the moment."""

    num_bytes: int | None  # None: the server did not say
    etag: str | None = None
    last_modified: str | None = None

    @property
    def validator(self) -> str | None:
        """For If-Range: the ETag if it is a strong one, else the date of change."""
        if self.etag and not self.etag.startswith("W/"):
            return self.etag
        return self.last_modified

    def is_confirmed_by(self, other: "RemoteFile") -> bool:
        """Tell whether what a source says later is of the same file, as far as it can be told.

        Where there is a validator, it must be said again: a server that forgets it may have
        forgotten to check it too.
        """
        pairs = (
            (self.num_bytes, other.num_bytes),
            (self.etag, other.etag),
            (self.last_modified, other.last_modified),
        )
        if any(None not in pair and pair[0] != pair[1] for pair in pairs):
            return False
        return self.validator is None or self.validator == other.validator


def is_header(value: object) -> bool:
    """Tell whether a validator is one that can be sent back to its server, or is None."""
    return value is None or (isinstance(value, str) and value.isascii() and value.isprintable())


@dataclass(frozen=True)
class Reply:
    """What a source answers: the file from byte `start` on, up to before `end`."""

    origin: RemoteFile
    start: int
    end: int | None  # None: as far as it goes
    content_type: str | None
    chunks: Iterator[bytes]


class DownloadSource(Protocol):
    """A place that holds one file."""

    address: str  # may hold a password: `shown` makes it fit for messages

    def open(self, start: int, origin: RemoteFile | None) -> AbstractContextManager[Reply]:
        """Ask for the file from byte `start` on.

        The reply starts there if the source can do that and still holds the file of `origin`, else
        at 0.

        Raises:
            TransientError: It may work at the next try. Iterating over the chunks raises it too.
            RangeRefusedError: It cannot be continued; ask from byte 0 on.
            DownloadError: It will not.
        """
        ...


class FileSource:
    """One file that a file: address names, on this machine or a mounted one."""

    def __init__(self, address: str, path: Path) -> None:
        self.address = address
        self._path = path

    @contextmanager
    def open(self, start: int, origin: RemoteFile | None) -> Iterator[Reply]:
        """Read the file from byte `start` on; see `DownloadSource.open`."""
        try:
            stream = open_regular(self._path)
        except OSError as exc:
            raise self._failure(exc) from exc
        with stream:
            status = os.fstat(stream.fileno())
            now = RemoteFile(status.st_size, etag=f'"{status.st_mtime_ns}"')
            if origin is None or not origin.is_confirmed_by(now):
                start = 0
            yield Reply(now, start, None, None, self._chunks(stream, start))

    def _chunks(self, stream: BinaryIO, start: int) -> Iterator[bytes]:
        stream.seek(start)
        while True:
            try:
                chunk = stream.read(CHUNK_BYTES)
            except OSError as exc:
                raise self._failure(exc) from exc
            if not chunk:
                return
            yield chunk

    def _failure(self, exc: OSError) -> DownloadError:
        return DownloadError(f"{self.address}: {exc.strerror}")
