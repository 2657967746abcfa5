"""Where timelines go: one file of all films, or a folder with a file for each."""

import json
import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from itertools import chain, count
from pathlib import Path, PurePosixPath
from types import MappingProxyType

from vswin_cli.errors import OutputError, UsageError
from vswin_cli.formats.registry import JSON_LINES, Format, format_of
from vswin_cli.formats.writer import open_writer
from vswin_cli.runs.journal import Journal
from vswin_cli.runs.output import Output
from vswin_cli.sources.addresses import is_address
from vswin_cli.system.files import path_inside, read_small, replacing
from vswin_cli.timeline.formats import timeline_format, timeline_formats
from vswin_cli.timeline.result import Record

RECORDS = "timelines.jsonl"  # of a folder
FILES = "timelines.jsonl.files"  # of a folder: which files in it are of which films
_MAX_FILES_BYTES = 1 << 30


class TimelineOutput:
    """What a run writes and continues from; nothing is touched until `opened`.

    Args:
        path: A file; or a folder that is there, or whose name ends in a slash.
        format_name: Of the file or files; None is by the file's extension.
        resume: Whether a run continues what is there.

    Raises:
        UsageError: The format is not known, or is for people; as `Output`.
    """

    def __init__(self, path: str, format_name: str | None, *, resume: bool = True) -> None:
        if not path:
            raise UsageError("--output is empty; name a file or a folder")
        self.path = Path(path)
        self._resume = resume
        chosen = timeline_format(format_name) if format_name else None
        by_name = [each for each in timeline_formats() if each.extension == self.path.suffix]
        is_one = any(each.is_folder for each in ([chosen] if chosen else by_name))
        self.is_folder = not is_one and (path.endswith(os.sep) or self.path.is_dir())
        if self.is_folder:
            if chosen is None:
                raise UsageError(f"--output {path} is a folder: give the --format of its files")
            self.format = chosen
            self._records = Output(self._make_folder() / RECORDS, resume=resume)
        else:
            self.format = chosen or format_of(self.path, timeline_formats(), "--output")
            self._records = Output(
                self.path, chosen=self.format, resume=resume, formats=timeline_formats()
            )

    def _make_folder(self) -> Path:
        try:
            self.path.mkdir(exist_ok=True)
        except OSError as exc:
            raise UsageError(f"--output {self.path}: {exc.strerror}; make the folder") from exc
        return self.path

    @property
    def checkpoint_path(self) -> Path:
        """Where the windows of the film in hand are kept."""
        journal = self._records.journal_path
        return journal.with_name(f"{journal.name}.windows")

    def is_own(self, path: str) -> bool:
        """Whether an absolute path is one of the files that a run writes."""
        return self._records.is_own(path) or Path(os.path.realpath(path)) == self.checkpoint_path

    def refuse_report(self, report: Path) -> None:
        """Refuse a page or folder that is the output, or has no folder to be in.

        Raises:
            UsageError: It is so.
        """
        if Path(os.path.realpath(report)) == self.checkpoint_path:
            raise UsageError(f"--report {report} is written by the run; choose another place")
        self._records.refuse_report(report)

    def check(self, num_films: int) -> None:
        """Make sure that the format can hold so many films.

        Raises:
            UsageError: A file of it holds one, and there are several.
        """
        if num_films > 1 and not self.is_folder and self.format.holds_one:
            raise UsageError(
                f"--output {self.path}: a file of {self.format.name} holds one film, and there are "
                f"{num_films}; name a folder"
            )

    @contextmanager
    def opened(self, videos: Sequence[str]) -> Iterator[Journal]:
        """Open or make the records; see `Output.opened`.

        Args:
            videos: Names of the run's films.

        Raises:
            UsageError: The file holds another film, or a film's file is there that no run wrote.
        """
        with self._records.opened() as journal:
            others = [name for name in journal.entries if name not in videos]
            if others and not self.is_folder and self.format.holds_one:
                raise UsageError(
                    f"--output {self.path}: a file of {self.format.name} holds one film, and it "
                    f"has {others[0]}; choose another file, or give --no-resume to replace it"
                )
            if self.is_folder and self.format is not JSON_LINES and self._resume:
                written = self._written()
                for path in film_paths(videos, self.format, written).values():
                    if str(path) not in written and os.path.lexists(self.path / path):
                        raise UsageError(
                            f"{self.path / path} is there, and no run wrote it; choose another "
                            "--output, or give --no-resume to replace it"
                        )
            yield journal

    def _written(self) -> dict[str, str]:
        """Names of films by their files: those that runs have written into the folder."""
        try:
            lines = read_small(self.path / FILES, _MAX_FILES_BYTES).decode("ascii").splitlines()
            return dict(map(json.loads, lines))
        except (OSError, ValueError, TypeError):
            return {}

    def finish(self, journal: Journal, videos: Sequence[str]) -> None:
        """Write the file, or each film's, from the records.

        Raises:
            OutputError: One cannot be written.
        """
        done = [n for n in videos if n in journal.entries and journal.entries[n].is_ok]
        if self.format.holds_one and not self.is_folder and not done:
            journal.put_in_order(videos)  # a file of it cannot say that a film failed
            return
        self._records.finish(
            journal, videos, top_k=1, prepared=lambda r: self._placed(r, self.path)
        )
        if self.is_folder and self.format is not JSON_LINES:
            written = self._written() if self._resume else {}
            paths = film_paths(videos, self.format, written)
            files = written | {str(paths[name]): name for name in done}
            if files != written:
                self._write_text("".join(f"{json.dumps(item)}\n" for item in files.items()))
            for name in done:
                self._write(self.path / paths[name], journal.record(name))

    def records(self, videos: Sequence[str]) -> Iterator[Record]:
        """Yield the records of films, in their order, that a finished run has left."""
        with closing(Journal(self._records.journal_path, read_only=True)) as journal:
            for name in videos:
                if name in journal.entries:
                    yield journal.record(name)

    def _placed(self, record: Record, path: Path) -> Record:
        """Tell a file of one film where that is, as seen from the file."""
        return placed(record, record["path"], path) if self.format.holds_one else record

    def _write_text(self, text: str) -> None:
        """Keep which files are of which films, before they are there."""
        path = self.path / FILES
        try:
            with replacing(path) as temporary:
                temporary.write_text(text, encoding="ascii")
        except OSError as exc:
            raise _cannot_write(path, exc) from exc

    def _write(self, path: Path, record: Record) -> None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with (
                replacing(path) as temporary,
                open_writer(self.format, temporary, top_k=1) as writer,
            ):
                writer.write(self._placed(record, path))
        except OSError as exc:
            raise _cannot_write(path, exc) from exc


