"""Reading few frames of a long video by seeking, and proving that they are the right ones.

OpenCV's seeks are not exact, but each frame it grabs carries its time, and the packets' times say
which frame has that time. What remains to prove is that frame k in the order of the packets' times
is the k-th frame of a sequential decode: true if each packet makes a frame. That is checked at the
start of the file, where edit lists and missing references show, at its end, where it may be cut
off, and over every stretch that is decoded. Damage elsewhere stays unseen. Anything odd is a
`SeekError`, upon which the caller decodes the whole file.
"""

from collections.abc import Callable, Iterator, Set

import cv2
import numpy as np

from vswin_cli.video.opencv_capture import open_capture, retrieve
from vswin_cli.video.opencv_packets import Packets, stretches

_CHECKED_FRAMES = 64  # at the start, at least
_MAX_SHARE = 0.5  # of the frames, decoded in stretches; above it, decoding all is as good
_TRIES = 8  # seeks to reach one key frame, each from further back
_STEP_MILLISECONDS = 500.0


class SeekError(Exception):
    """Seeking is not exact in this file, or does not pay."""


def read_by_seeking(
    path: str,
    packets: Packets,
    wanted: Set[int],
    keep: Callable[[int, np.ndarray], None],
    threads: int | None = None,
) -> None:
    """Hand over the wanted frames, RGB uint8 (H, W, 3), each proven to be the one asked for.

    Raises:
        SeekError: Some frame cannot be proven; those handed over so far may be wrong.
    """
    if not packets.tell_frames_apart:
        raise SeekError("its frames' times do not tell them apart")
    if len(packets.key_frames) < 2 or packets.key_frames[0] != 0:
        raise SeekError("it has no key frames to seek to")
    in_reach = sorted(index for index in wanted if index < packets.num_packets)
    plan = stretches(in_reach, packets.key_frames)
    checked = max(_CHECKED_FRAMES, packets.key_frames[1] + 3)
    last_key_frame = packets.key_frames[-1]
    to_decode = checked + packets.num_packets - last_key_frame
    to_decode += sum(stretch.stop - stretch.key_frame for stretch in plan)
    if to_decode > _MAX_SHARE * packets.num_packets:
        raise SeekError("seeking would decode most of it too")

    def keep_wanted(cursor: _Cursor, stop: int) -> None:
        for index in cursor.decode(stop):
            if index in wanted:
                keep(index, retrieve(cursor.capture))

    with open_capture(path, threads=threads) as capture:
        cursor = _Cursor(capture, packets)
        keep_wanted(cursor, checked)
        sample = retrieve(capture)
        if plan and plan[0].key_frame == 0:
            keep_wanted(cursor, plan.pop(0).stop)
    with open_capture(path, threads=threads) as capture:
        cursor = _Cursor(capture, packets)
        cursor.seek(packets.key_frames[1])
        for _ in cursor.decode(checked):
            pass
        if not np.array_equal(retrieve(capture), sample):
            raise SeekError("a frame looks different after a seek")
        cursor.seek(last_key_frame)
        for _ in cursor.decode(packets.num_packets):
            pass
        if capture.grab():
            raise SeekError("it has more frames than packets")
        for stretch in plan:
            cursor.seek(stretch.key_frame)
            keep_wanted(cursor, stretch.stop)


class _Cursor:
    """The place of a capture in its video, told by the times of the frames it grabs."""

    def __init__(self, capture: cv2.VideoCapture, packets: Packets) -> None:
        self.capture = capture
        self._times = packets.frame_times
        self._index = -1  # of the frame that was grabbed last

    def decode(self, stop: int) -> Iterator[int]:
        """Grab the frames up to `stop`, yielding each one's index; the present one comes first."""
        if self._index >= 0:
            yield self._index
        while self._index + 1 < stop:
            expected = self._index + 1
            if not self._grab() or self._index != expected:
                raise SeekError(f"frame {expected} does not follow the one before")
            yield expected

    def seek(self, key_frame: int) -> None:
        """Grab a key frame, coming from that frame or from before it."""
        for attempt in range(_TRIES):
            back = _STEP_MILLISECONDS * (2**attempt - 1)
            self.capture.set(cv2.CAP_PROP_POS_MSEC, max(self._times[key_frame] - back, 0.0))
            if self._grab() and self._index <= key_frame:
                break
        while self._index < key_frame and self._grab():
            pass
        if self._index != key_frame:
            raise SeekError(f"frame {key_frame} cannot be reached by a seek")

    def _grab(self) -> bool:
        if not self.capture.grab():
            return False
        time = self.capture.get(cv2.CAP_PROP_POS_MSEC)
        index = int(np.searchsorted(self._times, time))
        if index == len(self._times) or self._times[index] != time:
            raise SeekError(f"a frame at {time:.3f} ms has no packet")
        self._index = index
        return True
