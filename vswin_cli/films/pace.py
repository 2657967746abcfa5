"""Even frames from uneven ones: as a player shows them, at the usual pace of the film.

Models need frames at even times. A frame that is held, as in screen recordings, is repeated as
often as a film with an even rate would show it, so that a picture that stays for minutes counts as
static, not as part of the motion around it.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import pairwise
from math import ceil, floor

import numpy as np

from vswin_cli.films.sequence import TimedFrame
from vswin_cli.video.clock import usual_seconds

_HELD = 1.5  # times the pace; frames of phones differ by less
_ROUNDING = 1e-6  # of a multiple
_LEARNT_FRAMES = 256  # the latest frames, from which the pace is learned
_NEWS_FRAMES = 16  # from one estimate of the pace to the next


class Pace:
    """Shows frames evenly: a held frame is repeated, with the same index.

    Args:
        seconds: Usual duration of a frame; None learns it from the frames.
        is_strict: Show the frame at each multiple of `seconds`, and skip frames between them.
            Otherwise, show each frame, and repeat only those that are held.
    """

    def __init__(self, seconds: float | None, *, is_strict: bool = False) -> None:
        self._seconds = seconds
        self._recent = None if seconds else deque[float](maxlen=_LEARNT_FRAMES)
        self._is_strict = is_strict
        self._last: TimedFrame | None = None
        self._owed = 0.0  # frames by which too few have been shown

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
