"""A run over any number of videos: divides them into shards and computes unfinished ones."""

import platform
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from vswin_cli import __version__
from vswin_cli.errors import UsageError
from vswin_cli.runs.plan import differences, listed
from vswin_cli.runs.records import Settings
from vswin_cli.runs.videos import Found
from vswin_cli.shards.folder import SETTINGS, SUCCESS, ShardFolder, report_name
from vswin_cli.shards.report import ShardEvent, ShardReport
from vswin_cli.shards.shard import DEFAULT_SHARD_SIZE, Shard, shards_of
from vswin_cli.shards.workers import Workers

_REQUESTS_AT_ONCE = 16


@dataclass
class ShardTotals:
    """The totals of a run, including earlier runs into its folder.

    Attributes:
        num_shards: Shards listed so far.
        num_videos: Videos listed so far.
        num_skipped_shards: Shards that were finished before.
        is_listed: Whether all inputs are listed.
        num_done: Videos that this run has computed.
        report: Sums over all shards in the folder.
        num_replaced: Shards whose videos are now in other shards.
    """

    num_shards: int = 0
    num_videos: int = 0
    num_skipped_shards: int = 0
    is_listed: bool = False
    num_done: int = 0
    num_replaced: int = 0
    report: ShardReport = field(default_factory=lambda: ShardReport("all"))

    @property
    def num_failed(self) -> int:
        """Number of failed videos."""
        return self.report.num_failed

    @property
    def is_complete(self) -> bool:
        """Whether every video was computed without an error."""
        return self.is_listed and self.report.num_ok + self.report.num_skipped == self.num_videos

    def add(self, report: ShardReport) -> None:
        """Add the report of a shard."""
        self.report += report


class ShardWatcher:
    """Gets the events of a run, in the thread of the run; this base class ignores them."""

    def on_start(self, totals: ShardTotals, workers: Workers) -> None:
        """The run begins."""

    def on_video(self, event: ShardEvent) -> None:
        """A video is done."""

    def on_shard(self, report: ShardReport) -> None:
        """A shard is in the folder."""


@dataclass(frozen=True)
class ShardRun:
    """A run that is set up.

    Attributes:
        videos: Lists the inputs from the start.
        inputs: The given inputs, without secrets.
        shard_size: Videos per shard, at most; None is the value of an earlier run, or a default.
        settings: Everything that records depend on, except the video.
        folder: Folder of the shards.
        resume: Keep finished shards; False computes all.
        retry_failed: Compute shards with failures again.
        max_failures: Stop after this many failures; None never stops.
    """

    videos: Callable[[], Iterator[Found]]
    inputs: Sequence[str]
    shard_size: int | None
    settings: Settings
    folder: ShardFolder
    resume: bool = True
    retry_failed: bool = False
    max_failures: int | None = None

    def plan(self) -> ShardTotals:
        """Plan the run; write nothing.

        Raises:
            UsageError: The folder contains shards with different settings or inputs.
            OutputError: The folder cannot be read.
        """
        with TemporaryDirectory(prefix="vswin-") as scratch:
            there, size = self._earlier(Path(scratch))
        totals = ShardTotals()
        for shard in self._listed(totals, size):
            totals.num_skipped_shards += shard.name in there
        return totals

    def carry_out(self, workers: Workers, watcher: ShardWatcher) -> ShardTotals:
        """Compute the missing shards.

        Raises:
            UsageError, OutputError: As for `plan`, or shards cannot be written.
            VswinError: As for `Workers.reports`.
        """
        with TemporaryDirectory(prefix="vswin-") as scratch:
            return self._carried_out(workers, watcher, Path(scratch))

    def _carried_out(self, workers: Workers, watcher: ShardWatcher, scratch: Path) -> ShardTotals:
        start = datetime.now(UTC)
        there, size = self._earlier(scratch)
        self.folder.make()
        description = {"settings": self.settings, "inputs": list(self.inputs), "shard_size": size}
        self.folder.write_json(SETTINGS, description, scratch)
        self.folder.remove([SUCCESS])
        obsolete = self.folder.shards()
        totals = ShardTotals()
        skipped: list[str] = []

        def todo() -> Iterator[Shard]:
            for shard in self._listed(totals, size):
                obsolete.discard(shard.name)
                if shard.name not in there or self._is_to_be_retried(shard.name):
                    yield shard
                else:
                    skipped.append(shard.name)
                    totals.num_skipped_shards += 1

        def on_video(event: ShardEvent) -> None:
            totals.num_done += 1
            watcher.on_video(event)

        watcher.on_start(totals, workers)
        for report in workers.reports(todo(), on_video):
            totals.add(report)
            watcher.on_shard(report)
            if self.max_failures is not None and totals.num_failed >= self.max_failures:
                workers.stop()
        with ThreadPoolExecutor(_REQUESTS_AT_ONCE) as pool:
            for known in pool.map(self.folder.report, skipped):
                totals.add(known or ShardReport("unknown"))
        if totals.is_listed and totals.report.is_finished:
            self.folder.remove(f"{name}{self.folder.extension}" for name in obsolete)
            self.folder.remove(report_name(name) for name in obsolete)
            totals.num_replaced = len(obsolete)
            self.folder.clear_unfinished()
            self.folder.write_json(SUCCESS, description | _summary(totals, start), scratch)
        return totals

    def _listed(self, totals: ShardTotals, size: int) -> Iterator[Shard]:
        for shard in shards_of(self.videos(), size, self.settings):
            totals.num_shards += 1
            totals.num_videos += len(shard.videos)
            yield shard
        totals.is_listed = True

    def _is_to_be_retried(self, name: str) -> bool:
        if not self.retry_failed:
            return False
        report = self.folder.report(name)
        return report is None or bool(report.failures)

    def _earlier(self, scratch: Path) -> tuple[set[str], int]:
        """Find the shards that earlier runs have finished, and their number of videos per shard.

        Raises:
            UsageError: The shards have different settings or inputs.
        """
        size = self.shard_size or DEFAULT_SHARD_SIZE
        there = self.folder.shards()
        if not there or not self.resume:
            return set(), size
        before = self.folder.read_json(SETTINGS, scratch)
        if not isinstance(before, dict) or not isinstance(before.get("settings"), dict):
            raise UsageError(
                f"{self.folder.name} contains shards, but no {SETTINGS} that describes them; "
                "choose another --output"
            )
        old_size = before.get("shard_size")
        size = self.shard_size or (old_size if isinstance(old_size, int) else size)
        changes = listed(differences(before["settings"], self.settings))
        if before.get("inputs") != list(self.inputs):
            changes = f"inputs {_told(before.get('inputs'))} → {_told(self.inputs)}"
        elif size != old_size:
            changes = f"--shard-size {old_size} → {size}"
        if changes:
            raise UsageError(
                f"{self.folder.name} contains shards with different settings: {changes}; choose "
                "another --output, or use --no-resume to replace everything in it"
            )
        return there & self.folder.reported(), size


def _summary(totals: ShardTotals, start: datetime) -> dict[str, Any]:
    return {
        "num_videos": totals.num_videos,
        "num_shards": totals.num_shards,
        **totals.report.to_dict(),
        "vswin": __version__,
        "python": platform.python_version(),
        "started": start.isoformat(timespec="seconds"),
        "ended": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def _told(inputs: object) -> str:
    return ", ".join(map(str, inputs)) if isinstance(inputs, Sequence) else "unknown"
