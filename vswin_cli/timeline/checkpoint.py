"""Probabilities of windows, kept next to an output until their film is recorded."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from time import monotonic
from zlib import crc32

import numpy as np

from vswin_cli.errors import OutputError
from vswin_cli.system.files import open_own

_KEY_BYTES = 16
_SUM_BYTES = 4
_SYNC_SECONDS = 10.0  # of computing that a power cut may lose; a killed process loses none


class Checkpoint:
    """A file with the probabilities of windows, by a digest of their pixels.

    Each entry is handed to the operating system at once, and written to the disk every ten seconds.
    When the file is opened again, an incomplete entry at its end is ignored; if the settings
    differ, so is everything.

    Args:
        path: Path of the file.
        settings: Everything that the probabilities depend on, except the pixels; JSON values.
        num_classes: Probabilities per window.

    Raises:
        OutputError: It cannot be written.
    """

    def __init__(self, path: Path, settings: Mapping[str, object], num_classes: int) -> None:
        self._path = path
        self._num_classes = num_classes
        self._known: dict[bytes, np.ndarray] = {}
        self._header = json.dumps(dict(settings), sort_keys=True).encode() + b"\n"
        try:
            self._file = open_own(path)
            self._read()
        except OSError as exc:
            raise self._cannot(exc) from exc
        self._synced = monotonic()

    def get(self, key: bytes) -> np.ndarray | None:
        """Return the probabilities of a window, float32 (num_classes,), or None."""
        return self._known.get(key)

    def put(self, key: bytes, probabilities: np.ndarray) -> None:
        """Keep the probabilities of a window.

        Raises:
            OutputError: They cannot be written.
        """
        content = key + probabilities.astype("<f4").tobytes()
        self._known[key] = probabilities
        try:
            self._file.write(content + crc32(content).to_bytes(_SUM_BYTES, "little"))
            if monotonic() - self._synced > _SYNC_SECONDS:
                os.fsync(self._file.fileno())
                self._synced = monotonic()
        except OSError as exc:
            raise self._cannot(exc) from exc

    def clear(self) -> None:
        """Delete all entries: the film is recorded.

        Raises:
            OutputError: They cannot be deleted.
        """
        self._known.clear()
        try:
            self._file.truncate(len(self._header))
            self._file.seek(len(self._header))
        except OSError as exc:
            raise self._cannot(exc) from exc

    def close(self, *, remove: bool) -> None:
        """Close the file.

        Args:
            remove: Delete it, because nothing in it is needed.
        """
        if remove:
            self._path.unlink(missing_ok=True)
        self._file.close()

    def _read(self) -> None:
        size = _KEY_BYTES + 4 * self._num_classes + _SUM_BYTES
        end = len(self._header)
        self._file.seek(0)
        if self._file.read(end) == self._header:
            while len(row := self._file.read(size)) == size:
                end += size
                content, total = row[:-_SUM_BYTES], int.from_bytes(row[-_SUM_BYTES:], "little")
                if crc32(content) == total:  # else it is damaged; the next may be intact
                    numbers = np.frombuffer(content[_KEY_BYTES:], "<f4").astype(np.float32)
                    self._known[content[:_KEY_BYTES]] = numbers
            self._file.truncate(end)
        else:
            self._file.truncate(0)
            self._file.seek(0)
            self._file.write(self._header)
        self._file.seek(end)

    def _cannot(self, exc: OSError) -> OutputError:
        return OutputError(
            f"cannot write {self._path}: {exc.strerror or exc}; free some space and run again"
        )
