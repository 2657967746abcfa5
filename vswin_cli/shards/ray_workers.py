"""Workers on the machines of a Ray cluster.

A worker is an actor with some processors of one machine, and with a GPU if there is one. It reads,
decodes and computes there, in child processes: frames never leave their machine, nor enter Ray's
memory, which decoded video would fill. Only names of videos and counts pass between machines.
"""

from collections import Counter, deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from time import monotonic, sleep
from typing import Any

from vswin_cli.errors import BackendError, VswinError
from vswin_cli.shards.cluster import connected
from vswin_cli.shards.options import ShardOptions
from vswin_cli.shards.report import ShardEvent, ShardReport
from vswin_cli.shards.shard import Shard
from vswin_cli.shards.worker import ShardJob, ShardWorker

_LOOK_SECONDS = 1.0  # between checks of the workers' results
_MACHINES_SECONDS = 5.0  # between checks for new machines
_NOBODY_SECONDS = 120.0  # time limit for a cluster without a machine
_DEATHS = 3  # most deaths of workers at one shard
_FAILED_STARTS = 6  # most workers on one machine that end without a result
_IN_HAND = 2  # shards per worker: the current one and the next


class _Actor:
    """The code of a worker."""

    def __init__(self, job: ShardJob) -> None:
        self._events = deque[ShardEvent]()
        self._error: VswinError | None = None
        try:
            self._worker = ShardWorker(job, self._events.append)
        except VswinError as error:
            self._error = error

    def carry_out(self, shard: Shard) -> "tuple[ShardReport, list[ShardEvent]] | tuple[str, int]":
        """Compute a shard; errors that affect all shards are returned as message and exit code."""
        if self._error is not None:
            return str(self._error), self._error.exit_code
        try:
            return self._worker.carry_out(shard), self.events()
        except VswinError as error:
            return str(error), error.exit_code

    def events(self) -> list[ShardEvent]:
        """Return the events since the last call; two threads may call it."""
        taken: list[ShardEvent] = []
        with suppress(IndexError):
            while True:
                taken.append(self._events.popleft())
        return taken

    def stop(self) -> None:
        """Start no more videos."""
        if self._error is None:
            self._worker.stop()


@dataclass
class _Hand:
    """The driver's view of a worker."""

    actor: Any
    machine: str
    shards: dict[Any, Shard] = field(default_factory=dict)  # shards by reference of their report
    events: Any = None  # reference


