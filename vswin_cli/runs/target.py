"""The output of a run: a journal that grows line by line, and the file that is made of it.

For `.jsonl` they are one and the same. CSV and Parquet cannot be appended to safely, so the journal
stands beside them as `labels.csv.journal.jsonl`, and the file is written from it when a run ends.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from enum import StrEnum
from importlib.util import find_spec
from pathlib import Path

from vswin_cli.errors import OutputError, UsageError
from vswin_cli.formats.label_csv import write_label_csv
from vswin_cli.runs.journal import Journal
from vswin_cli.runs.output_lock import lock_path, locked_output
from vswin_cli.system.files import replacing, temporary_path


class Form(StrEnum):
    """The formats, by the output's extension."""

    JSONL = ".jsonl"
    CSV = ".csv"
    PARQUET = ".parquet"


class Target:
    """Where a run's records go.

    Args:
        output: The file; its extension is its format.
        resume: Whether a run continues what is there.

    Raises:
        UsageError: Its folder is missing, the extension is none of `Form`, pyarrow is missing, or
            there is a file that no run can continue.
    """

    def __init__(self, output: Path, *, resume: bool) -> None:
        self.output = output
        self._real = Path(os.path.realpath(output))  # links stay, and both their ends are one run
        suffix = output.suffix.lower()
        if suffix not in list(Form):
            raise UsageError(f"--output {output} must end in {', '.join(Form)}")
        if not self._real.parent.is_dir():
            raise UsageError(f"--output {output}: no folder {self._real.parent}; make it first")
        self._form = Form(suffix)
        if self._form is Form.PARQUET and not find_spec("pyarrow"):
            raise UsageError(
                f"--output {output} needs pyarrow: run `pip install 'vswin[parquet]'`, or name a "
                ".jsonl or .csv file"
            )
        self.journal_path = self._real
        if self._form is not Form.JSONL:
            self.journal_path = self._beside("", ".journal.jsonl")
            if resume and self._real.exists() and not self.journal_path.exists():
                raise UsageError(
                    f"{output} is there, but not its journal {self.journal_path.name} to continue "
                    "from; give --no-resume to replace it, or choose another --output"
                )

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other runs off this output; the system ends the lock with the process.

        Raises:
            UsageError: Another run holds it.
            OutputError: The folder cannot be written to.
        """
        with locked_output(self.output):
            yield

    def is_own(self, path: str) -> bool:
        """Whether an absolute path is one of the files that a run writes."""
        beside = (lock_path(self.output), temporary_path(self._real))
        own = (self._real, self.journal_path, *beside)
        return Path(os.path.realpath(path)) in own

    def finish(self, journal: Journal, videos: Sequence[str], top_k: int) -> None:
        """Put the journal in the order of the videos, and write the file that is made of it.

        Raises:
            OutputError: It cannot be written.
        """
        journal.put_in_order(videos)
        if self._form is Form.JSONL:
            return
        try:
            with replacing(self._real) as temporary:
                if self._form is Form.CSV:
                    write_label_csv(temporary, journal.records(videos), top_k)
                else:
                    # The extra need not be installed.
                    from vswin_cli.formats.label_parquet import (  # noqa: PLC0415
                        write_label_parquet,
                    )

                    write_label_parquet(temporary, journal.records(videos))
        except OSError as exc:
            raise OutputError(
                f"cannot write {self.output}: {exc.strerror or exc}; free some space and run again"
            ) from exc

    def _beside(self, before: str, after: str) -> Path:
        return self._real.with_name(f"{before}{self._real.name}{after}")
