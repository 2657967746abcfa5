"""Steps: the probabilities of windows, averaged over even steps of time."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from math import ceil, cos, pi

import numpy as np

from vswin_cli.timeline.windows import Shot, Window

_LEAST_WEIGHT = 1e-6  # where a window is weakest


@dataclass(frozen=True)
class Step:
    """An even step of time."""

    number: int  # its start, in step lengths
    probabilities: np.ndarray  # float32 (num_classes,), sums to 1


@dataclass
class _Open:
    """A step that a later window may still cover."""

    weight: float = 0.0
    total: np.ndarray | float = 0.0


@dataclass
class Steps:
    """Averages windows over the steps whose middle they cover, with a Hann weight.

    A window tells most about its middle; the weight falls to almost nothing at its ends, which
    count only where no other window reaches. If windows are further apart than they are long, each
    counts for the time nearest to it.

    Args:
        step_seconds: Length of a step.
        stride_seconds: Time between the starts of two windows.
    """

    step_seconds: float
    stride_seconds: float
    _shot_start: float = 0.0
    _open: dict[int, _Open] = field(default_factory=dict)
    _newest: np.ndarray | None = None  # probabilities of a window of the shot
    _has_settled: bool = False  # whether the shot already has a step

    def add(self, window: Window, probabilities: np.ndarray) -> Iterator[Step]:
        """Add the probabilities of a window, float (num_classes,), and yield finished steps."""
        middle = (window.start_seconds + window.end_seconds) / 2
        half = max(window.end_seconds - window.start_seconds, self.stride_seconds, 1e-9) / 2
        start, end = max(middle - half, self._shot_start), middle + half
        for number in sorted(self._open):
            if self._middle(number) >= start:
                break
            yield self._settled(number)
        first = ceil(start / self.step_seconds - 0.5 - 1e-9)
        last = ceil(end / self.step_seconds - 0.5 - 1e-9)  # exclusive
        self._newest = probabilities
        added = probabilities.astype(np.float64)
        for number in range(first, last):
            share = (self._middle(number) - middle) / half  # from -1 to 1
            weight = cos(pi / 2 * min(max(share, -1.0), 1.0)) ** 2 + _LEAST_WEIGHT
            step = self._open.setdefault(number, _Open())
            step.weight += weight
            step.total = step.total + weight * added

    def end_shot(self, shot: Shot) -> Iterator[Step]:
        """Yield the last steps of a shot, once all its windows have been added.

        A shot so short that it contains no middle of a step gets the step around its middle.
        """
        for number in sorted(self._open):
            if self._middle(number) < shot.end_seconds:
                yield self._settled(number)
        if not self._has_settled and self._newest is not None:
            middle = (shot.start_seconds + shot.end_seconds) / 2
            found = self._newest.astype(np.float32)
            yield Step(int(middle / self.step_seconds), found)
        self._open.clear()
        self._newest, self._has_settled = None, False
        self._shot_start = shot.end_seconds

    def _middle(self, number: int) -> float:
        return (number + 0.5) * self.step_seconds

    def _settled(self, number: int) -> Step:
        self._has_settled = True
        step = self._open.pop(number)
        return Step(number, np.asarray(step.total / step.weight, np.float32))
