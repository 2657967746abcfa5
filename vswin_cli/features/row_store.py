"""Features on disk during a run: a header, and rows of one width, one video after another.

The journal assigns rows to videos; it writes a line when the rows are on disk. Rows without a line
come from a process that was killed, and are removed.
"""

import json
import os
import zlib
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from vswin_cli.errors import OutputError, UsageError
from vswin_cli.features.origin import Origin
from vswin_cli.runs.open_files import open_locked, rescued
from vswin_cli.runs.plan import differences, listed
from vswin_cli.system.files import is_at, write_durably
from vswin_cli.system.platform import read_at

_HEADER_BYTES = 4096

RowSpan = tuple[int, int, int]  # first row, number of rows, CRC-32 of their bytes


class RowStore:
    """Opens or creates the file.

    Args:
        path: Path of the file.
        origin: Origin of the features, which determines the width of a row.
        resume: Keep existing rows; False starts over.
        spans: Known spans of rows of this origin. If one of them is intact, a header with another
            origin is damaged, and is written again.

    Raises:
        UsageError: The file contains features of another origin, or is something else; or another
            run writes to it.
        OutputError: It cannot be read or written.
    """

    def __init__(
        self, path: Path, origin: Origin, *, resume: bool, spans: Iterable[RowSpan] = ()
    ) -> None:
        self._path = path
        self._type = origin.row_type
        try:
            self._file = open_locked(path)
        except OSError as exc:
            raise self._failed(exc) from exc
        self._descriptor = self._file.fileno()
        try:
            if not resume:
                self._file.truncate(0)
            self._begin(origin, spans)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Close the file; everything is written already."""
        self._file.close()

    def append(self, rows: np.ndarray) -> RowSpan:
        """Add the rows of one video; they are on disk when this returns.

        Args:
            rows: (rows,) of the origin's `row_type`.

        Raises:
            OutputError: There is no space, or the file was removed or changed.
        """
        self._check_size()
        content = rows.tobytes()
        span = (self._num_rows, len(rows), zlib.crc32(content))
        self._write(content, self._offset(self._num_rows))
        self._num_rows += len(rows)
        self.check()
        return span

    def check(self) -> None:
        """Check that the path still names the file with the rows.

        Raises:
            OutputError: It was removed or replaced, and the rows are now in another file; or
                another program has changed it.
        """
        self._check_size()
        if is_at(self._path, self._descriptor):
            return
        num_bytes = self._offset(self._num_rows)
        self._rescued = self._rescued or rescued(self._descriptor, num_bytes, self._path)
        raise OutputError(
            f"{self._path} was removed or replaced during the run; the features are in "
            f"{self._rescued}: put it back under that name, and run again"
        )

    def _check_size(self) -> None:
        if os.fstat(self._descriptor).st_size != self._offset(self._num_rows):
            raise self.changed()

    def read(self, span: RowSpan) -> np.ndarray | None:
        """Read the rows of one video; None if they are damaged."""
        first, num_rows, crc = span
        num_bytes = num_rows * self._type.itemsize
        if self._offset(first) + num_bytes > os.fstat(self._descriptor).st_size:
            return None
        content = read_at(self._descriptor, num_bytes, self._offset(first))
        if zlib.crc32(content) != crc:
            return None
        return np.frombuffer(content, self._type)

    def changed(self) -> OutputError:
        """The error for rows of this process that another program has changed."""
        return OutputError(
            f"{self._path} was changed by another program during the run; run again to compute "
            "the lost rows"
        )

    def cut(self, num_rows: int) -> None:
        """Remove all rows after this number; new rows follow there."""
        os.ftruncate(self._descriptor, self._offset(num_rows))
        self._num_rows = num_rows

    def _begin(self, origin: Origin, spans: Iterable[RowSpan]) -> None:
        """Check the header, or write it."""
        text = json.dumps(origin.to_texts()).encode("ascii").ljust(_HEADER_BYTES - 1) + b"\n"
        header = read_at(self._descriptor, _HEADER_BYTES, 0)
        is_other = header != text
        if not header.strip(b"\0") or (is_other and any(self.read(s) is not None for s in spans)):
            self._write(text, 0)
            return
        try:
            found = Origin.from_texts(json.loads(header))
        except (ValueError, AttributeError, RecursionError) as exc:
            raise UsageError(
                f"{self._path} is not a features file of vswin; choose another file, "
                "or use --no-resume to replace it"
            ) from exc
        if changes := differences(found.settings, origin.settings):
            raise UsageError(
                f"{self._path} contains features with different settings: {listed(changes)}; "
                "choose another file, or use --no-resume to replace it"
            )

    def _offset(self, row: int) -> int:
        return _HEADER_BYTES + row * self._type.itemsize

    def _write(self, content: bytes, offset: int) -> None:
        try:
            write_durably(self._descriptor, content, offset)
        except OSError as exc:
            raise self._failed(exc) from exc

    def _failed(self, exc: OSError) -> OutputError:
        return OutputError(f"cannot write {self._path}: {exc.strerror}; choose another file")

    _num_rows = 0
    _rescued: Path | None = None
