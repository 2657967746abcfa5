"""The durable file of a run: records appended one by one, each on disk before it counts.

A record is one line of JSON. The last one of a video is the one that holds; what a power cut tore
off at the end is cut away when the file is opened again, and lines that are damaged are set aside.
Once a run ends, the file is rewritten with each video once, in the order of the videos, unless it
is so already. The system's lock on the file itself keeps a second run off, by whatever name it
comes, and ends with the process.
"""

import errno
import json
import os
import stat
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from io import FileIO
from pathlib import Path

from vswin_cli.errors import OutputError, UsageError
from vswin_cli.runs.records import Entry, Record, Settings, entry_of, parsed
from vswin_cli.system.files import open_regular, replacing, write_durably
from vswin_cli.system.platform import (
    REPLACES_OPEN_FILES,
    lock,
    open_descriptor,
    read_at,
    sync_folder,
)

_NO_LOCKS = {errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP}  # some network file systems
_COPIED_BYTES = 1 << 20


class Journal:
    """Opens or makes the file; use it with `closing`.

    Args:
        path: Of the file; a link is followed.
        resume: Keep what is there; False starts over.
        read_only: Look at it alone, without a lock; it must be there.

    Raises:
        UsageError: Another run writes to it, or it is something else than records of this kind.
        OutputError: It cannot be read or written.
    """

    def __init__(self, path: Path, *, resume: bool = True, read_only: bool = False) -> None:
        self.path = Path(os.path.realpath(path))
        self.entries: dict[str, Entry] = {}
        self.num_damaged = 0  # lines that are set aside in `damaged_path`
        self._superseded = False
        self._read_only = read_only
        self._known_settings: dict[str, Settings] = {}
        with _translated(self.path):
            self._file = open_regular(self.path) if read_only else _open_locked(self.path)
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
        """Where lines go that are no records, but stand among some."""
        return self.path.with_name(f"{self.path.name}.damaged")

    def close(self) -> None:
        """Close the file; nothing is pending."""
        self._file.close()

    def append(self, record: Record) -> None:
        """Add a record; it is on disk when this returns.

        Raises:
            OutputError: It is not, for lack of space, or as the file was removed.
        """
        line = json.dumps(record).encode("ascii") + b"\n"  # any name survives in ASCII
        with _translated(self.path):
            write_durably(self._file.fileno(), line, self._end)
        self._remember(record, self._end, len(line))
        self._end += len(line)
        self.check()

    def check(self) -> None:
        """Make sure that the path still names the file which the records are in.

        Raises:
            OutputError: It was removed or replaced; the records are now in another file.
        """
        if is_at(self.path, self._file.fileno()):
            return
        kept = rescued(self._file.fileno(), self._end, self.path)
        raise OutputError(
            f"{self.path} was removed or replaced while the run lasted; the records of "
            f"{len(self.entries)} videos are in {kept}: put it back under that name, and run again"
        )

    def records(self, videos: Sequence[str] = ()) -> Iterator[Record]:
        """Yield the records in the order of the videos, then those of videos not among them."""
        for line in self._lines(videos):
            yield json.loads(line)

    def record(self, video: str) -> Record:
        """Read the record of a video that has one."""
        entry = self.entries[video]
        found: Record = json.loads(read_at(self._file.fileno(), entry.length, entry.start))
        return found

    def forget(self, videos: Iterable[str]) -> None:
        """Leave records out of the file from the next `put_in_order` on."""
        for video in videos:
            del self.entries[video]
            self._superseded = True

    def put_in_order(self, videos: Sequence[str] = ()) -> None:
        """Rewrite the file with each video once, as `records` yields them, unless it is so.

        It is written aside, and takes the place of the file when it is complete on disk.
        """
        self.check()
        if not self._superseded and self._order(videos) == list(self.entries):
            return
        with _translated(self.path), replacing(self.path) as temporary:
            ordered = _open_locked(temporary)  # no second run gets between the two
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
            self._file = _open_locked(self.path)
        self.entries, self._superseded = {}, False
        self._read()

    def _order(self, videos: Sequence[str]) -> list[str]:
        return list(dict.fromkeys([*(v for v in videos if v in self.entries), *self.entries]))

    def _lines(self, videos: Sequence[str]) -> Iterator[bytes]:
        for video in self._order(videos):
            entry = self.entries[video]
            yield read_at(self._file.fileno(), entry.length, entry.start)

    def _read(self) -> list[tuple[int, int]]:
        """Index what the file holds; return the start and length of the lines that are damaged."""
        damaged: list[tuple[int, int]] = []
        start, self._end, last = 0, 0, b""
        with os.fdopen(os.dup(self._file.fileno()), "rb") as lines:
            lines.seek(0)
            for line in lines:
                record = parsed(line)
                is_whole = line.endswith(b"\n")
                if record is not None and is_whole:
                    self._remember(record, start, len(line))
                elif is_whole:
                    damaged.append((start, len(line)))
                start += len(line)
                self._end = start if is_whole else self._end
                last = line
        is_other = bool(damaged) or (self._end < start and not _is_torn_start(last))
        if is_other and not self.entries and not (len(damaged) == 1 and _is_torn_start(last)):
            problem = (
                "is not an output of `vswin label`; name the .jsonl file that it wrote"
                if self._read_only
                else "is not an output of vswin; choose another --output, or give --no-resume to "
                "replace it"
            )
            raise UsageError(f"{self.path} {problem}")
        self.num_damaged = len(damaged)
        return damaged

    def _set_aside(self, damaged: Sequence[tuple[int, int]]) -> None:
        """Keep damaged lines in a file of their own, and leave the others."""
        if not damaged:
            return
        with self.damaged_path.open("ab") as aside:
            for start, length in damaged:
                aside.write(read_at(self._file.fileno(), length, start))
            aside.flush()
            os.fsync(aside.fileno())
        self._superseded = True
        self.put_in_order()
        self.num_damaged = len(damaged)

    def _remember(self, record: Record, start: int, length: int) -> None:
        self._superseded = self._superseded or record["video"] in self.entries
        key = json.dumps(record["settings"], sort_keys=True)
        record = {**record, "settings": self._known_settings.setdefault(key, record["settings"])}
        self.entries[record["video"]] = entry_of(record, start, length)


