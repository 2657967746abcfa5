"""What a download is read from: the contract of servers and local folders."""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from vswin_cli.errors import DownloadError

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


@dataclass(frozen=True)
class Origin:
    """What identifies the file that a server holds at the moment."""

    address: str
    num_bytes: int | None  # None: the server did not say
    etag: str | None = None
    last_modified: str | None = None

    @property
    def validator(self) -> str | None:
        """For If-Range: the ETag if it is a strong one, else the date of change."""
        if self.etag and not self.etag.startswith("W/"):
            return self.etag
        return self.last_modified

    def may_be(self, other: "Origin") -> bool:
        """Tell whether nothing shows that the two are different files."""
        pairs = (
            (self.num_bytes, other.num_bytes),
            (self.etag, other.etag),
            (self.last_modified, other.last_modified),
        )
        return self.address == other.address and not any(
            ours is not None and theirs is not None and ours != theirs for ours, theirs in pairs
        )


@dataclass(frozen=True)
class Reply:
    """What a source answers: the file from byte `start` on."""

    origin: Origin
    start: int
    content_type: str | None
    chunks: Iterator[bytes]


class Source(Protocol):
    """A place that holds one file."""

    def open(self, start: int, origin: Origin | None) -> AbstractContextManager[Reply]:
        """Ask for the file from byte `start` on.

        The reply starts there if the source can do that and still holds the file of `origin`, else
        at 0.

        Raises:
            TransientError: It may work at the next try. Iterating over the chunks raises it too.
            DownloadError: It will not.
        """
        ...
