"""Where something changes, shorter windows tell when; elsewhere none is computed."""

from collections import deque

import numpy as np

from vswin_cli.timeline.computing import Computing
from vswin_cli.timeline.segments import Cutting
from vswin_cli.timeline.sliding import Sliding
from vswin_cli.timeline.steps import Step, Steps
from vswin_cli.timeline.windows import Shot, Window


class Refining:
    """Computes the inner windows around each change of the most probable label.

    A window that spans two labels says the one that is easier to see, so that it puts the change
    too early or too late, by up to half of what it spans. Half as long windows err by half.

    Args:
        sliding: How windows lie.
        cutting: How probable a label has to be.
    """

    def __init__(self, sliding: Sliding, cutting: Cutting) -> None:
        self._protocol = sliding.protocol
        self._least = cutting.end_probability
        self._averaging = Steps(sliding.stride_seconds, sliding.stride_seconds)
        self._waiting = deque[Window]()  # those in reach of a change that may come
        self._until = -np.inf  # seconds that windows' middles are refined up to
        self._last: tuple[Window, int | None] | None = None
        self._fine: list[Step] = []

    def add(self, window: Window, probabilities: np.ndarray, computing: Computing) -> None:
        """Take the next window of a shot, and compute what it makes necessary.

        Args:
            window: The window.
            probabilities: Its own.
            computing: Computes others.
        """
        best = int(probabilities.argmax())
        label = best if probabilities[best] >= self._least else None
        reach = (window.end_seconds - window.start_seconds) / 2
        self._waiting.append(window)
        if self._last is not None and label != self._last[1]:
            self._until = window.middle_seconds + reach
        self._last = window, label
        while self._waiting and self._waiting[0].middle_seconds < window.middle_seconds - reach:
            self._waiting.popleft()
        if window.middle_seconds <= self._until:
            inners = [inner for each in self._waiting if (inner := each.inner(self._protocol))]
            begun = [computing.start(inner.clip) for inner in inners]
            for inner, wait in zip(inners, begun, strict=True):
                self._fine += self._averaging.add(inner, wait())
            self._waiting.clear()

    def taken(self) -> dict[int, np.ndarray]:
        """Hand over what is settled by now, as `end_shot` does with the rest."""
        found = {step.number: step.probabilities for step in self._fine}
        self._fine = []
        return found

    def end_shot(self, shot: Shot) -> dict[int, np.ndarray]:
        """Return the probabilities of the shot's steps that were refined, by number."""
        self._fine += self._averaging.end_shot(shot)
        self._waiting.clear()
        self._until, self._last = -np.inf, None
        return self.taken()
