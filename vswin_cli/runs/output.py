"""The output of a run: a journal that grows line by line, and the file that is made from it.

For `.jsonl` they are the same file. Other formats cannot be appended to safely, so the journal is
next to them as `labels.csv.journal.jsonl`, and the file is written from it when a run ends.
"""

import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from vswin_cli.errors import OutputError, UsageError
from vswin_cli.formats.registry import JSON_LINES, RECORD_FORMATS, Format, format_of
from vswin_cli.formats.writer import open_writer
from vswin_cli.runs.journal import Journal
from vswin_cli.runs.records import Record, parsed
from vswin_cli.system.files import open_regular, replacing, replacing_in, temporary_path

STANDARD_OUTPUT = Path("-")
_NUM_LOOKED_AT = 20  # lines; some of them may be damaged
_LONGEST_LINE = 10_000_000  # bytes


def refuse_output_of_run(path: Path) -> None:
    """Refuse to replace the output of a run, which a run may continue.

    Raises:
        UsageError: The file is a journal, or has one.
    """
    is_kept = False
    with suppress(OSError):  # such as a name that is too long, which writing reports
        is_kept = path.with_name(f"{path.name}.journal.jsonl").exists()
        if not is_kept and path.is_file():
            with open_regular(path) as lines:
                is_kept = any(parsed(lines.readline(_LONGEST_LINE)) for _ in range(_NUM_LOOKED_AT))
    if is_kept:
        raise UsageError(f"--output {path} is the output of a run; choose another file")


class _EchoedJournal(Journal):
    """A journal that also prints each record at once."""

    def append(self, record: Record) -> None:
        """Add a record and print it."""
        super().append(record)
        print(json.dumps(record), flush=True)


class Output:
    """The journal of a run and the file that is made from it; no file is touched until `opened`.

    Args:
        path: The file. `-` is standard output, from which no run continues.
        chosen: The format; None follows from the extension.
        resume: Whether the run continues an existing output.
        formats: Allowed formats.
        option: The option that names the output.
        journal: Suffix of the journal's name, if it is not the file itself.
        store: Suffix of the name of a file that the task keeps, if it does.

    Raises:
        UsageError: The folder is missing, the extension has no format, a library is missing, or an
            existing file cannot be continued.
    """

    def __init__(
        self,
        path: Path,
        *,
        chosen: Format | None = None,
        resume: bool = True,
        formats: Sequence[Format] = RECORD_FORMATS,
        option: str = "--output",
        journal: str = ".journal.jsonl",
        store: str | None = None,
    ) -> None:
        self.path = path
        self.is_stdout = path == STANDARD_OUTPUT and option == "--output"
        if self.is_stdout:
            chosen = chosen or (JSON_LINES if JSON_LINES in formats else formats[0])
            if chosen.is_folder:
                raise UsageError(
                    f"--format {chosen.name} writes a folder; set its path with {option}"
                )
            if not chosen.is_text and sys.stdout.isatty():
                raise UsageError(
                    f"{option} -: {chosen.name} is not for a terminal; send it to a file, with >"
                )
            self._folder = TemporaryDirectory(prefix="vswin-")  # removed when nothing refers to it
            path, resume = Path(self._folder.name, f"output{chosen.extension}"), False
        self.resume = resume
        self.format = chosen or format_of(path, formats, option)
        if self.format.extension is None:
            raise UsageError(
                f"--format {self.format.name} cannot be written to a file; choose another"
            )
        self._real = Path(os.path.realpath(path))  # links are kept; both names mean one run
        if not self._real.parent.is_dir():
            raise UsageError(f"{option} {path}: no folder {self._real.parent}; make it first")
        self.journal_path = self._real
        self.store_path = self._with(store) if store else None
        if self.format is not JSON_LINES:
            self.journal_path = self._with(journal)
            if self.format.is_folder and self._real.exists() and not self._real.is_dir():
                raise UsageError(f"{option} {path} is a file; {self.format.name} is a folder")
            if resume and self._is_there() and not self.journal_path.exists():
                raise UsageError(
                    f"{path} exists, but not its journal {self.journal_path.name} to continue "
                    f"from; use --no-resume to replace it, or choose another {option}"
                )

    def _is_there(self) -> bool:
        """Whether the output exists already."""
        if self.format.is_folder:
            return self._real.is_dir() and any(self._real.iterdir())
        return self._real.exists()

    def is_own(self, path: str) -> bool:
        """Whether an absolute path is one of the files that a run writes."""
        real = Path(os.path.realpath(path))
        written = (self._real, self.journal_path, self.store_path)
        return real in written or real in map(temporary_path, (self._real, self.journal_path))

    def refuse_report(self, report: Path) -> None:
        """Refuse a page or folder that cannot be written, or is the output.

        Raises:
            UsageError: The report cannot have this path.
        """
        if self.is_own(str(report)):
            raise UsageError(f"--report {report} is also the --output; choose another place")
        if not report.absolute().parent.is_dir():
            raise UsageError(f"--report {report}: no folder {report.parent}; make it first")
        if report.exists() and not (report.is_file() or report.is_dir()):
            raise UsageError(f"--report {report} is not a file; choose another place")

    @contextmanager
    def opened(self) -> Iterator[Journal]:
        """Open or create the journal; no other run can write to it meanwhile.

        Raises:
            UsageError, OutputError: As for `Journal`.
        """
        kind = _EchoedJournal if self._is_echoed else Journal
        with closing(kind(self.journal_path, resume=self.resume)) as journal:
            yield journal

    @property
    def _is_echoed(self) -> bool:
        """Whether each record is printed at once."""
        return self.is_stdout and self.format is JSON_LINES

    @contextmanager
    def looked_at(self) -> Iterator[Journal | None]:
        """Open the journal for reading, without a lock; None if there is nothing to continue."""
        if not (self.resume and self.journal_path.exists()):
            yield None
            return
        with closing(Journal(self.journal_path, read_only=True)) as journal:
            yield journal

    def finish(
        self,
        journal: Journal,
        videos: Sequence[str],
        top_k: int,
        more_columns: Sequence[str] = (),
        prepared: Callable[[Record], Record] = lambda record: record,
    ) -> None:
        """Put the journal in the order of the videos, and write the file from it.

        Args:
            journal: The open journal.
            videos: The names of the videos, in order.
            top_k: Labels per video, at most.
            more_columns: Columns of tables, in addition to those of all records.
            prepared: Changes a record before it is written, for some formats.

        Raises:
            OutputError: The file cannot be written.
        """
        journal.put_in_order(videos)
        if self.format is not JSON_LINES:

            def write(path: Path) -> None:
                with open_writer(
                    self.format, path, top_k=top_k, more_columns=more_columns
                ) as writer:
                    for record in journal.records(videos):
                        writer.write(prepared(record))

            self.replace(write)
        journal.check()

    def replace(self, write: Callable[[Path], None]) -> None:
        """Write the file, or the files of a folder; they replace the old ones once complete.

        Args:
            write: Writes a file with the given path, or into a folder with it.

        Raises:
            OutputError: A file cannot be written.
        """
        try:
            lent = replacing_in if self.format.is_folder else replacing
            with lent(self._real) as temporary:
                write(temporary)
        except OSError as exc:
            raise OutputError(
                f"cannot write {self.path}: {exc.strerror or exc}; free some space and run again"
            ) from exc
        if self.is_stdout:
            with self._real.open("rb") as content:
                shutil.copyfileobj(content, sys.stdout.buffer)
            sys.stdout.flush()

    def _with(self, suffix: str) -> Path:
        return self._real.with_name(self._real.name + suffix)
