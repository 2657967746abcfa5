"""A run over many videos: each is decoded, a task makes its record, and the record is written."""

import gc
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import chain

from vswin_cli.classify import OnView
from vswin_cli.errors import VideoError
from vswin_cli.results import Failure, Result
from vswin_cli.runs.computing import computed_each
from vswin_cli.runs.journal import Journal
from vswin_cli.runs.options import RunOptions
from vswin_cli.runs.output import Output
from vswin_cli.runs.plan import Plan, begun, plan
from vswin_cli.runs.pool import DecodedVideo
from vswin_cli.runs.records import Entry, Record, video_record
from vswin_cli.runs.task import RunWatcher, Task
from vswin_cli.runs.videos import Found


@dataclass(frozen=True)
class Outcome:
    """How a run ended, and the state of its output after it.

    Attributes:
        found: The videos of the run.
        entries: Summaries of the records, by the name of the video.
        num_failed: Videos that failed in this run.
        num_left: Videos that this run should have processed, but has not.
        is_stopped: Whether this run ended early, after `max_failures`.
        is_stdout: Whether the records are printed, so that no run can continue from them.
    """

    found: Sequence[Found]
    entries: Mapping[str, Entry]
    num_failed: int = 0
    num_left: int = 0
    is_stopped: bool = False
    is_stdout: bool = False

    @property
    def names(self) -> list[str]:
        """The names of the videos, in order."""
        return [video.video for video in self.found]

    @property
    def is_complete(self) -> bool:
        """Whether every video was labelled without an error."""
        return all(
            name in self.entries and not self.entries[name].has_failed for name in self.names
        )


def run_over(
    videos: Sequence[Found],
    task: Task,
    output: Output,
    options: RunOptions,
    watcher: RunWatcher | None = None,
) -> Outcome:
    """Make the missing records, and the output from them; a failed video is recorded as failed.

    Args:
        videos: The result of `find_videos`.
        task: What to compute.
        output: Where to write; it contains the records of earlier runs.
        options: Options of the run.
        watcher: Gets the events of the run.

    Raises:
        UsageError: Another run writes to the output, or finished records would be replaced.
        OutputError: A record cannot be written.
        VswinError: The model cannot be loaded, or the decoding processes do not start.
    """
    watcher = watcher or RunWatcher()
    names = [video.video for video in videos]
    if not options.resume:
        _ = task.classifier  # if it cannot be loaded, the earlier output stays
    with output.opened() as journal, task.opened(journal, options=options), _short_collections():
        planned = begun(
            videos,
            journal,
            task.settings_for,
            watcher,
            retry_failed=options.retry_failed,
            why_else=task.why_again,
        )
        num_done = num_failed = 0
        if planned.todo:
            num_done, num_failed = _carry_out(planned.todo, task, journal, options, watcher)
        journal.forget(_gone(journal, names))
        task.finish(output, journal, videos)
        for warning in task.warnings:
            watcher.on_warning(warning)
        num_left = len(planned.todo) - num_done
        is_enough = options.max_failures is not None and num_failed >= options.max_failures
        is_stopped = is_enough and num_left > 0
        return Outcome(videos, journal.entries, num_failed, num_left, is_stopped, output.is_stdout)


def plan_over(videos: Sequence[Found], task: Task, output: Output, options: RunOptions) -> Plan:
    """Plan what `run_over` would do; create and lock no file."""
    with output.looked_at() as journal, task.planned(journal, options=options):
        return plan(
            videos,
            journal,
            task.settings_for,
            retry_failed=options.retry_failed,
            why_else=task.why_again,
        )


@contextmanager
def _short_collections() -> Iterator[None]:
    """Keep the garbage collector from scanning older objects.

    With the libraries of an engine, this would take a tenth of a second per hundred videos.
    """
    if gc.get_freeze_count():  # somebody else has frozen objects, and `unfreeze` frees them all
        yield
        return
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


def _gone(journal: Journal, names: Sequence[str]) -> list[str]:
    """Find recorded videos that were missing, and are not part of this run."""
    wanted = set(names)
    return [
        name
        for name, entry in journal.entries.items()
        if entry.has_failed and entry.summary == "missing" and name not in wanted
    ]


def _carry_out(
    todo: Sequence[Found], task: Task, journal: Journal, options: RunOptions, watcher: RunWatcher
) -> tuple[int, int]:
    """Make the records of these videos, until the run is stopped; count all and failed ones."""
    pool = task.make_pool(options)
    num_done = num_failed = 0
    unreadable = (
        DecodedVideo(video, None, video.error, 0.0)
        for video in todo
        if video.error is not None and num_failed != options.max_failures
    )
    readable = (video for video in todo if video.error is None)

    def on_start(decoded: DecodedVideo) -> OnView:
        watcher.on_start(decoded.found)
        return watcher.on_view

    with watcher.following(todo, pool.busy_with):
        setup = task.classifier.setup
        with (
            watcher.interruptible(pool.stop),
            closing(pool.decode_each(readable)) as decoded_each,
        ):
            for decoded, outputs, engine_seconds in computed_each(
                chain(unreadable, decoded_each), pool.is_ready, task.classifier, on_start
            ):
                found = decoded.found
                result: Result
                more: Record = {}
                if decoded.views is None or outputs is None:
                    error = decoded.error or VideoError("no views")
                    is_skipped = error.kind == "sound_only" and not found.is_named
                    result = Failure(
                        found.video, setup, error.kind, str(error), decoded.seconds, is_skipped
                    )
                else:
                    seconds = decoded.seconds + engine_seconds
                    result, more = task.conclude(decoded, decoded.views, outputs, seconds)
                record = video_record(found, result, task.settings_for(found))
                record = {**record, **task.about(found), **more}
                journal.append(record)
                if (warning := task.recorded(found, record)) is not None:
                    watcher.on_warning(warning)
                num_done += 1
                watcher.on_result(found, result, decoded.notes)
                if isinstance(result, Failure) and not result.is_skipped:
                    num_failed += 1
                    if num_failed == options.max_failures:
                        pool.stop()
    return num_done, num_failed