def is_at(path: Path, descriptor: int) -> bool:
    """Whether a path names the file that a descriptor is open on."""
    try:
        there = path.stat()
    except OSError:
        return False
    mine = os.fstat(descriptor)
    return (there.st_dev, there.st_ino) == (mine.st_dev, mine.st_ino)


def rescued(descriptor: int, num_bytes: int, path: Path) -> Path:
    """Copy an open file, that its path has lost, to a new one near that path; return its name.

    Raises:
        OutputError: It cannot be written anywhere.
    """
    last: OSError | None = None
    for folder in (lambda: path.parent, Path.cwd, tempfile.gettempdir):
        try:
            new, name = tempfile.mkstemp(path.suffix, f"{path.stem}.rescued-", folder())
            with os.fdopen(new, "wb") as copy:
                for start in range(0, num_bytes, _COPIED_BYTES):
                    length = min(_COPIED_BYTES, num_bytes - start)
                    copy.write(read_at(descriptor, length, start))
                copy.flush()
                os.fsync(new)
        except OSError as exc:
            last = exc
        else:
            return Path(name)
    raise OutputError(f"{path} was removed while the run lasted, and cannot be saved: {last}")


def _open_locked(path: Path) -> FileIO:
    """Open or make a file and lock it; what others put in its place meanwhile is locked instead."""
    while True:
        file = FileIO(open_descriptor(path, os.O_RDWR | os.O_CREAT), "r+b")
        try:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise OSError(errno.EINVAL, "not a file")  # noqa: TRY301
            _lock(file, path)
            if is_at(path, file.fileno()):
                return file
        except BaseException:
            file.close()
            raise
        file.close()


def _lock(file: FileIO, path: Path) -> None:
    try:
        lock(file.fileno())
    except BlockingIOError:
        raise UsageError(
            f"another run writes to {path}; wait for it, or choose another --output"
        ) from None
    except OSError as exc:
        if exc.errno not in _NO_LOCKS:
            raise


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


def _is_torn_start(line: bytes) -> bool:
    """Whether a file's only line is the start of a record, or was reserved and never written."""
    starts = (b'{"video": ', b'{"schema_version": ')  # of labels, and of timelines
    return not line.strip(b"\0") or any(
        line.startswith(start) or start.startswith(line) for start in starts
    )
