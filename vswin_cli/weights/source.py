"""Sources of downloads: the contract of servers and folders, and a folder."""

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

from vswin_cli.errors import DownloadError
from vswin_cli.system.files import open_regular

CHUNK_BYTES = 1 << 20  # per read; a network gives less


class TransientError(DownloadError):
    """A failure that may not occur again.

    Args:
        message: Line for the user.
        retry_after_seconds: How long the server asks to wait, if it does.
    """

    def __init__(self, message: str, retry_after_seconds: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class RangeRefusedError(TransientError):
    """The source cannot continue the partial file, or its file has changed; start again."""


@dataclass(frozen=True)
class RemoteFile:
    """Identifies the file that a source currently has."""

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
        """Return whether a later reply is about the same file, as far as that is known.

        A validator must be in the later reply too: a server that leaves it out may not have
        checked it.
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
    """Return whether a validator can be sent back to its server, or is None."""
    return value is None or (isinstance(value, str) and value.isascii() and value.isprintable())


@dataclass(frozen=True)
class Reply:
    """Reply of a source: the bytes of the file from `start` up to `end`, which is excluded."""

    origin: RemoteFile
    start: int
    end: int | None  # None: the end of the file
    content_type: str | None
    chunks: Iterator[bytes]


class DownloadSource(Protocol):
    """A place from which one file is downloaded."""

    address: str  # may contain a password; messages show it by `without_credentials`

    def open(self, start: int, origin: RemoteFile | None) -> AbstractContextManager[Reply]:
        """Ask for the file from byte `start` on.

        The reply starts there if the source can do that and still has the file of `origin`,
        otherwise at 0.

        Raises:
            TransientError: The next try may succeed. Iterating over the chunks can also raise it.
            RangeRefusedError: The download cannot continue; ask from byte 0 on.
            DownloadError: No try will succeed.
        """
        ...


class FileSource:
    """The file of a file: address."""

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
