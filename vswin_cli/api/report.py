"""The page of what a run has recorded: `vswin report`."""

import os
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from vswin_cli.errors import UsageError
from vswin_cli.pages.report.page import write_report
from vswin_cli.pages.strips import Strips, Track, read_strips
from vswin_cli.pages.videos import VideoFolders
from vswin_cli.runs.journal import Journal
from vswin_cli.runs.pool import default_workers
from vswin_cli.runs.records import Record


@dataclass(frozen=True)
class Report:
    """What was written.

    Attributes:
        pages: One, or several where one would be too large for a browser.
        num_ok: Videos that are labelled.
        num_outside: Those of them that are elsewhere than in the folders that may be shown.
        num_strips: Those whose frames are shown.
    """

    pages: Sequence[Path]
    num_ok: int
    num_outside: int
    num_strips: int


def make_report(
    labels: Path | str,
    output: Path | str = "report.html",
    *,
    videos: Sequence[Path | str] = (),
    strips: bool = True,
    timeout: float = 60.0,
    track: Track = lambda each, total: each,
) -> Report:
    """Make the page of a run's records.

    Args:
        labels: What `vswin label` wrote: .jsonl, or another format with its journal next to it.
        output: The page.
        videos: Folders whose videos may be shown and played; none is that of `labels`. Records
            may come from a stranger, so that they alone do not decide which files of this machine
            appear.
        strips: Show frames of each video.
        timeout: Seconds to read one video.
        track: Is handed the videos as their frames are read, and how many there are.

    Raises:
        UsageError: `labels` are no records, or `output` is no file that can be replaced.
        OutputError: The page cannot be written.
    """
    labels, output = Path(labels), Path(output)
    if not labels.is_file():
        raise UsageError(f"no file {labels}: name the .jsonl output of `vswin label`")
    journal_path = labels.with_name(f"{labels.name}.journal.jsonl")
    source = journal_path if labels.suffix != ".jsonl" and journal_path.is_file() else labels
    if output.exists() and (output.samefile(labels) or output.samefile(source)):
        raise UsageError(f"--output {output} is the input too; choose another file")
    if output.exists() and not output.is_file():
        raise UsageError(f"--output {output} is not a file; choose another name")
    if not output.parent.is_dir():
        raise UsageError(f"--output {output}: no folder {output.parent}; make it first")
    folders = VideoFolders([Path(folder) for folder in videos] or [labels.parent])
    with (
        closing(Journal(source, read_only=True)) as journal,
        closing(Strips(output)) as images,
    ):
        num_outside = 0

        def shown() -> Iterable[Record]:
            nonlocal num_outside
            for record in journal.records():
                if record["status"] != "ok":
                    continue
                if folders.find(record) is None:
                    num_outside += _is_file(record["path"])
                elif strips:
                    yield record

        read_strips(
            shown(),
            folders.find,
            images,
            num_workers=default_workers(),
            timeout_seconds=timeout,
            track=track,
        )
        modified = datetime.fromtimestamp(source.stat().st_mtime, UTC)
        pages = write_report(
            output,
            journal.records(),
            date=f"{modified:%Y-%m-%d %H:%M} UTC",
            find=folders.find,
            strips=images,
        )
        num_ok = sum(entry.is_ok for entry in journal.entries.values())
    return Report(pages, num_ok, num_outside, len(images))


def _is_file(path: str) -> bool:
    try:
        return os.path.isfile(path)  # noqa: PTH113 - of any string
    except ValueError:
        return False
