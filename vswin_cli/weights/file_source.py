"""A folder, on this machine or a mounted one, as a source."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from vswin_cli.errors import DownloadError
from vswin_cli.system.files import open_regular
from vswin_cli.weights.source import CHUNK_BYTES, RemoteFile, Reply


class FileSource:
    """One file that a file: address names."""

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
