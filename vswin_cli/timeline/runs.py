"""Timelines of many films in one run, which continues after a stop."""

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
    """Receives the events of a run; this one ignores them."""

    def following(self, todo: Sequence[Found]) -> AbstractContextManager[None]:
        """Context while films are read, including the loading of the model."""
        return nullcontext()

    def interruptible(self, stop: Callable[[], None]) -> AbstractContextManager[None]:
        """Context in which `stop` ends the run, from any thread."""
        return nullcontext()

    def on_start(self, found: Found) -> None:
        """A film starts."""

    def on_progress(self, done_seconds: float, all_seconds: float | None) -> None:
        """Part of the film is done."""

    def on_record(self, found: Found, record: Record) -> None:
        """A film's record is on disk, or complete."""


@dataclass(frozen=True)
class TimelineTask:
    """How each film is processed.

    Attributes:
        load: Loads the model; called once, and only if there is something to compute.
        setup: Names of model, protocol, backend and precision.
        settings: Everything that a record depends on, except its film.
        window_settings: Everything that the probabilities of a window depend on.
        num_classes: Number of classes of the model.
        threads: Threads for decoding.
        probabilities: Include the probabilities of each step in records.
        needs_probabilities: Recompute earlier records without them.
        timeout_seconds: Time without a new frame after which a film has failed.
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
    """The run stops now; the results for the current film are kept."""


def timelines_over(
    videos: Sequence[Found],
    task: TimelineTask,
    output: TimelineOutput,
    options: FilmRunOptions,
    watcher: TimelineWatcher,
) -> Outcome:
    """Make the missing records, and the output from all of them.

    If the run is stopped within a film, the checkpoint keeps its windows.

    Args:
        videos: Films, as found by `find_videos`.
        task: How each film is processed.
        output: Output, which also contains the results of earlier runs.
        options: Options of the run.
        watcher: Receives events.

    Raises:
        UsageError: Another run writes to the output, or a file would be replaced.
        OutputError: A record cannot be written.
        VswinError: The model cannot be loaded.
    """
    with output.opened([found.video for found in videos]) as journal:

        def settings(found: Found) -> Settings:
            """Return the settings that a record must have; extra probabilities are fine."""
            entry = journal.entries.get(found.video)
            other = {**task.settings, "probabilities": not task.probabilities}
            is_enough = other["probabilities"] or not task.needs_probabilities
            return other if is_enough and entry and entry.settings == other else task.settings

        planned = begun(videos, journal, settings, watcher, retry_failed=options.retry_failed)
        num_done = num_failed = 0
        if planned.todo:
            checkpoint = Checkpoint(output.checkpoint_path, task.window_settings, task.num_classes)
            try:
                for found, record in watched(planned.todo, task, watcher, checkpoint):
                    journal.append({**record, **_about(found), "settings": task.settings})
                    checkpoint.clear()
                    watcher.on_record(found, record)
                    num_done += 1
                    num_failed += record["status"] == "failed"
                    if num_failed == options.max_failures:
                        break
            finally:
                checkpoint.close(
                    remove=all(video.video in journal.entries for video in planned.todo)
                )
        output.finish(journal, [video.video for video in videos])
        num_left = len(planned.todo) - num_done
        is_stopped = num_left > 0 and num_failed == options.max_failures
        return Outcome(videos, journal.entries, num_failed, num_left, is_stopped)


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
                process.start()  # which takes as long as loading the model
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
    """Return location, size and age of a film's file."""
    return {"path": found.place, "bytes": found.num_bytes, "modified": modified(found)}
