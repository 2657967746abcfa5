"""The output of a run: a journal that grows line by line, and the file that is made of it.

For `.jsonl` they are one and the same. Other formats cannot be appended to safely, so the journal
stands next to them as `labels.csv.journal.jsonl`, and the file is written from it when a run ends.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from vswin_cli.errors import OutputError, UsageError
from vswin_cli.formats.registry import JSON_LINES, RECORD_FORMATS, Format, format_of
from vswin_cli.formats.writer import open_writer
from vswin_cli.runs.journal import Journal
from vswin_cli.system.files import replacing, temporary_path


class Output:
    """Where a run's records go, and the file that they become; nothing is touched until `opened`.

    Args:
        path: The file; its extension is its format.
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
        resume: bool = True,
        formats: Sequence[Format] = RECORD_FORMATS,
        option: str = "--output",
        journal: str = ".journal.jsonl",
        store: str | None = None,
    ) -> None:
        self.path = path
        self.resume = resume
        self.format = format_of(path, formats, option)
        self._real = Path(os.path.realpath(path))  # links stay, and both their ends are one run
        if not self._real.parent.is_dir():
            raise UsageError(f"{option} {path}: no folder {self._real.parent}; make it first")
        self.journal_path = self._real
        self.store_path = self._with(store) if store else None
        if self.format is not JSON_LINES:
            self.journal_path = self._with(journal)
            if resume and self._real.exists() and not self.journal_path.exists():
                raise UsageError(
                    f"{path} is there, but not its journal {self.journal_path.name} to continue "
                    f"from; give --no-resume to replace it, or choose another {option}"
                )

    def is_own(self, path: str) -> bool:
        """Whether an absolute path is one of the files that a run writes."""
        real = Path(os.path.realpath(path))
        written = (self._real, self.journal_path, self.store_path)
        return real in written or real in map(temporary_path, (self._real, self.journal_path))

    @contextmanager
    def opened(self) -> Iterator[Journal]:
        """Open or make the journal; no other run writes to it meanwhile.

        Raises:
            UsageError, OutputError: As `Journal`.
        """
        with closing(Journal(self.journal_path, resume=self.resume)) as journal:
            yield journal

    @contextmanager
    def looked_at(self) -> Iterator[Journal | None]:
        """Open the journal to read, without a lock; None where there is nothing to continue."""
        if not (self.resume and self.journal_path.exists()):
            yield None
            return
        with closing(Journal(self.journal_path, read_only=True)) as journal:
            yield journal

    def finish(self, journal: Journal, videos: Sequence[str], top_k: int) -> None:
        """Put the journal in the order of the videos, and write the file that is made of it.

        Raises:
            OutputError: It cannot be written.
        """
        journal.put_in_order(videos)
        if self.format is not JSON_LINES:

            def write(path: Path) -> None:
                with open_writer(self.format, path, top_k=top_k) as writer:
                    for record in journal.records(videos):
                        writer.write(record)

            self.replace(write)
        journal.check()

    def replace(self, write: Callable[[Path], None]) -> None:
        """Write the file, which is replaced whole once it is complete on disk.

        Args:
            write: Writes a file of that name.

        Raises:
            OutputError: It cannot be written.
        """
        try:
            with replacing(self._real) as temporary:
                write(temporary)
        except OSError as exc:
            raise OutputError(
                f"cannot write {self.path}: {exc.strerror or exc}; free some space and run again"
            ) from exc

    def _with(self, suffix: str) -> Path:
        return self._real.with_name(self._real.name + suffix)
