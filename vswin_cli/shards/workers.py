"""The workers that compute the shards of a run: this process, or those of a cluster."""

from collections.abc import Callable, Iterator
from threading import Event
from typing import Protocol

from vswin_cli.shards.report import ShardEvent, ShardReport
from vswin_cli.shards.shard import Shard
from vswin_cli.shards.worker import ShardJob, ShardWorker


class Workers(Protocol):
    """Compute shards, in any order."""

    @property
    def num_workers(self) -> int:
        """Number of workers that compute now."""

    @property
    def num_machines(self) -> int:
        """Number of machines that they are on."""

    def reports(
        self, shards: Iterator[Shard], on_video: Callable[[ShardEvent], None]
    ) -> Iterator[ShardReport]:
        """Compute shards; each goes to the next free worker.

        Raises:
            VswinError: No shard can be computed.
        """

    def stop(self) -> None:
        """Take no more shards, and keep what was computed; any thread may call it."""

    def close(self) -> None:
        """End the workers."""


class LocalWorkers:
    """This process, with its decoding processes."""

    num_workers = num_machines = 1

    def __init__(self, job: ShardJob) -> None:
        self._job = job
        self._worker: ShardWorker | None = None
        self._stopped = Event()

    def reports(
        self, shards: Iterator[Shard], on_video: Callable[[ShardEvent], None]
    ) -> Iterator[ShardReport]:
        """See `Workers`."""
        for shard in shards:
            if self._stopped.is_set():
                return
            if self._worker is None:
                self._worker = ShardWorker(self._job, on_video)
                if self._stopped.is_set():  # while it started
                    self._worker.stop()
            yield self._worker.carry_out(shard)

    def stop(self) -> None:
        """See `Workers`."""
        self._stopped.set()
        if self._worker is not None:
            self._worker.stop()

    def close(self) -> None:
        """See `Workers`."""
        if self._worker is not None:
            self._worker.close()
