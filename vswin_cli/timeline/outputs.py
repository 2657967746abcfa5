"""Outputs of timelines: one file for all films, or a folder with a file per film."""

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
from vswin_cli.system.files import path_inside, read_small, relative_path, replacing
from vswin_cli.system.platform import SEPARATORS
from vswin_cli.timeline.formats import timeline_format, timeline_formats
from vswin_cli.timeline.result import Record

RECORDS = "timelines.jsonl"  # in a folder
FILES = "timelines.jsonl.files"  # in a folder: names of its files and their films
_MAX_FILES_BYTES = 1 << 30


class TimelineOutput:
    """The output that a run writes and continues; nothing is changed until `opened`.

    Args:
        path: A file; or an existing folder, or a path that ends in a slash.
        format_name: Format of the file or files; None chooses it by the file's extension.
        resume: Continue the records that exist.

    Raises:
        UsageError: The format is unknown, or is the table; or as for `Output`.
    """

    def __init__(self, path: str, format_name: str | None, *, resume: bool = True) -> None:
        self.path = Path(path)
        self._resume = resume
        chosen = timeline_format(format_name) if format_name else None
        if chosen is not None and chosen.extension is None:
            raise UsageError(f"--format {chosen.name} cannot be written to files; choose another")
        by_name = [each for each in timeline_formats() if each.extension == self.path.suffix]
        is_one = any(each.is_folder for each in ([chosen] if chosen else by_name))
        self.is_folder = not is_one and (path.endswith(SEPARATORS) or self.path.is_dir())
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
        """Path of the checkpoint with windows of the current film."""
        journal = self._records.journal_path
        return journal.with_name(f"{journal.name}.windows")

    def is_own(self, path: str) -> bool:
        """Return whether an absolute path is one of the files that a run writes."""
        return self._records.is_own(path) or Path(os.path.realpath(path)) == self.checkpoint_path

    def refuse_report(self, report: Path) -> None:
        """Check that a page or folder is not the output, and that its parent folder exists.

        Raises:
            UsageError: A check fails.
        """
        if Path(os.path.realpath(report)) == self.checkpoint_path:
            raise UsageError(f"--report {report} is written by the run; choose another place")
        self._records.refuse_report(report)

    def check(self, num_films: int) -> None:
        """Check that the format supports this number of films.

        Raises:
            UsageError: A file of the format contains one film, but there are several.
        """
        if num_films > 1 and not self.is_folder and self.format.holds_one:
            raise UsageError(
                f"--output {self.path}: a file of {self.format.name} contains one film, but there "
                f"are {num_films}; choose a folder"
            )

    @contextmanager
    def opened(self, videos: Sequence[str]) -> Iterator[Journal]:
        """Open or create the records; see `Output.opened`.

        Args:
            videos: Names of the run's films.

        Raises:
            UsageError: The file contains another film, or no run wrote the file of a film.
        """
        with self._records.opened() as journal:
            others = [name for name in journal.entries if name not in videos]
            if others and not self.is_folder and self.format.holds_one:
                raise UsageError(
                    f"--output {self.path}: a file of {self.format.name} contains one film, and it "
                    f"has {others[0]}; choose another file, or use --no-resume to replace it"
                )
            if self.is_folder and self.format is not JSON_LINES and self._resume:
                written = self._written()
                for path in film_paths(videos, self.format, written).values():
                    if str(path) not in written and os.path.lexists(self.path / path):
                        raise UsageError(
                            f"{self.path / path} exists, and no run wrote it; choose another "
                            "--output, or use --no-resume to replace it"
                        )
            yield journal

    def _written(self) -> dict[str, str]:
        """Read names of films by the files that runs have written into the folder."""
        try:
            lines = read_small(self.path / FILES, _MAX_FILES_BYTES).decode("ascii").splitlines()
            return dict(map(json.loads, lines))
        except (OSError, ValueError, TypeError):
            return {}

    def finish(self, journal: Journal, videos: Sequence[str]) -> None:
        """Write the file, or one per film, from the records.

        Raises:
            OutputError: A file cannot be written.
        """
        done = [n for n in videos if n in journal.entries and journal.entries[n].is_ok]
        if self.format.holds_one and not self.is_folder and not done:
            journal.put_in_order(videos)  # a file of one film cannot say that the film failed
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
        """Yield the records of a finished run, in the order of its films."""
        with closing(Journal(self._records.journal_path, read_only=True)) as journal:
            for name in videos:
                if name in journal.entries:
                    yield journal.record(name)

    def _placed(self, record: Record, path: Path) -> Record:
        """Set the film's location in a record for a file of one film, relative to that file."""
        return placed(record, record["path"], path) if self.format.holds_one else record

    def _write_text(self, text: str) -> None:
        """Record which files belong to which films, before they are written."""
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
    """Set the film's location in a record, relative to a file.

    Args:
        record: Record of a film.
        film: Path of the film; or an address, which does not change.
        path: Path of the file to write.
    """
    if is_address(film):
        return record
    return {**record, "media": relative_path(film, os.path.realpath(path.parent))}


def film_paths(
    videos: Sequence[str], chosen: Format, written: Mapping[str, str] = MappingProxyType({})
) -> dict[str, PurePosixPath]:
    """Name the file of each film in a folder; like the film if unique, so that players find it.

    Args:
        videos: Names of films: paths or addresses.
        chosen: Format of the files.
        written: Names of films by their existing files, which keep their names.
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
