"""The partial file of a download, and the server's file of which it is a part."""

import hashlib
import json
import os
import shutil
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Self

from vswin_cli.errors import DownloadError
from vswin_cli.system.files import open_own, read_small, replacing, share
from vswin_cli.system.platform import begin_write_back, read_at
from vswin_cli.weights.address import place_digest
from vswin_cli.weights.cache import WeightsFile
from vswin_cli.weights.source import CHUNK_BYTES, RemoteFile, is_header

_MAX_BEGUN_BYTES = 100_000  # of the file next to a partial file
WRITE_BACK_BYTES = 32 << 20
DISTRUSTED_BYTES = 2 * WRITE_BACK_BYTES  # of a partial file that a system left which runs no more


@dataclass(frozen=True)
class _Begun:
    """Content of the file next to a partial file."""

    place: str  # a digest of where it comes from
    system: str | None  # the one that ran then
    origin: RemoteFile


class PartialFile:
    """A partial file, open for appending, with the SHA-256 of its content.

    Each chunk is in the file at once, so that a killed process loses nothing. The file next to it
    names its origin; without an origin, the download starts again.

    Args:
        target: File that it will become.
        address: Address to download from; a partial file of another address is started again.
    """

    def __init__(self, target: WeightsFile, address: str) -> None:
        self._target = target
        self._place = place_digest(address)
        self._file = open_own(target.partial_path)
        share(target.partial_path)
        self._sum = _RunningSum()
        self.num_bytes = self._num_written_back = 0
        self.origin: RemoteFile | None = None
        try:
            begun = _read_begun(target.origin_path)
            if begun is not None and begun.place == self._place:
                self._take_up(begun)
            if self.num_bytes == 0:
                self.clear()
        except BaseException:
            self._close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._close()
        if self.num_bytes == 0:  # nothing to continue
            remove_partial(self._target)

    @property
    def is_complete(self) -> bool:
        """Whether it has the size of its origin."""
        return self.origin is not None and self.num_bytes == self.origin.num_bytes

    @property
    def sha256(self) -> str:
        """The SHA-256 of all its bytes."""
        return self._sum.hexdigest()

    def tail(self, num_bytes: int) -> bytes:
        """Read its last bytes, at most `num_bytes`."""
        start = max(0, self.num_bytes - num_bytes)
        return read_at(self._file.fileno(), self.num_bytes - start, start)

    def begin(self, origin: RemoteFile) -> None:
        """Empty it, for the file of this origin.

        Raises:
            DownloadError: The disk has no room for that.
        """
        self.clear()
        self._need_room(origin.num_bytes)
        # First empty, then the new origin: killed in between, no byte is taken for another file's.
        self._begun_from(origin)

    def clear(self) -> None:
        """Empty it."""
        self._file.truncate(0)
        self._file.seek(0)
        self._sum.clear()
        self.num_bytes = self._num_written_back = 0
        self.origin = None

    def append(self, chunk: bytes) -> None:
        """Write a chunk to its end."""
        self._sum.update(chunk)
        rest = memoryview(chunk)
        while rest:  # a disk that becomes full takes a part first
            rest = rest[self._file.write(rest) :]
        self.num_bytes += len(chunk)
        if self.num_bytes - self._num_written_back >= WRITE_BACK_BYTES:
            self._begin_write_back()

    def ends_here(self) -> None:
        """Consider the file complete; the server did not state its size."""
        if self.origin is not None:
            self.origin = replace(self.origin, num_bytes=self.num_bytes)

    def sync(self) -> None:
        """Flush it to the disk."""
        os.fsync(self._file.fileno())

    def _close(self) -> None:
        self._file.close()
        self._sum.close()

    def _begin_write_back(self) -> None:
        """Let the system begin to write to the disk, so that `sync` has little left to wait for."""
        start, length = self._num_written_back, self.num_bytes - self._num_written_back
        begin_write_back(self._file.fileno(), start, length)
        self._num_written_back = self.num_bytes

    def _begun_from(self, origin: RemoteFile) -> None:
        begun = _Begun(self._place, running_system(), origin)
        with replacing(self._target.origin_path) as file:
            file.write_text(json.dumps(asdict(begun)), encoding="utf-8")
        self.origin = origin

    def _take_up(self, begun: "_Begun") -> None:
        """Continue the download of an earlier process."""
        origin = begun.origin
        size = os.fstat(self._file.fileno()).st_size
        if origin.num_bytes is not None and size > origin.num_bytes:
            return
        if begun.system != running_system():  # its last bytes may never have reached the disk
            self._file.truncate(max(0, size - DISTRUSTED_BYTES))
            self._begun_from(origin)
        while chunk := self._file.read(CHUNK_BYTES):
            self._sum.update(chunk)
            self.num_bytes += len(chunk)
        self.origin = origin

    def _need_room(self, num_bytes: int | None) -> None:
        disk = shutil.disk_usage(self._target.folder)
        if num_bytes is not None and disk.total > 0 and disk.free < num_bytes:
            raise DownloadError(
                f"no room for {self._target.published.name}: it needs {num_bytes / 1e6:.0f} MB, "
                f"but {disk.free / 1e6:.0f} MB are free in {self._target.folder}; make room, or "
                "choose another folder with --cache-dir or VSWIN_CACHE"
            )


def remove_partial(target: WeightsFile) -> None:
    """Remove a partial file and its origin, where they are."""
    target.partial_path.unlink(missing_ok=True)
    target.origin_path.unlink(missing_ok=True)


def partial_bytes(target: WeightsFile) -> int:
    """Return how many bytes of a file an unfinished download has."""
    try:
        return target.partial_path.stat().st_size
    except OSError:
        return 0


def running_system() -> str | None:
    """Return an identifier of this run of the machine, on Linux; None elsewhere."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return None


def _read_begun(path: Path) -> _Begun | None:
    """Read the file next to a partial file; None if it is missing or invalid."""
    try:
        content = json.loads(read_small(path, _MAX_BEGUN_BYTES))
        begun = _Begun(**content | {"origin": RemoteFile(**content["origin"])})
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        return None
    origin = begun.origin
    if origin.num_bytes is not None and (type(origin.num_bytes) is not int or origin.num_bytes < 0):
        return None
    return begun if is_header(origin.etag) and is_header(origin.last_modified) else None


class _RunningSum:
    """The SHA-256 of a file as it grows, computed in a thread, one chunk behind its caller."""

    def __init__(self) -> None:
        self._sum = hashlib.sha256()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="sha256")
        self._last: Future[None] | None = None

    def update(self, chunk: bytes) -> None:
        """Add a chunk; returns at once if the one before is done."""
        self._wait()
        self._last = self._thread.submit(self._sum.update, chunk)

    def clear(self) -> None:
        """Start again from no bytes."""
        self._wait()
        self._sum = hashlib.sha256()

    def hexdigest(self) -> str:
        """Return the SHA-256 of all chunks so far."""
        self._wait()
        return self._sum.hexdigest()

    def close(self) -> None:
        """End the thread."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _wait(self) -> None:
        if self._last is not None:
            self._last.result()
            self._last = None
