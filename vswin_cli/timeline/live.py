"""Timelines of streams: each segment is reported once, as soon as it can no longer change."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import chain
from math import inf
from time import monotonic, perf_counter

import numpy as np

from vswin_cli.films.live import LiveSequence
from vswin_cli.timeline.computing import Computing
from vswin_cli.timeline.film import FilmAnalyst, ShotSteps
from vswin_cli.timeline.making import up_to
from vswin_cli.timeline.refining import Refining
from vswin_cli.timeline.result import Segment, ShotSpan, Timeline
from vswin_cli.timeline.steps import Step, Steps
from vswin_cli.timeline.windows import Shot, Window, Windows

LAG_SECONDS = 1.0  # that a frame may wait; windows of older frames are left out
_KEPT_SECONDS = 60.0  # of a segment that continues; older steps are summed up
_USUAL_RATE = 25.0
_USUAL_LOSS = 0.1  # share of windows that a machine with other work leaves out now and then


class LiveAnalyst:
    """Follows a stream with a model.

    If frames come faster than the model computes, windows are left out, so that the delay does not
    grow.

    Args:
        analyst: Makes segments of windows.
        computing: Computes windows.
        on_segment: Called once with each segment, as soon as it can no longer change.
    """

    def __init__(
        self, analyst: FilmAnalyst, computing: Computing, on_segment: Callable[[Segment], None]
    ) -> None:
        self._analyst = analyst
        self._computing = computing
        self._on_segment = on_segment
        self._stride = analyst.sliding.stride_seconds
        self._averaging = Steps(self._stride, self._stride)
        self._refining = Refining(analyst.sliding, analyst.cutting)
        self._steps: list[Step] = []  # of the shot, since the last reported segment
        self._fine: dict[int, np.ndarray] = {}
        self._times = deque[tuple[int, float]]()  # (frame, start) that segments may need
        self._shot = Shot(0, 0, 0, 0.0, 0.0)  # begins where the last reported segment ends
        self._carried: dict[int, tuple[Segment, int]] = {}  # by class: continues; number of steps
        self._told: dict[int, float] = {}  # by class: end of its last reported segment of the shot
        self._last_middle: float | None = None
        self._shots: list[ShotSpan] = []
        self._seconds = 0.0  # that the model takes per window, approximately
        self.num_windows = 0
        self.num_skipped = 0

    def delay_seconds(self, rate: float | None) -> float:
        """Return the longest time from the end of a segment to its report.

        Args:
            rate: Frames per second.
        """
        span = self._analyst.sliding.clip_span
        window = self._analyst.sliding.window_seconds if span is None else span / (
            rate or _USUAL_RATE)  # fmt: skip
        return window + self._margin + 2 * self._stride + 2 * LAG_SECONDS

    @property
    def _margin(self) -> float:
        """Return how much time after the end of a segment can still change it."""
        return 2 * self._analyst.cutting.min_seconds + self._analyst.cutting.smooth_seconds

    def follow(self, frames: LiveSequence, on_start: Callable[[], None] = lambda: None) -> Timeline:
        """Follow the stream to its end, and return its timeline without segments.

        Args:
            frames: Frames of the stream.
            on_start: Called when the first frame has arrived.

        Raises:
            VideoError: It cannot be read.
        """
        begun = perf_counter()
        windows, pace = Windows(self._analyst.sliding), self._analyst.sliding.pace(None)
        size, end, num_come = (0, 0), 0.0, 0
        for number, live in enumerate(frames):
            frame = replace(live.frame, index=number)
            if not number:
                on_start()
                size = (frame.pixels.shape[0], frame.pixels.shape[1])
            num_come = live.frame.index + 1  # with those that were dropped
            self._times.append((live.frame.index, frame.start_seconds))
            end = frame.end_seconds
            for item in chain.from_iterable(map(windows.take, pace.take(frame))):
                age = monotonic() - live.arrived
                self._take(item, is_late=not frames.waits and age > LAG_SECONDS / 2)
        self._times.append((frames.num_frames, end))
        rest = up_to(end, frames.num_frames, windows.finish())
        for item in chain(chain.from_iterable(map(windows.take, pace.finish())), rest):
            self._take(item, is_late=False)
        return Timeline(
            video=frames.name,
            setup=self._analyst.setup,
            num_frames=frames.num_frames,
            width=size[1],
            height=size[0],
            duration_seconds=end,
            frames_per_second=num_come / max(end, 1e-9),
            segments=(),
            shots=tuple(self._shots),
            step_seconds=self._stride,
            probabilities=np.zeros((0, len(self._analyst.labels)), np.float32),
            num_windows=self.num_windows - self.num_skipped,
            elapsed_seconds=perf_counter() - begun,
            warnings=(*frames.warnings, *self._losses(frames)),
        )

    def _losses(self, frames: LiveSequence) -> Iterator[str]:
        if frames.num_dropped or self.num_skipped > _USUAL_LOSS * self.num_windows:
            yield (
                f"{frames.num_dropped} of {frames.num_frames} frames were dropped, and "
                f"{self.num_skipped} of {self.num_windows} windows left out: the model is slower "
                "than the stream; use a larger --stride"
            )

    def _take(self, item: Window | Shot, *, is_late: bool) -> None:
        if isinstance(item, Shot):
            self._end_shot(item)
            return
        self.num_windows += 1
        if is_late and self._last_middle is not None:
            self.num_skipped += 1
            return
        start = perf_counter()
        probabilities = self._computing.start(item.clip)()
        self._seconds = 0.8 * self._seconds + 0.2 * (perf_counter() - start)
        if self._last_middle is not None:  # it stands in for the windows left out before it
            gap = item.middle_seconds - self._last_middle
            self._averaging.stride_seconds = max(self._stride, gap)
        self._last_middle = item.middle_seconds
        self._steps += self._averaging.add(item, probabilities)
        if self._seconds < self._stride / 8:
            self._refining.add(item, probabilities, self._computing)
        self._fine |= self._refining.taken()
        self._tell_settled()

    def _tell_settled(self) -> None:
        """Report the segments that can no longer change."""
        if not self._steps:
            return
        end = (self._steps[-1].number + 1) * self._stride
        self._tell(self._found(end), end - self._margin)
        if end - self._shot.start_seconds > _KEPT_SECONDS:
            self._carry(end)

    def _end_shot(self, shot: Shot) -> None:
        first = self._shots[-1].end_frame if self._shots else 0
        last = next((n for n, start in self._times if start >= shot.end_seconds), first)
        self._shots.append(ShotSpan(shot.start_seconds, shot.end_seconds, first, last))
        self._steps += self._averaging.end_shot(shot)
        self._fine |= self._refining.end_shot(shot)
        self._tell(self._found(shot.end_seconds), inf)
        self._told.clear()
        self._last_middle = None
        self._averaging.stride_seconds = self._stride
        self._steps, self._fine = [], {}
        number = shot.number + 1
        self._shot = Shot(number, 0, 0, shot.end_seconds, shot.end_seconds)
        self._forget_times(shot.end_seconds)

    def _found(self, end_seconds: float) -> list[Segment]:
        """Return the segments since the last report, without the rest of reported ones."""
        shot = replace(self._shot, end_seconds=end_seconds)
        times = np.array([seconds for _, seconds in self._times])
        steps = ShotSteps(shot, self._steps, self._fine, frozenset(self._carried))
        numbers = [index for index, _ in self._times]
        return [
            replace(s, start_frame=numbers[s.start_frame], end_frame=numbers[s.end_frame])
            for s in self._analyst.segments(steps, times)
            if s.start_seconds >= self._told.get(s.index, 0.0)
        ]

    def _tell(self, found: Sequence[Segment], until: float) -> None:
        """Report the segments that end by a time, and forget the steps that only they need."""
        for index, (before, _) in [*self._carried.items()]:
            if before.end_seconds <= until and not any(self._continues(before, s) for s in found):
                self._on_segment(before)
                del self._carried[index]
        ends, needed = [], []
        for segment in found:
            if segment.end_seconds <= until:
                self._on_segment(self._joined(segment))
                self._told[segment.index] = segment.end_seconds
                ends.append(segment.end_seconds)
            else:
                needed.append(segment.start_seconds)
        if ends:
            self._forget(min([*needed, max(ends)]))

    def _continues(self, before: Segment, segment: Segment) -> bool:
        """Whether a segment continues a carried one: gaps this short are closed."""
        closed = max(self._analyst.cutting.min_seconds, self._stride)
        gap = segment.start_seconds - before.end_seconds
        return before.index == segment.index and gap < closed

    def _joined(self, segment: Segment) -> Segment:
        """Return a segment with the part of it that was carried."""
        if segment.index not in self._carried:
            return segment
        before, count = self._carried.pop(segment.index)
        steps = max((segment.end_seconds - segment.start_seconds) / self._stride, 1)
        return replace(
            segment,
            start_seconds=before.start_seconds,
            start_frame=before.start_frame,
            probability=(before.probability * count + segment.probability * steps)
            / (count + steps),
        )

    def _carry(self, end: float) -> None:
        """Summarise half of a long unreported stretch, so that memory does not grow."""
        middle = self._shot.start_seconds + _KEPT_SECONDS / 2
        frame, seconds = next((i, t) for i, t in self._times if t >= middle)
        for segment in self._found(end):
            if segment.start_seconds < middle < segment.end_seconds:
                part = self._joined(replace(segment, end_seconds=seconds, end_frame=frame))
                num_steps = round((seconds - part.start_seconds) / self._stride)
                self._carried[part.index] = part, num_steps
        self._forget(seconds)

    def _forget(self, seconds: float) -> None:
        """Drop everything before a time."""
        self._shot = replace(self._shot, start_seconds=seconds)
        self._steps = [s for s in self._steps if (s.number + 0.5) * self._stride >= seconds]
        self._fine = {n: p for n, p in self._fine.items() if (n + 0.5) * self._stride >= seconds}
        self._forget_times(seconds)

    def _forget_times(self, seconds: float) -> None:
        while len(self._times) > 1 and self._times[1][1] <= seconds:
            self._times.popleft()