def _cannot_write(path: Path, exc: OSError) -> OutputError:
    return OutputError(f"cannot write {path}: {exc.strerror or exc}; free some space and run again")


def placed(record: Record, film: str, path: Path) -> Record:
    """Put into a record where its film is, as seen from a file.

    Args:
        record: Of a film.
        film: Its path, or an address, which stays as it is.
        path: Of the file that is written.
    """
    if is_address(film):
        return record
    return {**record, "media": os.path.relpath(film, os.path.realpath(path.parent))}


def film_paths(
    videos: Sequence[str], chosen: Format, written: Mapping[str, str] = MappingProxyType({})
) -> dict[str, PurePosixPath]:
    """Name each film's file in a folder: as the film, so that players find it, if no two would be.

    Args:
        videos: Names of films: paths or addresses.
        chosen: The files' format.
        written: Names of films by their files, those that are there; they keep them.
    """
    plain = {name: path_inside(name) for name in videos}
    counts = Counter(path.with_suffix("") for path in plain.values())
    extension = chosen.extension or ""
    kept = {name: path for path, name in written.items() if path.endswith(extension)}
    taken = set(written)
    paths = {}
    for name, path in plain.items():
        if name in kept:
            paths[name] = PurePosixPath(kept[name])
            continue
        whole = path.with_name(path.name + extension)
        alone = [path.with_suffix(extension)] if counts[path.with_suffix("")] == 1 else []
        numbered = (path.with_name(f"{path.name}-{k}{extension}") for k in count(2))
        paths[name] = next(p for p in chain(alone, [whole], numbered) if str(p) not in taken)
        taken.add(str(paths[name]))
    return paths
