"""When frames are shown: by the packets' times where these are known, else by the rate."""

from dataclasses import dataclass

import numpy as np

from vswin_cli.results import TimeSpan

_AS_STATED = 0.005  # by how much the times may differ from the rate that the container states


@dataclass(frozen=True)
class Timing:
    """What is known of the times of a video's frames; those of the first are 0.

    Attributes:
        rate: Frames per second, as the container states it; None where it does not.
        times: float64 (frames,), seconds, ascending; None where they are not known.
    """

    rate: float | None = None
    times: np.ndarray | None = None

    def bounds(self, num_frames: int) -> np.ndarray | None:
        """When each of so many frames begins, and the last one ends: float64 (num_frames + 1,).

        None where neither times nor a rate are known.
        """
        times, rate = self.times, self.rate
        if times is None or len(times) != num_frames:  # some of what was announced did not decode
            return None if rate is None else np.arange(num_frames + 1) / rate
        last = None if rate is None else 1 / rate  # how long the last frame is shown
        measured = (num_frames - 1) / float(times[-1]) if num_frames > 1 else rate
        if measured and (rate is None or abs(rate / measured - 1) > _AS_STATED):
            last = float(np.median(np.diff(times)))
        return None if last is None else np.append(times, times[-1] + last)


def frames_between(bounds: np.ndarray, segment: TimeSpan) -> range:
    """The frames that are shown between two times; none where the video ends before.

    Args:
        bounds: As for `Timing.bounds`.
        segment: Start and end, in seconds.
    """
    start, end = segment
    first = int(np.searchsorted(bounds[1:], start, side="right"))
    stop = int(np.searchsorted(bounds[:-1], end, side="left"))
    return range(first, max(stop, first))
