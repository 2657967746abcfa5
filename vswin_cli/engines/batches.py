"""Batches of views from several videos, in the size that an engine prefers.

A generator, `Steps`, uses the outputs of a video: it yields the views that it needs next, is sent
their outputs, and returns a result. Several videos share batches; none waits for another.
"""

from collections import deque
from collections.abc import Callable, Generator, Sequence
from time import perf_counter
from typing import Generic, Protocol, TypeVar

import numpy as np

from vswin_cli.engines.base import Engine, Outputs, Pending

_TAKEN_SECONDS = 0.1  # longest time in which outputs become ready that are taken together


class Writable(Protocol):
    """One view that can be put into a batch."""

    @property
    def shape(self) -> tuple[int, ...]:
        """(T, H, W, 3)."""

    @property
    def whole(self) -> np.ndarray | None:
        """Its pixels, if they are in memory in the form that an engine needs."""

    def write(self, target: np.ndarray) -> None:
        """Write its pixels."""


Key = TypeVar("Key")
Result = TypeVar("Result")
Steps = Generator[Sequence[Writable], Sequence[Outputs], Result]


class _Job(Generic[Key, Result]):
    """A video whose views are being computed."""

    def __init__(self, key: Key, steps: Steps[Result], on_view: Callable[[], None]) -> None:
        self.key = key
        self.steps = steps
        self.on_view = on_view
        self.views: Sequence[Writable] = ()
        self.outputs: dict[int, Outputs] = {}  # outputs of `views`, by index
        self.seconds = 0.0


class Batches(Generic[Key, Result]):
    """Computes the views of the videos that are added.

    Args:
        engine: Defines the number of views per batch and of batches in progress.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._most_started = engine.num_at_once + engine.num_queued
        self._waiting = deque[tuple[_Job[Key, Result], int]]()
        self._computing = deque[tuple[Pending, list[tuple[_Job[Key, Result], int]]]]()
        self._buffers: list[np.ndarray] = []
        self._num_started = 0
        self._since = 0.0  # when the engine started the oldest batch
        self._seconds = float("inf")  # time for the last batch
        self.num_jobs = 0
        self.ended = deque[tuple[Key, Result, float]]()  # with the seconds that the engine spent

    def add(
        self, key: Key, steps: Steps[Result], on_view: Callable[[], None] = lambda: None
    ) -> None:
        """Add a video; `on_view` is called after each of its views."""
        self.num_jobs += 1
        self._advance(_Job(key, steps, on_view))

    @property
    def num_waiting(self) -> int:
        """Number of views that are in no batch yet."""
        return len(self._waiting)

    @property
    def is_full(self) -> bool:
        """Whether there are enough views for a batch."""
        return len(self._waiting) >= self._engine.batch_size

    @property
    def num_computing(self) -> int:
        """Number of batches whose outputs have not been taken."""
        return len(self._computing)

    @property
    def can_start(self) -> bool:
        """Whether views are waiting and the engine accepts another batch."""
        return bool(self._waiting) and len(self._computing) < self._most_started

    def start(self) -> None:
        """Start a batch with the views that have waited longest."""
        count = min(len(self._waiting), self._engine.batch_size)
        chosen = [self._waiting.popleft() for _ in range(count)]
        batch = self._batch([job.views[place] for job, place in chosen])
        if not self._computing:
            self._since = perf_counter()
        self._computing.append((self._engine.start(batch), chosen))

    def take(self) -> None:
        """Wait for the oldest batches and distribute their outputs.

        Short ones are taken together, because it costs time to wake up for each.
        """
        together = len(self._computing) // 2
        if together * self._seconds > _TAKEN_SECONDS:
            together = int(_TAKEN_SECONDS / self._seconds)
        taken = [self._computing.popleft() for _ in range(max(together, 1))]
        outputs = [pending() for pending, _ in reversed(taken)]  # waits for the last one only
        now = perf_counter()
        self._seconds = (now - self._since) / len(taken)
        self._since = now
        for (_, chosen), each in zip(taken, reversed(outputs), strict=True):
            for row, (job, place) in enumerate(chosen):
                job.outputs[place] = each.row(row)
                job.seconds += self._seconds / len(chosen)
                job.on_view()
                if len(job.outputs) == len(job.views):
                    self._advance(job)

    def step(self) -> None:
        """Start a batch if possible, or take the oldest."""
        if self.can_start:
            self.start()
        else:
            self.take()

    def _advance(self, job: _Job[Key, Result]) -> None:
        outputs, job.outputs = [job.outputs[place] for place in range(len(job.views))], {}
        try:
            job.views = job.steps.send(outputs) if job.views else next(job.steps)
        except StopIteration as end:
            self.num_jobs -= 1
            self.ended.append((job.key, end.value, job.seconds))
        else:
            self._waiting.extend((job, place) for place in range(len(job.views)))

    def _batch(self, views: Sequence[Writable]) -> np.ndarray:
        """Copy views into a batch whose memory is not in use."""
        if self._engine.batch_size == 1 and (whole := views[0].whole) is not None:
            return whole[np.newaxis]
        if not self._buffers:
            shape = views[0].shape
            self._buffers = [self._engine.new_batch(shape) for _ in range(self._most_started)]
        self._num_started += 1
        batch = self._buffers[self._num_started % len(self._buffers)][: len(views)]
        for target, view in zip(batch, views, strict=True):
            view.write(target)
        return batch


def computed_alone(
    engine: Engine, steps: Steps[Result], on_view: Callable[[], None] = lambda: None
) -> Result:
    """Compute the views of one video."""
    batches = Batches[None, Result](engine)
    batches.add(None, steps, on_view)
    while not batches.ended:
        batches.step()
    return batches.ended[0][1]
