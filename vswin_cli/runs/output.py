"""The output of a run: a journal that grows line by line, and the file that is made of it.

For `.jsonl` they are one and the same. Other formats cannot be appended to safely, so the journal
stands next to them as `labels.csv.journal.jsonl`, and the file is written from it when a run ends.
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
_NUM_LOOKED_AT = 20  # lines; damaged ones may stand among records
_LONGEST_LINE = 10_000_000  # bytes


def refuse_output_of_run(path: Path, option: str = "--output") -> None:
    """Refuse to replace what a run has written, and may continue from.

    Raises:
        UsageError: It is a journal, or has one.
    """
    is_kept = False
    with suppress(OSError):  # such as a name too long, which who writes tells
        is_kept = path.with_name(f"{path.name}.journal.jsonl").exists()
        if not is_kept and path.is_file():
            with open_regular(path) as lines:
                is_kept = any(parsed(lines.readline(_LONGEST_LINE)) for _ in range(_NUM_LOOKED_AT))
    if is_kept:
        raise UsageError(f"{option} {path} is the output of a run; choose another file")


class _EchoedJournal(Journal):
    """A journal whose records are printed too, each at once."""

    def append(self, record: Record) -> None:
        """Add a record, and print it."""
        super().append(record)
        print(json.dumps(record), flush=True)


class Output:
    """Where a run's records go, and the file that they become; nothing is touched until `opened`.

    Args:
        path: The file; its extension is its format. `-` is standard output, where nothing is
            continued from.
        chosen: Its format, if that is not for the extension to say.
        resume: Whether a run continues what is there.
        formats: Those that it may have.
        option: The option that names it.
        journal: What is added to the file's name for the journal's, unless they are one.
        store: Likewise for a file that a task keeps, if it does.

    Raises:
        UsageError: Its folder is missing, the extension is of no format, a library is missing, or
            there is a file that no run can continue.
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
                raise UsageError(f"--format {chosen.name} is a folder; name it by {option}")
            if not chosen.is_text and sys.stdout.isatty():
                raise UsageError(
                    f"{option} -: {chosen.name} is not for a terminal; send it to a file, with >"
                )
            self._folder = TemporaryDirectory(prefix="vswin-")  # goes when nothing refers to it
            path, resume = Path(self._folder.name, f"output{chosen.extension}"), False
        self.resume = resume
        self.format = chosen or format_of(path, formats, option)
        if self.format.extension is None:
            raise UsageError(
                f"--format {self.format.name} cannot be written to a file; choose another"
            )
        self._real = Path(os.path.realpath(path))  # links stay, and both their ends are one run
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
                    f"from; give --no-resume to replace it, or choose another {option}"
                )

    def _is_there(self) -> bool:
        """Whether there is something to replace, or maybe to mix with."""
        if self.format.is_folder:
            return self._real.is_dir() and any(self._real.iterdir())
        return self._real.exists()

    def is_own(self, path: str) -> bool:
        """Whether an absolute path is one of the files that a run writes."""
        real = Path(os.path.realpath(path))
        written = (self._real, self.journal_path, self.store_path)
        return real in written or real in map(temporary_path, (self._real, self.journal_path))

    def refuse_report(self, report: Path) -> None:
        """Refuse a page or folder that is the output, something else, or has no folder to be in.

        Raises:
            UsageError: It is so.
        """
        if self.is_own(str(report)):
            raise UsageError(f"--report {report} is the --output too; choose another place")
        if not report.absolute().parent.is_dir():
            raise UsageError(f"--report {report}: no folder {report.parent}; make it first")
        if report.exists() and not (report.is_file() or report.is_dir()):
            raise UsageError(f"--report {report} is not a file; choose another place")

    @contextmanager
    def opened(self) -> Iterator[Journal]:
        """Open or make the journal; no other run writes to it meanwhile.

        Raises:
            UsageError, OutputError: As `Journal`.
        """
        kind = _EchoedJournal if self._is_echoed else Journal
        with closing(kind(self.journal_path, resume=self.resume)) as journal:
            yield journal

    @property
    def _is_echoed(self) -> bool:
        """Whether each record goes to standard output at once."""
        return self.is_stdout and self.format is JSON_LINES

    @contextmanager
    def looked_at(self) -> Iterator[Journal | None]:
        """Open the journal to read, without a lock; None where there is nothing to continue."""
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
        """Put the journal in the order of the videos, and write the file that is made of it.

        Args:
            journal: Open.
            videos: Their order.
            top_k: Labels per video, at most.
            more_columns: Of tables, apart from those that all records have.
            prepared: Makes what is written of a record, where a journal does not do for it.

        Raises:
            OutputError: It cannot be written.
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
        """Write the file, or those of a folder; each is replaced whole once all are complete.

        Args:
            write: Writes a file of that name, or into a folder of that name.

        Raises:
            OutputError: It cannot be written.
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
