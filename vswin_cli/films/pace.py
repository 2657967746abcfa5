"""Even frames of uneven ones: as a player shows them, at the pace that is usual in the film.

Models take frames at even times. Where a frame is held, as in recordings of screens, it comes again
as often as a film of an even rate would show it, so that a picture that stands for minutes is one
that stands, and not part of the motion around it.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import pairwise
from math import ceil, floor

import numpy as np

from vswin_cli.films.clock import usual_seconds
from vswin_cli.films.sequence import TimedFrame

_HELD = 1.5  # times the pace; phones' frames differ by less
_ROUNDING = 1e-6  # of a multiple
_LEARNT_FRAMES = 256  # that a pace is learnt of, the newest ones
_NEWS_FRAMES = 16  # from one time that it is learnt to the next


class Pace:
    """Shows frames evenly: one that is held again and again, with the same index.

    Args:
        seconds: That a frame is usually shown; None learns it while frames come.
        is_strict: Show what is on at each multiple of these seconds, and leave out what is not.
            Else each frame is shown, and only those are repeated that are held.
    """

    def __init__(self, seconds: float | None, *, is_strict: bool = False) -> None:
        self._seconds = seconds
        self._recent = None if seconds else deque[float](maxlen=_LEARNT_FRAMES)
        self._is_strict = is_strict
        self._last: TimedFrame | None = None
        self._owed = 0.0  # frames, by which too few have been shown

    def take(self, frame: TimedFrame) -> Iterator[TimedFrame]:
        """Take the next frame, and yield the one before as often as it is shown."""
        if self._recent is not None:
            self._recent.append(frame.start_seconds)
            if frame.index % _NEWS_FRAMES == _NEWS_FRAMES - 1:
                self._seconds = usual_seconds(np.array(self._recent))
        if self._last is not None:
            yield from self._shown(replace(self._last, end_seconds=frame.start_seconds))
        self._last = frame

    def finish(self) -> Iterator[TimedFrame]:
        """Yield the last frame as often as it is shown."""
        if self._last is not None:
            yield from self._shown(self._last)
        self._last = None

    def _shown(self, frame: TimedFrame) -> Iterable[TimedFrame]:
        if self._seconds is None:
            return (frame,)
        start, end = frame.start_seconds, frame.end_seconds
        if self._is_strict:
            first, stop = (ceil(each / self._seconds - _ROUNDING) for each in (start, end))
            if first == stop and frame.index:
                return ()
            times = [start, *(k * self._seconds for k in range(first + 1, stop)), end]
            return _repeated(frame, times)
        share = (end - start) / self._seconds
        if share < _HELD:
            return (frame,)
        count = floor(share + self._owed + 0.5)
        self._owed += share - count
        return _repeated(frame, np.linspace(start, end, count + 1).tolist())


def _repeated(frame: TimedFrame, times: list[float]) -> Iterator[TimedFrame]:
    for start, end in pairwise(times):
        yield replace(frame, start_seconds=start, end_seconds=end)
