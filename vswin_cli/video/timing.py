"""When frames are shown: by their times if known, else by the frame rate."""

from dataclasses import dataclass

import numpy as np

from vswin_cli.results import TimeSpan

_AS_STATED = 0.005  # how much the times may differ from the rate in the container


@dataclass(frozen=True)
class Timing:
    """The known times of a video's frames, from the start of the film as in players.

    Attributes:
        rate: Frames per second in the container; None if unknown.
        times: float64 (frames,), seconds, ascending; None if unknown.
        start: When the first frame is shown if `times` is unknown, in seconds.
    """

    rate: float | None = None
    times: np.ndarray | None = None
    start: float = 0.0

    def bounds(self, num_frames: int) -> np.ndarray | None:
        """The start of each frame and the end of the last one, float64 (num_frames + 1,) seconds.

        None if neither times nor a rate are known.
        """
        times, rate = self.times, self.rate
        if times is None or len(times) != num_frames:  # some announced frames did not decode
            return None if rate is None else self.start + np.arange(num_frames + 1) / rate
        last = None if rate is None else 1 / rate  # duration of the last frame
        measured = (num_frames - 1) / float(times[-1] - times[0]) if num_frames > 1 else rate
        if measured and (rate is None or abs(rate / measured - 1) > _AS_STATED):
            last = float(np.median(np.diff(times)))
        return None if last is None else np.append(times, times[-1] + last)


def frames_between(bounds: np.ndarray, segment: TimeSpan) -> range:
    """The frames that are shown between two times; empty if the video ends before.

    Args:
        bounds: As for `Timing.bounds`.
        segment: Start and end, in seconds.
    """
    start, end = segment
    first = int(np.searchsorted(bounds[1:], start, side="right"))
    stop = int(np.searchsorted(bounds[:-1], end, side="left"))
    return range(first, max(stop, first))
