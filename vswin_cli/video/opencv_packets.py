"""A stream's packets as the container lists them: counted and timed without decoding."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import cv2
import numpy as np

_REACH = 32  # frames that are sooner decoded than skipped by a seek


@dataclass(frozen=True)
class Packets:
    """The packets of a video stream in file order.

    In most streams each packet makes one frame, shown at the packet's time.
    """

    times: np.ndarray  # float64 (num_packets,), milliseconds
    is_key: np.ndarray  # bool (num_packets,): decoding can start here

    @classmethod
    def scan(cls, capture: cv2.VideoCapture) -> "Packets":
        """List the packets of a capture that was opened for packets only."""
        times, is_key = [], []
        while capture.grab():
            times.append(capture.get(cv2.CAP_PROP_POS_MSEC))
            is_key.append(bool(capture.get(cv2.CAP_PROP_LRF_HAS_KEY_FRAME)))
        return cls(np.array(times, np.float64), np.array(is_key, np.bool_))

    @property
    def num_packets(self) -> int:
        """How many frames to expect."""
        return len(self.times)

    @cached_property
    def frame_times(self) -> np.ndarray:
        """Float64 (num_packets,), ascending: frame k's time, if each packet makes a frame."""
        return np.sort(self.times)

    @cached_property
    def key_frames(self) -> list[int]:
        """Ascending indices, in the order of showing, of the frames where decoding can start."""
        key_times = np.sort(self.times[self.is_key])
        return [int(index) for index in np.searchsorted(self.frame_times, key_times)]

    @property
    def tell_frames_apart(self) -> bool:
        """Whether no two packets have the same time."""
        return bool((np.diff(self.frame_times) > 0).all())


class Stretch(NamedTuple):
    """Frames to decode in one go."""

    key_frame: int  # where decoding starts
    wanted: list[int]  # ascending

    @property
    def stop(self) -> int:
        """One past the last frame."""
        return self.wanted[-1] + 1


def stretches(wanted: Sequence[int], key_frames: Sequence[int]) -> list[Stretch]:
    """Group frames by the key frames to decode them from, so that little else is decoded.

    Args:
        wanted: Ascending frame indices.
        key_frames: Ascending; the first is not after the first wanted frame.
    """
    found: list[Stretch] = []
    starts = np.searchsorted(key_frames, wanted, side="right") - 1
    for frame, start in zip(wanted, starts.tolist(), strict=True):
        if found and key_frames[start] < found[-1].stop + _REACH:
            found[-1].wanted.append(frame)
        else:
            found.append(Stretch(key_frames[start], [frame]))
    return found