class RayWorkers:
    """Workers of a cluster.

    Args:
        make_job: Makes the job of a worker with a number of processors.
        options: Options of the cluster.
        give_up: Called with a shard at which workers keep dying, and the reason; records its
            videos as failed.
        on_warning: Called with messages for the user.
        verbose: Let Ray and the workers write to stderr.

    Raises:
        BackendError: Ray is not installed, or the cluster does not exist.
    """

    def __init__(
        self,
        make_job: Callable[[int], ShardJob],
        options: ShardOptions,
        *,
        give_up: Callable[[Shard, str], ShardReport],
        on_warning: Callable[[str], None],
        verbose: bool = False,
    ) -> None:
        self._make_job = make_job
        self._options = options
        self._give_up = give_up
        self._on_warning = on_warning
        self._ray = connected(options.cluster or "auto", verbose=verbose)
        self._hands: list[_Hand] = []
        self._deaths = Counter[str]()  # by shard
        self._failed_starts = Counter[str]()  # by machine
        self._is_stopped = False
        self._again = deque[Shard]()  # deaths of workers
        self._looked_at = -_MACHINES_SECONDS
        self._last_seen = monotonic()

    @property
    def num_workers(self) -> int:
        """See `Workers`."""
        return len(self._hands)

    @property
    def num_machines(self) -> int:
        """See `Workers`."""
        return len({hand.machine for hand in self._hands})

    def stop(self) -> None:
        """See `Workers`."""
        self._is_stopped = True

    def close(self) -> None:
        """Disconnect from the cluster; its workers end."""
        for hand in self._hands:
            with suppress(Exception):
                self._ray.kill(hand.actor)
        self._ray.shutdown()

    def reports(
        self, shards: Iterator[Shard], on_video: Callable[[ShardEvent], None]
    ) -> Iterator[ShardReport]:
        """See `Workers`."""
        is_told = False
        while True:
            if not self._is_stopped:
                self._look_at_machines()
                self._hand_out(shards)
            elif not is_told:
                is_told = True
                for hand in self._hands:
                    hand.actor.stop.remote()
            waiting = [reference for hand in self._hands for reference in hand.shards]
            if not waiting and (self._is_stopped or (self._hands and not self._again)):
                return
            self._hear(on_video)
            if not waiting:
                sleep(_LOOK_SECONDS)
                continue
            ready, _ = self._ray.wait(waiting, timeout=_LOOK_SECONDS)
            for reference in ready:
                # None if it belonged to a worker that has died since.
                for hand in [each for each in self._hands if reference in each.shards]:
                    yield from self._answer(hand, reference, on_video)

    def _look_at_machines(self) -> None:
        """Start workers on machines without one.

        Raises:
            BackendError: No machine can have a worker.
        """
        if monotonic() - self._looked_at < _MACHINES_SECONDS:
            return
        self._looked_at = monotonic()
        busy = {hand.machine for hand in self._hands}
        for node in self._ray.nodes():
            machine = node["NodeID"]
            is_free = machine not in busy and self._failed_starts[machine] < _FAILED_STARTS
            if node["Alive"] and is_free:
                self._start_on(machine, node["Resources"])
        if self._hands:
            self._last_seen = monotonic()
        elif monotonic() - self._last_seen > _NOBODY_SECONDS:
            raise BackendError(
                f"the cluster has had no worker for {_NOBODY_SECONDS:.0f} s; check "
                "`ray status`, and run again to continue"
            )

    def _start_on(self, machine: str, resources: dict[str, float]) -> None:
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy  # noqa: PLC0415

        cpus, gpus = int(resources.get("CPU", 0)), resources.get("GPU", 0.0)
        gpus_each = self._options.gpus
        if gpus_each is None:
            gpus_each = 1.0 if gpus else 0.0
        num_workers = int(gpus / gpus_each) if gpus_each else 1
        cpus_each = self._options.cpus_per_worker or cpus // max(num_workers, 1)
        if self._options.cpus_per_worker:
            most = cpus // cpus_each
            num_workers = min(num_workers, most) if gpus_each else most
        if cpus_each < 1:
            return
        actor = self._ray.remote(_Actor).options(
            num_cpus=cpus_each,
            num_gpus=gpus_each,
            max_concurrency=_IN_HAND + 2,  # and for `events` and `stop`
            scheduling_strategy=NodeAffinitySchedulingStrategy(machine, soft=False),
        )
        for _ in range(num_workers):
            self._hands.append(_Hand(actor.remote(self._make_job(cpus_each)), machine))

    def _hand_out(self, shards: Iterator[Shard]) -> None:
        for num_before in range(_IN_HAND):  # all get a first shard before any gets a second
            for hand in self._hands:
                if len(hand.shards) > num_before:
                    continue
                shard = self._again.popleft() if self._again else next(shards, None)
                if shard is None:
                    return
                hand.shards[hand.actor.carry_out.remote(shard)] = shard

    def _hear(self, on_video: Callable[[ShardEvent], None]) -> None:
        """Collect events from workers, without waiting for workers that do not answer."""
        for hand in self._hands:
            if hand.events is None:
                hand.events = hand.actor.events.remote()
            ready, _ = self._ray.wait([hand.events], timeout=0)
            if ready:
                with suppress(self._ray.exceptions.RayError):  # from a worker that died
                    for event in self._ray.get(hand.events):
                        self._failed_starts[hand.machine] = 0
                        on_video(event)
                hand.events = None

    def _answer(
        self,
        hand: _Hand,
        reference: Any,  # noqa: ANN401
        on_video: Callable[[ShardEvent], None],
    ) -> Iterator[ShardReport]:
        """Yield the report of a shard; if its worker died, give the shard to another one.

        Raises:
            VswinError: The worker raised it.
        """
        try:
            report, more = self._ray.get(reference)
        except self._ray.exceptions.RayError as exc:
            yield from self._bury(hand, exc)
            return
        self._failed_starts[hand.machine] = 0
        del hand.shards[reference]
        if not isinstance(report, ShardReport):
            raise _as_error(report, more)
        for event in more:
            on_video(event)
        yield report

    def _bury(self, hand: _Hand, error: Exception) -> Iterator[ShardReport]:
        """Remove a dead worker and give its shards to others."""
        with suppress(Exception):
            self._ray.kill(hand.actor)
        self._hands.remove(hand)
        self._failed_starts[hand.machine] += 1
        self._looked_at = -_MACHINES_SECONDS
        reason = _reason(error)
        first = next(iter(hand.shards.values()))  # the shard that it was computing
        alive = {node["NodeID"] for node in self._ray.nodes() if node["Alive"]}
        if hand.machine in alive:  # the loss of a machine is not the shard's fault
            self._deaths[first.name] += 1
        self._on_warning(f"a worker died: {reason}; its shards are computed again")
        for shard in hand.shards.values():
            if self._deaths[shard.name] < _DEATHS:
                self._again.append(shard)
            else:
                yield self._give_up(shard, reason)


_REASONS = {  # by what Ray's messages contain
    "running low on memory": "out of memory",
    "node has died": "its machine was lost",
    "worker process has died": "its process crashed or was killed, perhaps for its memory",
    "actor is temporarily unavailable": "it does not answer",
}


def _reason(error: Exception) -> str:
    """Say in a few words what a Ray error says in many."""
    text = " ".join(str(error).split())
    known = (reason for part, reason in _REASONS.items() if part in text)
    return next(known, f"{type(error).__name__}, {text[:200]}")


def _as_error(message: str, exit_code: int) -> VswinError:
    error = BackendError(message)
    error.exit_code = exit_code  # type: ignore[misc]  # one class for the errors of all workers
    return error
