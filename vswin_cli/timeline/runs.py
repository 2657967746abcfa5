"""Timelines of many films in one run, which continues wherever it was stopped."""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import dataclass
from time import perf_counter

from vswin_cli.engines.base import Engine
from vswin_cli.errors import VideoError
from vswin_cli.films.sequence import FrameSequence
from vswin_cli.results import Setup
from vswin_cli.runs.plan import PlanWatcher, begun
from vswin_cli.runs.records import Settings, modified
from vswin_cli.runs.run import Outcome
from vswin_cli.runs.videos import Found
from vswin_cli.timeline.checkpoint import Checkpoint
from vswin_cli.timeline.computing import EngineComputing
from vswin_cli.timeline.film import FilmAnalyst
from vswin_cli.timeline.film_process import FilmProcess, OnProgress
from vswin_cli.timeline.film_worker import Film
from vswin_cli.timeline.options import FilmRunOptions
from vswin_cli.timeline.outputs import TimelineOutput
from vswin_cli.timeline.result import Record, failed_record


class TimelineWatcher(PlanWatcher):
    """Is told what happens in a run; this one does nothing about it."""

    def following(self, todo: Sequence[Found]) -> AbstractContextManager[None]:
        """Lasts as long as films are watched, the loading of the model included."""
        return nullcontext()

    def interruptible(self, stop: Callable[[], None]) -> AbstractContextManager[None]:
        """Lasts as long as `stop` ends the run; it takes any thread."""
        return nullcontext()

    def on_start(self, found: Found) -> None:
        """A film starts."""

    def on_progress(self, done_seconds: float, all_seconds: float | None) -> None:
        """So much of the film has been watched."""

    def on_record(self, found: Found, record: Record) -> None:
        """A film's record is on disk, or complete."""


@dataclass(frozen=True)
class TimelineTask:
    """What is done with every film.

    Attributes:
        load: Loads the model; called once, and only if there is something to compute.
        setup: Names of model, protocol, backend and precision.
        settings: Whatever a record depends on apart from its film.
        window_settings: Whatever the model's answer for a window depends on.
        num_classes: Of the model.
        threads: To decode with.
        probabilities: Whether records hold those of each step.
        needs_probabilities: Whether earlier records without them are made again.
        timeout_seconds: Without a new frame, after which a film has failed.
    """

    load: Callable[[], tuple[FilmAnalyst, Engine]]
    setup: Setup
    settings: Settings
    window_settings: Settings
    num_classes: int
    threads: int | None = None
    probabilities: bool = False
    needs_probabilities: bool = False
    timeout_seconds: float | None = None


class _StoppedError(Exception):
    """The run is to end now; what was computed of the film is kept."""


def timelines_over(
    videos: Sequence[Found],
    task: TimelineTask,
    output: TimelineOutput,
    options: FilmRunOptions,
    watcher: TimelineWatcher,
) -> Outcome:
    """Make the records that are missing, and the output of them.

    A film in hand is left where the run is stopped; its windows are in the checkpoint.

    Args:
        videos: As `find_videos` finds them.
        task: What is computed.
        output: Where it goes; holds what earlier runs have done.
        options: How.
        watcher: Is told what happens.

    Raises:
        UsageError: Another run writes to the output, or it holds what would be replaced.
        OutputError: A record cannot be written.
        VswinError: The model cannot be loaded.
    """
    with output.opened([found.video for found in videos]) as journal:

        def settings(found: Found) -> Settings:
            """What a record is to be made with; probabilities may be there, and need not always."""
            entry = journal.entries.get(found.video)
            other = {**task.settings, "probabilities": not task.probabilities}
            is_enough = other["probabilities"] or not task.needs_probabilities
            return other if is_enough and entry and entry.settings == other else task.settings

        planned = begun(videos, journal, settings, watcher, retry_failed=options.retry_failed)
        num_failed = 0
        is_stopped = False
        if planned.todo:
            checkpoint = Checkpoint(output.checkpoint_path, task.window_settings, task.num_classes)
            try:
                for found, record in watched(planned.todo, task, watcher, checkpoint):
                    journal.append({**record, **_about(found), "settings": task.settings})
                    checkpoint.clear()
                    watcher.on_record(found, record)
                    num_failed += record["status"] == "failed"
                    if is_stopped := num_failed == options.max_failures:
                        break
            finally:
                names = [video.video for video in planned.todo]
                checkpoint.close(remove=all(name in journal.entries for name in names))
        output.finish(journal, [video.video for video in videos])
        return Outcome(videos, journal.entries, num_failed, is_stopped)


def watched(
    todo: Sequence[Found],
    task: TimelineTask,
    watcher: TimelineWatcher,
    checkpoint: Checkpoint | None = None,
) -> Iterator[tuple[Found, Record]]:
    """Yield each film with its record, until the run is stopped."""
    stopping = threading.Event()

    def on_progress(done: float, total: float | None) -> None:
        if stopping.is_set():
            raise _StoppedError
        watcher.on_progress(done, total)

    with (
        watcher.following(todo),
        watcher.interruptible(stopping.set),
        FilmProcess(task.timeout_seconds) as process,
        ExitStack() as stack,
    ):
        model: tuple[FilmAnalyst, EngineComputing] | None = None
        for found in todo:
            if stopping.is_set():
                return
            if found.error is None:
                process.start()  # which takes as long as to load a model
            if model is None:
                analyst, engine = task.load()
                model = analyst, stack.enter_context(EngineComputing(engine, checkpoint))
            watcher.on_start(found)
            try:
                yield found, _record(found, task, *model, process, on_progress)
            except _StoppedError:
                return


def _record(
    found: Found,
    task: TimelineTask,
    analyst: FilmAnalyst,
    computing: EngineComputing,
    process: FilmProcess,
    on_progress: OnProgress,
) -> Record:
    start = perf_counter()
    try:
        if found.error is not None:
            raise found.error
        film = Film(
            found.video, found.path, FrameSequence, task.threads, analyst, computing.num_ahead
        )
        timeline = process.timeline(film, computing, on_progress)
    except VideoError as error:
        seconds = perf_counter() - start
        is_skipped = error.kind == "sound_only" and not found.is_named
        return failed_record(
            found.video, analyst.setup, error.kind, str(error), seconds, is_skipped=is_skipped
        )
    return timeline.to_dict(probabilities=task.probabilities)


def _about(found: Found) -> Record:
    """Where a film's file was, how large, and how old."""
    return {"path": found.place, "bytes": found.num_bytes, "modified": modified(found)}
