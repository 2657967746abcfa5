"""Timelines of films: what `vswin timeline` does, without terminal output."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, astuple, dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from vswin_cli.api.model import VideoModel
from vswin_cli.api.options import EngineOptions, ViewOptions
from vswin_cli.api.report import page_path
from vswin_cli.api.runs import find_all
from vswin_cli.errors import UsageError
from vswin_cli.films.sequence import ArraySequence, FrameSequence
from vswin_cli.pages.page import told
from vswin_cli.pages.timeline.page import ComparedFilm, write_comparison, write_timelines
from vswin_cli.pages.videos import VideoFolders
from vswin_cli.results import Setup
from vswin_cli.runs.run import Outcome
from vswin_cli.runs.videos import Found, Selection
from vswin_cli.sources.source import Location
from vswin_cli.system.files import replacing
from vswin_cli.timeline.film import FilmAnalyst
from vswin_cli.timeline.making import Frames
from vswin_cli.timeline.metrics import Films, Metrics
from vswin_cli.timeline.options import FilmRunOptions, TimelineOptions
from vswin_cli.timeline.outputs import TimelineOutput
from vswin_cli.timeline.probabilities import ProbabilitiesFile
from vswin_cli.timeline.result import Record
from vswin_cli.timeline.runs import TimelineTask, TimelineWatcher, timelines_over, watched
from vswin_cli.timeline.segments import Cutting
from vswin_cli.timeline.sliding import Sliding
from vswin_cli.timeline.truth import Predicted
from vswin_cli.weights.needed import FetchFile, fetch_file
from vswin_cli.zoo.labels import read_labels


@dataclass(frozen=True)
class TimelineRun:
    """A run that is set up: its films are found, and no output is written yet."""

    videos: Sequence[Found]
    task: TimelineTask
    output: TimelineOutput | None  # None: records are only returned
    options: FilmRunOptions
    skipped: Counter[str] = field(default_factory=Counter)
    labels: Sequence[str] = ()
    probabilities_file: ProbabilitiesFile | None = None

    def carry_out(self, watcher: TimelineWatcher) -> Outcome:
        """Make the timelines that have no valid record, and write the output.

        Raises:
            VswinError: As for `timelines_over`.
        """
        assert self.output is not None
        watcher.on_skipped(self.skipped)
        return timelines_over(self.videos, self.task, self.output, self.options, watcher)

    def records(self, watcher: TimelineWatcher) -> Iterator[Record]:
        """Yield each film's record as soon as it is ready; keep none of them.

        Raises:
            VswinError: The model cannot be loaded.
        """
        watcher.on_skipped(self.skipped)
        num_failed = 0
        for found, record in watched(self.videos, self.task, watcher):
            watcher.on_record(found, record)
            yield record
            num_failed += record["status"] == "failed"
            if num_failed == self.options.max_failures:
                return

    def write_probabilities(self, records: Iterable[Record]) -> None:
        """Write the file of probabilities, if one was asked for.

        Raises:
            OutputError: The file cannot be written.
        """
        if self.probabilities_file is not None:
            self.probabilities_file.write(records)

    def report(self, page: Path, records: Iterable[Record], *, strips: bool = True) -> None:
        """Write the page of records; the films of this run may be played.

        Args:
            page: File to write.
            records: Records of this run.
            strips: Show a frame of each segment.

        Raises:
            OutputError: The page cannot be written.
        """
        paths = {found.video: found.path for found in self.videos if found.num_bytes is not None}
        write_timelines(
            page,
            records,
            self.labels,
            lambda record: paths.get(record["video"]),
            strips=strips,
            about=[
                ("Model", self.task.setup.model),
                ("Date", f"{datetime.now(UTC):%Y-%m-%d}"),
                ("Films", f"{len(self.videos):,}"),
            ],
        )


def timeline_model(
    engine: EngineOptions, options: TimelineOptions, fetch: FetchFile = fetch_file
) -> VideoModel:
    """Set up a model whose protocol is that of a window.

    Args:
        engine: The model, and its backend.
        options: How windows are placed.
        fetch: As for `VideoModel`.

    Raises:
        UsageError, BackendError: As for `VideoModel`.
    """
    views = ViewOptions(protocol=options.protocol, crops=options.crops or 1)
    return VideoModel(engine, views, head=True, fetch=fetch)


def frames_of(
    video: Location | np.ndarray, rate: float | None, threads: int | None = None
) -> Frames:
    """Open a film, or wrap an array of its frames.

    Args:
        video: As for `read_video`.
        rate: Frames per second of an array.
        threads: Decoding threads.

    Raises:
        UsageError: An array has no rate.
        VideoError: The array is not a video.
    """
    if not isinstance(video, np.ndarray):
        return FrameSequence(video, threads)
    if rate is None or not rate > 0:
        raise UsageError("an array has no times; give frames_per_second, greater than 0")
    return ArraySequence(video, rate)


def film_analyst(model: VideoModel, options: TimelineOptions) -> FilmAnalyst:
    """Load the model to analyse films.

    Args:
        model: Model with classes.
        options: How a film becomes segments.

    Raises:
        VswinError: As for `load_engine`.
    """
    model.top_k(None)  # has classes
    protocol = model.protocol.adapted(num_crops=options.crops or 1)
    sliding = Sliding(protocol, options.stride, options.window, options.shots)
    cutting = Cutting(options.min_probability, options.min_seconds, options.smooth, options.multi)
    setup = Setup(model.model.name, protocol.sampling, model.engine.backend, model.engine.precision)
    return FilmAnalyst(read_labels(model.model.label_set), setup, sliding, cutting)


def timeline_run(
    model: VideoModel,
    paths: Sequence[str],
    output: str | None,
    *,
    options: TimelineOptions,
    format_name: str | None = None,
    selection: Selection,
    run: FilmRunOptions,
    probabilities: bool = False,
    probabilities_file: Path | None = None,
    is_reported: bool = False,
) -> TimelineRun:
    """Set up a run of `vswin timeline`.

    Args:
        model: The result of `timeline_model`.
        paths: As for `find_videos`.
        output: File or folder to write; None only returns records.
        options: How a film becomes segments.
        format_name: Output format; None follows from the extension.
        selection: Which files of folders to take.
        run: Options of the run.
        probabilities: Add the probabilities of each step to the records.
        probabilities_file: File to write them to as well; it implies `probabilities`.
        is_reported: Whether a page is made of the records; it plots their probabilities.

    Raises:
        UsageError: The output cannot be written or continued, or the paths cannot be used.
        WeightsError: The weights are missing.
    """
    target = None if output is None else TimelineOutput(output, format_name, resume=run.resume)
    videos, skipped = find_all(paths, selection, target.is_own if target else lambda path: False)
    if target:
        target.check(len(videos))
    labels = read_labels(model.model.label_set)
    file = None if probabilities_file is None else ProbabilitiesFile(probabilities_file, labels)
    are_needed = probabilities or file is not None
    has_probabilities = are_needed or is_reported
    settings = dict(model.settings(1))
    for unused in ("adaptive", "top_k", "clips", "reader"):
        settings.pop(unused, None)
    asked = asdict(options)
    del asked["protocol"], asked["crops"]  # the settings of the model already contain them
    task = TimelineTask(
        load=lambda: (film_analyst(model, options), model.engine),
        setup=Setup(
            model.model.name, model.protocol.sampling, model.backend, model.options.precision
        ),
        settings={**settings, **asked, "probabilities": has_probabilities},
        window_settings=settings,
        num_classes=model.model.num_classes,
        threads=model.options.threads,
        probabilities=has_probabilities,
        needs_probabilities=are_needed,
        timeout_seconds=run.timeout,
    )
    return TimelineRun(videos, task, target, run, skipped, labels, file)


def write_report(
    report: Path, metrics: Metrics, truth: Films, predicted: Predicted, root: Path
) -> Path:
    """Write the evaluation of timelines: a page, or a folder with a page and metrics.json.

    Args:
        report: As for `page_path`.
        metrics: Metrics over all films.
        truth: True segments of the films to show.
        predicted: Predicted segments of these films.
        root: Folder of the films; only films in it may be played.

    Returns:
        The path of the page.

    Raises:
        UsageError, OutputError: As for `page_path`, or a file cannot be written.
    """
    page = page_path(report)
    folders = VideoFolders([root])

    def films() -> Iterator[ComparedFilm]:
        for name, segments in truth.items():
            found = predicted.films.get(name, ())
            ends = [segment.end for segment in (*segments, *found)]
            yield ComparedFilm(
                name,
                max([predicted.durations.get(name, 0.0), *ends]),
                [astuple(segment) for segment in segments],
                [astuple(segment) for segment in found],
                folders.find({"video": name, "path": name}),
            )

    write_comparison(page, metrics.rows(), films())
    if page != report:
        with told(report), replacing(report / "metrics.json") as path:
            path.write_text(json.dumps(metrics.to_dict(), indent=2) + "\n", encoding="ascii")
    return page
