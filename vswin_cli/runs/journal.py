"""The durable file of a run: records are appended one by one, each on disk before it counts.

A record is one line of JSON. The last record of a video is the valid one. An incomplete last line,
left by a power cut, is removed when the file is opened again, and damaged lines are moved to
another file. When a run ends, the file is rewritten with one record per video, in the order of the
videos, unless it has that form already. A system lock on the file keeps other runs off, under any
name, and ends with the process.
"""

import json
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from zlib import crc32

from vswin_cli.errors import OutputError, UsageError
from vswin_cli.runs.open_files import open_locked, rescued
from vswin_cli.runs.records import Entry, Record, Settings, entry_of, parsed
from vswin_cli.system.files import is_at, open_own, open_regular, replacing, write_durably
from vswin_cli.system.platform import REPLACES_OPEN_FILES, read_at, sync_folder


class Journal:
    """Opens or creates the file; use it with `closing`.

    Args:
        path: Path of the file; links are followed.
        resume: Keep existing records; False starts over.
        read_only: Only read the file, without a lock; it must exist.

    Raises:
        UsageError: Another run writes to the file, or it does not contain records of this kind.
        OutputError: The file cannot be read or written.
    """

    def __init__(self, path: Path, *, resume: bool = True, read_only: bool = False) -> None:
        self.path = Path(os.path.realpath(path))
        self.entries: dict[str, Entry] = {}
        self.num_damaged = 0  # lines that are moved to `damaged_path`
        self._superseded = False
        self._rescued: Path | None = None
        self._read_only = read_only
        self._known_settings: dict[str, Settings] = {}
        self._last_settings: Settings = {}
        with _translated(self.path, read_only=read_only):
            self._file = open_regular(self.path) if read_only else open_locked(self.path)
            try:
                if not read_only and not resume:
                    self._file.truncate(0)
                damaged = self._read()
                if not read_only:
                    self._file.truncate(self._end)
                    os.fsync(self._file.fileno())
                    sync_folder(self.path.parent)
                    self._set_aside(damaged)
            except BaseException:
                self._file.close()
                raise

    @property
    def damaged_path(self) -> Path:
        """The path of the file for damaged lines."""
        return self.path.with_name(f"{self.path.name}.damaged")

    @property
    def damage(self) -> str | None:
        """A message about damaged lines that were moved, if there are any."""
        if not self.num_damaged:
            return None
        lines = "1 line" if self.num_damaged == 1 else f"{self.num_damaged} lines"
        return f"{lines} of {self.path} moved to {self.damaged_path}: not valid records"

    def close(self) -> None:
        """Close the file; everything is written already."""
        self._file.close()

    def append(self, record: Record) -> None:
        """Add a record; it is on disk when this returns.

        Raises:
            OutputError: It cannot be written, for lack of space or because the file was removed.
        """
        line = json.dumps(record).encode("ascii") + b"\n"  # ASCII keeps any name intact
        with _translated(self.path):
            self._check_size()
            write_durably(self._file.fileno(), line, self._end)
        self._remember(record, self._end, line)
        self._end += len(line)
        self.check()

    def check(self) -> None:
        """Check that the path still names the file with the records.

        Raises:
            OutputError: The file was removed or replaced, and the records are now in another file;
                or another program changed the file.
        """
        self._check_size()
        if is_at(self.path, self._file.fileno()):
            return
        self._rescued = self._rescued or rescued(self._file.fileno(), self._end, self.path)
        raise OutputError(
            f"{self.path} was removed or replaced during the run; the records of "
            f"{len(self.entries)} videos are in {self._rescued}: put it back under that name, and "
            "run again"
        )

    def records(self, videos: Sequence[str] = ()) -> Iterator[Record]:
        """Yield the records in the order of the videos, then those of videos not among them."""
        for line in self._lines(videos):
            yield json.loads(line)

    def record(self, video: str) -> Record:
        """Read the record of a video that has one."""
        found: Record = json.loads(self._line(video))
        return found

    def forget(self, videos: Iterable[str]) -> None:
        """Leave out these records when `put_in_order` next rewrites the file."""
        for video in videos:
            del self.entries[video]
            self._superseded = True

    def put_in_order(self, videos: Sequence[str] = ()) -> None:
        """Rewrite the file with one record per video, in the order of `records`, if needed.

        The new file is written under another name, and replaces the old one once it is on disk.
        """
        self.check()
        if not self._superseded and self._order(videos) == list(self.entries):
            for _ in self._lines(videos):  # the lines are copied unchanged
                pass
            return
        with _translated(self.path), replacing(self.path) as temporary:
            ordered = open_locked(temporary)  # no other run can lock it in between
            try:
                ordered.truncate(0)
                end = 0
                for line in self._lines(videos):
                    ordered.write(line)
                    end += len(line)
            except BaseException:
                ordered.close()
                raise
            if not REPLACES_OPEN_FILES:
                ordered.close()
                self._file.close()
        if REPLACES_OPEN_FILES:
            self._file.close()
            self._file = ordered
        else:
            self._file = open_locked(self.path)
        self.entries, self._superseded = {}, False
        self._read()

    def _order(self, videos: Sequence[str]) -> list[str]:
        return list(dict.fromkeys([*(v for v in videos if v in self.entries), *self.entries]))

    def _lines(self, videos: Sequence[str]) -> Iterator[bytes]:
        return map(self._line, self._order(videos))

    def _line(self, video: str) -> bytes:
        entry = self.entries[video]
        line = read_at(self._file.fileno(), entry.length, entry.start)
        if crc32(line) != entry.crc:
            raise self._changed()
        return line

    def _check_size(self) -> None:
        if os.fstat(self._file.fileno()).st_size != self._end:
            raise self._changed()

    def _changed(self) -> OutputError:
        return OutputError(
            f"{self.path} was changed by another program during the run; run again to compute "
            "the lost records"
        )

    def _read(self) -> list[tuple[int, int]]:
        """Index the records in the file; return the start and length of each damaged line."""
        damaged: list[tuple[int, int]] = []
        start, self._end, last = 0, 0, b""
        with os.fdopen(os.dup(self._file.fileno()), "rb") as lines:
            lines.seek(0)
            for line in lines:
                record = parsed(line)
                is_whole = line.endswith(b"\n")
                if record is not None and is_whole:
                    self._remember(record, start, line)
                elif is_whole:
                    damaged.append((start, len(line)))
                start += len(line)
                self._end = start if is_whole else self._end
                last = line
        is_other = bool(damaged) or (self._end < start and not _is_torn_start(last))
        if is_other and not self.entries and not (len(damaged) == 1 and _is_torn_start(last)):
            problem = (
                "is not an output of `vswin label`; give the .jsonl file that it wrote"
                if self._read_only
                else "is not an output of vswin; choose another --output, or use --no-resume to "
                "replace it"
            )
            raise UsageError(f"{self.path} {problem}")
        self.num_damaged = len(damaged)
        return damaged

    def _set_aside(self, damaged: Sequence[tuple[int, int]]) -> None:
        """Move damaged lines to another file, and keep the others."""
        if not damaged:
            return
        with open_own(self.damaged_path) as aside:
            aside.seek(0, os.SEEK_END)
            for start, length in damaged:
                aside.write(read_at(self._file.fileno(), length, start))
            os.fsync(aside.fileno())
        self._superseded = True
        self.put_in_order()
        self.num_damaged = len(damaged)

    def _remember(self, record: Record, start: int, line: bytes) -> None:
        self._superseded = self._superseded or record["video"] in self.entries
        if record["settings"] != self._last_settings:  # most often, they are equal
            key = json.dumps(record["settings"], sort_keys=True)
            self._last_settings = self._known_settings.setdefault(key, record["settings"])
        self.entries[record["video"]] = entry_of(record, self._last_settings, start, line)


class _translated:  # noqa: N801 - reads as a statement
    """Turns system errors about a file into messages for the user."""

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        self._path = path
        self._read_only = read_only

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        if isinstance(error, OSError):
            what = f"cannot write {self._path}: {error.strerror}; choose another --output"
            if self._read_only:
                what = f"cannot read {self._path}: {error.strerror}; check it"
            raise OutputError(what) from error


def _is_torn_start(line: bytes) -> bool:
    """Whether the only line of a file is the start of a record, or reserved space."""
    starts = (b'{"video": ', b'{"schema_version": ')  # records of labels, and of timelines
    return not line.strip(b"\0") or any(
        line.startswith(start) or start.startswith(line) for start in starts
    )
