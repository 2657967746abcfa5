"""The page of a run's records: `vswin report`."""

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
    """The result of `make_report`.

    Attributes:
        pages: The page, or several pages if one would be too large for a browser.
        num_ok: Labelled videos.
        num_outside: Labelled videos outside the folders that may be shown.
        num_strips: Labelled videos whose frames are shown.
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
        labels: Output of `vswin label`; its journal is read instead if it is next to it.
        output: Page to write: a .html file, or a folder for index.html.
        videos: Folders whose videos may be shown and played. Default: the folder of `labels`.
            Records may come from a stranger, so they do not decide which files are shown.
        strips: Show frames of each video.
        timeout: Time limit for reading one video, in seconds.
        place: Where the page will be, for the addresses of videos. Default: `output`.
        track: Called with the videos whose frames are read and their number; iterates over them.

    Raises:
        UsageError: `labels` contains no records, or `output` is a file that cannot be replaced.
        OutputError: The page cannot be written.
    """
    labels, output = Path(labels), Path(output)
    source = records_source(labels)
    output = page_path(output, "--output")
    if output.exists() and (output.samefile(labels) or output.samefile(source)):
        raise UsageError(f"--output {output} is also the input; choose another file")
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
    """Make the page of a finished run; the videos of the run may be shown.

    Args:
        run: The finished run.
        page: As for `page_path`.
        strips: As for `make_report`.
        timeout: As for `make_report`.
        track: As for `make_report`.

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
    """Choose the path of a report's page: a .html file, or index.html in a folder.

    Raises:
        UsageError: The parent folder does not exist.
        OutputError: The folder cannot be made.
    """
    if not report.absolute().parent.is_dir():
        raise UsageError(f"{option} {report}: no folder {report.parent}; make it first")
    if is_page(report):
        return report
    if report.exists() and not report.is_dir():
        raise UsageError(
            f"{option} {report} is a file; choose a folder, or a name that ends in .html"
        )
    try:
        report.mkdir(exist_ok=True)
    except OSError as exc:
        raise OutputError(f"cannot make the folder {report}: {exc.strerror}") from exc
    return report / "index.html"


def records_source(labels: Path) -> Path:
    """Return what to read the records of an output from: its journal, if that is next to it.

    Raises:
        UsageError: The output does not exist.
    """
    if not labels.is_file() and not labels.is_dir():
        raise UsageError(f"no file {labels}; give an output of `vswin label`")
    journal = labels.with_name(f"{labels.name}.journal.jsonl")
    return journal if labels.suffix != ".jsonl" and journal.is_file() else labels


@contextmanager
def records_of(source: Path) -> Iterator[Journal]:
    """Open a journal, or make a temporary one from a table of records.

    Raises:
        UsageError: The file contains something else, such as timelines.
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
                    raise UsageError(f"{source} is not an output of `vswin label`; give one")
                lines.write(f"{line}\n")
        with closing(Journal(made, read_only=True)) as journal:
            yield journal


def _is_file(path: str) -> bool:
    try:
        return os.path.isfile(path)  # noqa: PTH113 - of any string
    except ValueError:
        return False
