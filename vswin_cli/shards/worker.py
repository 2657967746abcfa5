"""Computes shards one after the other, on any machine, each as a separate run."""

import shutil
import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event, Lock

from vswin_cli.errors import OutputError
from vswin_cli.results import Failure, Result
from vswin_cli.runs.options import RunOptions
from vswin_cli.runs.output import Output
from vswin_cli.runs.pool import DecodingPool
from vswin_cli.runs.run import run_over
from vswin_cli.runs.task import RunWatcher, Task
from vswin_cli.runs.videos import Found
from vswin_cli.shards.folder import ShardFolder
from vswin_cli.shards.report import ShardEvent, ShardReport
from vswin_cli.shards.shard import Shard

_KEEP_SECONDS = 60.0  # a killed machine loses at most this much work
_TRIES = 3  # tries for a video whose store does not answer
_PAUSE_SECONDS = 2.0  # before the second; before the third it is twice as long


@dataclass(frozen=True)
class ShardJob:
    """How a run computes its shards; it can be sent to other processes.

    Attributes:
        make_output: Makes the output of a shard at a path.
        make_maker: Makes, once per worker, a function for the task of an output; loads the model.
        folder: Folder of the shards.
        run: Options; the run of each shard continues from its kept records.
    """

    make_output: Callable[[Path], Output]
    make_maker: Callable[[], Callable[[Output], Task]]
    folder: ShardFolder
    run: RunOptions


class ShardWorker:
    """Computes shards; its decoding processes last until `close`.

    `carry_out` and `stop` may be called from any thread.

    Args:
        job: What to compute.
        on_video: Called for each finished video.
    """

    def __init__(self, job: ShardJob, on_video: Callable[[ShardEvent], None]) -> None:
        self._job = job
        self._on_video = on_video
        self._make_task = job.make_maker()
        self._pool: DecodingPool | None = None
        self._turn = Lock()
        self._stopped = Event()
        self._stop_run: Callable[[], None] = lambda: None

    def stop(self) -> None:
        """Take no more videos."""
        self._stopped.set()
        self._stop_run()

    def close(self) -> None:
        """End the processes that decode, once no shard is computed."""
        if self._pool is not None:
            self._pool.close()

    def carry_out(self, shard: Shard) -> ShardReport:
        """Compute a shard, and put it into the folder.

        Raises:
            VswinError: As for `run_over`.
        """
        with self._turn, TemporaryDirectory(prefix="vswin-") as scratch:
            if self._stopped.is_set():
                return ShardReport(shard.name, is_finished=False)
            return self._carried_out(shard, Path(scratch))

    def _carried_out(self, shard: Shard, scratch: Path) -> ShardReport:
        folder = self._job.folder
        output = self._job.make_output(scratch / f"{shard.name}{folder.extension}")
        kept = [path for path in (output.store_path, output.journal_path) if path is not None]
        for path in kept:
            folder.get(folder.unfinished(path.name), path)
        watcher = _Watcher(self, lambda: self._keep(kept, scratch))
        options = replace(self._job.run, resume=True, retry_failed=False, max_failures=None)
        outcome = run_over(shard.videos, self._task(output), output, options, watcher)
        for attempt in range(1, _TRIES):
            unreachable = [
                video
                for video in shard.videos
                if video.video in outcome.entries
                and outcome.entries[video.video].summary == "unreachable"
                and outcome.entries[video.video].has_failed
            ]
            if not unreachable or self._stopped.wait(_PAUSE_SECONDS * attempt):
                break
            watcher.is_last_try = attempt == _TRIES - 1
            again = replace(options, retry_failed=True)
            run_over(unreachable, self._task(output), output, again, watcher)
            outcome = run_over(shard.videos, self._task(output), output, options)
        entries = [
            outcome.entries[video.video] for video in shard.videos if video.video in outcome.entries
        ]
        if len(entries) < len(shard.videos):
            self._keep(kept, scratch)
            return ShardReport.of(shard.name, entries, is_finished=False)
        report = ShardReport.of(shard.name, entries)
        folder.put_report(report, scratch)
        folder.put(f"{shard.name}{folder.extension}", output.path)
        folder.remove(folder.unfinished(path.name) for path in kept)
        return report

    def _task(self, output: Output) -> Task:
        """Make the task of a shard, which uses the existing decoding processes."""
        task = self._make_task(output)
        pool = self._pool
        if pool is None:
            pool = self._pool = task.make_pool(self._job.run)
            pool.keep()
        task.make_pool = lambda options: pool
        return task

    def _keep(self, paths: Sequence[Path], scratch: Path) -> None:
        """Keep what has been computed of a shard where any machine can find it.

        The rows are written before the journal that refers to them.
        """
        folder = self._job.folder
        for path in paths:
            if path.exists():
                copy = scratch / "kept"
                shutil.copyfile(path, copy)
                folder.put(folder.unfinished(path.name), copy)


class _Watcher(RunWatcher):
    """Follows the run of one shard."""

    def __init__(self, worker: ShardWorker, keep: Callable[[], None]) -> None:
        self._worker = worker
        self._keep = keep
        self._kept_at = time.monotonic()
        self.is_last_try = False  # of videos whose store does not answer

    def interruptible(self, stop: Callable[[], None]) -> nullcontext[None]:
        """Let the worker stop the run."""
        self._worker._stop_run = stop
        if self._worker._stopped.is_set():
            stop()
        return nullcontext()

    def on_result(self, found: Found, result: Result, notes: Sequence[str]) -> None:
        """Report a video, and keep the records of the last minute."""
        if isinstance(result, Failure):
            summary = result.message
            is_told = self.is_last_try or result.kind != "unreachable"
        else:
            summary = result.scored_labels[0].label if result.scored_labels else ""
            is_told = True
        if is_told:
            event = ShardEvent(found.video, summary, isinstance(result, Failure))
            self._worker._on_video(event)
        if time.monotonic() - self._kept_at > _KEEP_SECONDS:
            self._kept_at = time.monotonic()
            try:
                self._keep()
            except OutputError:  # whether the store works shows when the shard is put there
                return
