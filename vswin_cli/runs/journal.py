"""The durable file of a run: records appended one by one, each on disk before it counts.

A record is one line of JSON. The last one of a video is the one that holds; what a power cut tore
off at the end is cut away when the file is opened again. Once a run ends, the file is rewritten
with each video once, in the order of the videos, unless it is so already.
"""

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from typing import Any

from vswin_cli.errors import OutputError, UsageError
from vswin_cli.system.files import replacing, sync_folder, write_durably

Record = dict[str, Any]


@dataclass(frozen=True)
class Entry:
    """What is kept in memory of a record."""

    start: int  # in the file
    length: int  # bytes
    is_ok: bool
    num_bytes: int | None  # of the video's file
    modified: str | None
    settings: str
    path: str  # absolute, of the video's file when it was recorded
    summary: str  # the most probable label, where there is one, or the kind of the failure
    elapsed_seconds: float
    features: tuple[int, ...] = ()  # where they are kept, in records of `vswin embed`


class Journal:
    """Opens or makes the file; use it as a context.

    Args:
        path: Of the file; a link is followed.
        resume: Keep what is there; False starts it anew.
        read_only: Look at it alone; it must be there.

    Raises:
        UsageError: The file is something else than records of this kind.
        OutputError: It cannot be read or written.
    """

    def __init__(self, path: Path, *, resume: bool, read_only: bool = False) -> None:
        self.path = Path(os.path.realpath(path))
        self.entries: dict[str, Entry] = {}
        self._superseded = False
        self._read_only = read_only
        with _translated(self.path):
            self._file = self._open(resume=resume)
            try:
                self._end = self._read()
                if not read_only:
                    self._file.truncate(self._end)
                    os.fsync(self._file.fileno())
                    sync_folder(self.path.parent)
            except BaseException:
                self._file.close()
                raise

    def _open(self, *, resume: bool) -> FileIO:
        if self._read_only:
            return self.path.open("rb", buffering=0)
        flags = os.O_RDWR | os.O_CREAT | (0 if resume else os.O_TRUNC)
        return FileIO(os.open(self.path, flags, 0o666), "r+b")

    def close(self) -> None:
        """Close the file; nothing is pending."""
        self._file.close()

    def append(self, record: Record) -> None:
        """Add a record; it is on disk when this returns.

        Raises:
            OutputError: It is not, for lack of space or another reason.
        """
        line = json.dumps(record).encode("ascii") + b"\n"  # any name survives in ASCII
        with _translated(self.path):
            write_durably(self._file.fileno(), line, self._end)
        self._remember(record, self._end, len(line))
        self._end += len(line)

    def records(self, videos: Sequence[str]) -> Iterator[Record]:
        """Yield the records in the order of the videos, then those of videos not among them."""
        for line in self._lines(videos):
            yield json.loads(line)

    def record(self, video: str) -> Record:
        """Read the record of a video that has one."""
        entry = self.entries[video]
        found: Record = json.loads(os.pread(self._file.fileno(), entry.length, entry.start))
        return found

    def put_in_order(self, videos: Sequence[str]) -> None:
        """Rewrite the file with each video once, as `records` yields them, unless it is so.

        Raises:
            OutputError: It cannot be written.
        """
        if not self._superseded and self._order(videos) == list(self.entries):
            return
        with _translated(self.path):
            with replacing(self.path) as temporary, temporary.open("wb") as ordered:
                ordered.writelines(self._lines(videos))
            self._file.close()
            self._file = self.path.open("r+b", buffering=0)
            self.entries, self._superseded = {}, False
            self._end = self._read()

    def _order(self, videos: Sequence[str]) -> list[str]:
        return list(dict.fromkeys([*(v for v in videos if v in self.entries), *self.entries]))

    def _lines(self, videos: Sequence[str]) -> Iterator[bytes]:
        for video in self._order(videos):
            entry = self.entries[video]
            yield os.pread(self._file.fileno(), entry.length, entry.start)

    def _read(self) -> int:
        """Index what the file holds; returns where its last whole record ends."""
        start, damaged = 0, None
        with self.path.open("rb") as lines:
            for number, line in enumerate(lines, start=1):
                if damaged is not None:
                    break
                record = _parsed(line)
                if record is None:
                    damaged = number
                    torn = line
                else:
                    self._remember(record, start, len(line))
                    start += len(line)
            else:
                if damaged is None or (start and number == damaged) or _is_torn_start(torn):
                    return start
        advice = (
            "name the .jsonl file that it wrote"
            if self._read_only
            else "choose another --output, or give --no-resume to replace it"
        )
        raise UsageError(
            f"{self.path} is not an output of `vswin label`: line {damaged} is no record of it; "
            f"{advice}"
        )

    def _remember(self, record: Record, start: int, length: int) -> None:
        self._superseded = self._superseded or record["video"] in self.entries
        self.entries[record["video"]] = _entry(record, start, length)


class _translated:  # noqa: N801 - reads as a statement
    """Turns what the system says about a file into the user's line."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        if isinstance(error, OSError):
            raise OutputError(
                f"cannot write {self._path}: {error.strerror}; choose another --output"
            ) from error


def _entry(record: Record, start: int, length: int) -> Entry:
    return Entry(
        start,
        length,
        is_ok=record["status"] == "ok",
        num_bytes=record["bytes"],
        modified=record["modified"],
        settings=record["settings"],
        path=record["path"],
        summary=_summary(record),
        elapsed_seconds=record["elapsed_seconds"],
        features=tuple(record.get("features") or ()),
    )


def _summary(record: Record) -> str:
    if record["error"]:
        return str(record["error"]["kind"])
    return str(record["predictions"][0]["label"]) if record["predictions"] else ""


def _parsed(line: bytes) -> Record | None:
    """The record of a whole line, or None."""
    if not line.endswith(b"\n"):
        return None
    try:
        record: Record = json.loads(line)
        _entry(record, 0, 0)
    except (ValueError, LookupError, TypeError, AttributeError):
        return None
    return record if isinstance(record["video"], str) else None


def _is_torn_start(line: bytes) -> bool:
    """Whether a file's only line is the start of a record, or was reserved and never written."""
    start = b'{"video": '
    return not line.strip(b"\0") or line.startswith(start) or start.startswith(line)
