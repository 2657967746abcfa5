"""Shorter windows around changes of the label, which find the time of the change more exactly."""

from collections import deque

import numpy as np

from vswin_cli.timeline.computing import Computing
from vswin_cli.timeline.segments import Cutting
from vswin_cli.timeline.sliding import Sliding
from vswin_cli.timeline.steps import Step, Steps
from vswin_cli.timeline.windows import Shot, Window


class Refining:
    """Computes shorter windows around each change of the most probable label.

    A window over two labels gets the one that is easier to recognise, so it places the change up to
    half its length too early or too late. Windows of half the length halve this error.

    Args:
        sliding: Placement of windows.
        cutting: Probability that a label needs.
    """

    def __init__(self, sliding: Sliding, cutting: Cutting) -> None:
        self._protocol = sliding.protocol
        self._least = cutting.end_probability
        self._averaging = Steps(sliding.stride_seconds, sliding.stride_seconds)
        self._waiting = deque[Window]()  # windows that a coming change may reach
        self._until = -np.inf  # seconds up to which windows have been refined
        self._last: tuple[Window, int | None] | None = None
        self._fine: list[Step] = []

    def add(self, window: Window, probabilities: np.ndarray, computing: Computing) -> None:
        """Take the next window of a shot, and compute the shorter windows that it needs.

        Args:
            window: Window.
            probabilities: Probabilities of that window.
            computing: Computes shorter windows.
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
        """Return the refined steps that can no longer change, as `end_shot` does for the rest."""
        found = {step.number: step.probabilities for step in self._fine}
        self._fine = []
        return found

    def end_shot(self, shot: Shot) -> dict[int, np.ndarray]:
        """Return the probabilities of the refined steps of the shot, by number."""
        self._fine += self._averaging.end_shot(shot)
        self._waiting.clear()
        self._until, self._last = -np.inf, None
        return self.taken()
