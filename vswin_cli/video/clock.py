"""The times at which the frames of a stream are shown, and how long a frame usually lasts."""

import itertools
from collections.abc import Sequence
from contextlib import suppress
from typing import BinaryIO

import av
import numpy as np
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from vswin_cli.system.terminal import length
from vswin_cli.video.container import main_stream, open_container
from vswin_cli.video.reader import ReaderError

_USUAL_RATE = 25  # frames per second, if the stream does not say
_MICROSECONDS = 1_000_000  # the unit of a container's times
JUMP_SECONDS = 1.0  # backward jump from which time stamps start again; smaller ones are disorder
_DOUBTFUL_SECONDS = 10.0  # duration of a frame from which it may be a gap
_HELD = 5  # times as long as usual
_MAY_START_OVER = 0x200  # flag of a container: AVFMT_TS_DISCONT
_DISORDER = 20  # usual steps backward, which decoders put in order
PROBED_PACKETS = 2000  # from the start of the film: a minute or more
_NEIGHBOURS = 4  # gaps between frames that are averaged, since some come in pairs
_QUICK_SHARE = 0.1  # of the frames last as briefly as the usual one; others may be held
_LEAST_SECONDS = 1 / 1000


class Clock:
    """The times of frames; a frame without a time, or with that of another, is one frame later.

    If time stamps start again, as in joined streams, the film continues.

    Args:
        container: Container; its start is 0, as in players: the earliest start of its streams.
        stream: Stream of the frames.
        pace_seconds: Usual duration of a frame; None uses the rate of the stream.
    """

    def __init__(
        self, container: InputContainer, stream: VideoStream, pace_seconds: float | None = None
    ) -> None:
        rate = stream.average_rate or stream.guessed_rate
        self._usual = pace_seconds or (1 / float(rate) if rate else 1 / _USUAL_RATE)
        self._base = float(stream.time_base or 0)
        self._start = start_seconds(container)
        self._may_start_over = bool(container.format.flags & _MAY_START_OVER)
        self._last: float | None = None
        self._longest = (0.0, 0.0)  # longest duration of a frame, and its start, in seconds
        self._num_held = self._num_jumps = 0

    def shown(self, frame: VideoFrame) -> tuple[float, float]:
        """Return the start and the end of a frame in seconds, as the frame states them."""
        start, lasts = self.start(frame.pts), frame.duration * self._base
        return start, start + (lasts if lasts > 0 else self._usual)

    def start(self, time: int | None) -> float:
        """Return the start in seconds of the next frame, which has this time in the stream."""
        start = None if time is None else time * self._base - self._start
        if self._last is None:
            start = max(start or 0.0, 0.0)
        else:
            if start is not None and self._jumps(start - self._last):
                self._start += start - self._last - self._usual
                self._num_jumps += 1
                start = self._last + self._usual
            if start is None or start <= self._last:
                start = self._last + self._usual
            if (gap := start - self._last) > max(_DOUBTFUL_SECONDS, _HELD * self._usual):
                self._longest = max(self._longest, (gap, self._last))
                self._num_held += 1
        self._last = start
        return start

    def starts(self, times: Sequence[int | None]) -> np.ndarray:
        """Return the starts of the first frames, float64 (frames,); see `start`."""
        if None not in times:
            even = np.array(times) * self._base - self._start
            steps = np.diff(even)
            if (even[:1] >= 0).all() and ((steps > 0) & (steps <= _DOUBTFUL_SECONDS)).all():
                return even
        return np.array([self.start(time) for time in times])

    def _jumps(self, seconds: float) -> bool:
        """Return whether time stamps start again with a frame this long after the one before.

        Source: FFmpeg uses 10 s too, and only for containers in which it may happen.
        """
        return seconds < -JUMP_SECONDS or (self._may_start_over and seconds > _DOUBTFUL_SECONDS)

    @property
    def notes(self) -> list[str]:
        """Describe anything odd about the times, one line each."""
        notes = []
        if self._num_held:
            gap, start = self._longest
            one = self._num_held == 1
            frames = "1 frame is" if one else f"{self._num_held} frames are"
            longest = length(gap) if one else f"up to {length(gap)}"
            notes.append(
                f"{frames} held for {longest}, from {length(start)} on: still pictures, or gaps"
            )
        return notes + self.jumps

    @property
    def jumps(self) -> list[str]:
        """A line if time stamps started again."""
        if not self._num_jumps:
            return []
        times = "once" if self._num_jumps == 1 else f"{self._num_jumps} times"
        return [f"time stamps jump {times}; the video is assumed to continue"]


def start_seconds(container: InputContainer) -> float:
    """Return the time at which players start: the earliest start of a container's streams."""
    return (container.start_time or 0) / _MICROSECONDS


def usual_seconds(times: np.ndarray) -> float | None:
    """Return the duration of a frame that is not held; None if the times do not show it.

    Args:
        times: float (frames,): start times of frames in seconds, roughly in order.
    """
    steps = np.diff(times)
    if not len(steps):
        return None
    jump = max(JUMP_SECONDS, _DISORDER * float(np.median(np.abs(steps))))
    parts = np.split(times, np.flatnonzero(steps < -jump) + 1)  # where they start again
    gaps = np.concatenate([_gaps(np.unique(part)) for part in parts])
    return max(float(np.quantile(gaps, _QUICK_SHARE)), _LEAST_SECONDS) if len(gaps) else None


def _gaps(times: np.ndarray) -> np.ndarray:
    """Return means of a few neighbouring gaps between ascending times."""
    reach = min(_NEIGHBOURS, len(times) - 1)
    return (times[reach:] - times[:-reach]) / reach if reach else times[:0]


def pace_of(file: BinaryIO) -> float | None:
    """Return the usual duration of a film's frames in seconds, from the times of its first packets.

    None if a packet has no time, or they cannot be read.
    """
    times = []
    with suppress(ReaderError, av.FFmpegError, OSError), open_container(file) as container:
        stream = main_stream(container)
        packets = (packet for packet in container.demux(stream) if packet.size)
        for packet in itertools.islice(packets, PROBED_PACKETS):
            if packet.pts is None or stream.time_base is None:  # some times alone mislead
                return None
            times.append(float(packet.pts * stream.time_base))
    return usual_seconds(np.array(times))
