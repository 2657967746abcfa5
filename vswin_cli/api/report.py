"""The page of what a run has recorded: `vswin report`."""

import json
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from vswin_cli.api.runs import VideoRun
from vswin_cli.errors import OutputError, UsageError
from vswin_cli.evaluation.report import is_page
from vswin_cli.formats.record_files import NO_LABELS, read_records
from vswin_cli.pages.report.page import write_report
from vswin_cli.pages.strips import Strips, Track, read_strips
from vswin_cli.pages.videos import VideoFolders
from vswin_cli.runs.journal import Journal
from vswin_cli.runs.pool import default_workers
from vswin_cli.runs.records import Record, parsed
from vswin_cli.sources.addresses import is_address


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
    place: Path | str | None = None,
    track: Track | None = None,
) -> Report:
    """Make the page of a run's records.

    Args:
        labels: What `vswin label` wrote; its journal is read, where that is next to it.
        output: The page, or a folder for it, which gets index.html.
        videos: Folders whose videos may be shown and played; none is that of `labels`. Records
            may come from a stranger, so that they alone do not decide which files of this machine
            appear.
        strips: Show frames of each video.
        timeout: Seconds to read one video.
        place: Where the page is going to be, for the addresses of videos; None is `output`.
        track: Is handed the videos as their frames are read, and how many there are.

    Raises:
        UsageError: `labels` are no records, or `output` is no file that can be replaced.
        OutputError: The page cannot be written.
    """
    labels, output = Path(labels), Path(output)
    if not labels.is_file() and not labels.is_dir():
        raise UsageError(f"no file {labels}: name an output of `vswin label`")
    output = page_path(output, "--output")
    journal_path = labels.with_name(f"{labels.name}.journal.jsonl")
    source = journal_path if labels.suffix != ".jsonl" and journal_path.is_file() else labels
    if output.exists() and (output.samefile(labels) or output.samefile(source)):
        raise UsageError(f"--output {output} is the input too; choose another file")
    if output.exists() and not output.is_file():
        raise UsageError(f"--output {output} is not a file; choose another name")
    folders = VideoFolders([Path(folder) for folder in videos] or [labels.parent])
    with (
        records_of(source) as journal,
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
            place=None if place is None else Path(place),
            find=folders.find,
            strips=images,
        )
        num_ok = sum(entry.is_ok for entry in journal.entries.values())
    return Report(pages, num_ok, num_outside, len(images))


def report_run(
    run: VideoRun,
    page: Path,
    *,
    strips: bool = True,
    timeout: float = 60.0,
    track: Track | None = None,
) -> Report:
    """Make the page of a run that has been carried out; its own videos may be shown.

    Args:
        run: Whose records.
        page: As of `page_path`.
        strips: As of `make_report`.
        timeout: As of `make_report`.
        track: As of `make_report`.

    Raises:
        OutputError: The page cannot be written.
    """
    places = [found.place for found in run.videos if not is_address(found.path)]
    folders = {Path(path).parent for place in places for path in (place, os.path.realpath(place))}
    return make_report(
        run.output.journal_path,
        page,
        videos=sorted(folders),
        strips=strips,
        timeout=timeout,
        track=track,
    )


def page_path(report: Path, option: str = "--report") -> Path:
    """Name the page of a report: a file that ends in .html, or index.html in a folder.

    Raises:
        UsageError: There is no folder to put it into.
        OutputError: The folder cannot be made.
    """
    if not report.absolute().parent.is_dir():
        raise UsageError(f"{option} {report}: no folder {report.parent}; make it first")
    if is_page(report):
        return report
    if report.exists() and not report.is_dir():
        raise UsageError(f"{option} {report} is a file; name a folder, or one that ends in .html")
    try:
        report.mkdir(exist_ok=True)
    except OSError as exc:
        raise OutputError(f"cannot make the folder {report}: {exc.strerror}") from exc
    return report / "index.html"


@contextmanager
def records_of(source: Path) -> Iterator[Journal]:
    """Open a journal, or make one of a table of records that lasts as long.

    Raises:
        UsageError: It holds something else, such as timelines.
    """
    if source.suffix.lower() == ".jsonl":
        with closing(Journal(source, read_only=True)) as journal:
            if any("stride" in entry.settings for entry in journal.entries.values()):
                raise UsageError(f"{source} {NO_LABELS}")
            yield journal
        return
    with TemporaryDirectory(prefix="vswin-") as folder:
        made = Path(folder, "records.jsonl")
        with made.open("w", encoding="ascii") as lines:
            for record in read_records(source):
                line = json.dumps(record)
                if parsed(line.encode("ascii")) is None:
                    raise UsageError(f"{source} is not an output of `vswin label`; name one")
                lines.write(f"{line}\n")
        with closing(Journal(made, read_only=True)) as journal:
            yield journal


def _is_file(path: str) -> bool:
    try:
        return os.path.isfile(path)  # noqa: PTH113 - of any string
    except ValueError:
        return False
