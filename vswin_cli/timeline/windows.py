"""Windows: the model's clip slides over every shot while frames pass."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from hashlib import blake2b

import numpy as np

from vswin_cli.films.sequence import TimedFrame
from vswin_cli.timeline.shots import DELAY, MEMORY, CutDetector
from vswin_cli.timeline.sliding import Sliding
from vswin_cli.views.sampling import clip_indices
from vswin_cli.views.views import CroppedFrame, View, resize, resize_and_crop
from vswin_cli.zoo.protocols import Sampling, ViewProtocol

_KEY_BYTES = 16


@dataclass(frozen=True)
class Shot:
    """Frames between two cuts."""

    number: int
    start_frame: int
    end_frame: int  # exclusive
    start_seconds: float
    end_seconds: float


class Picture:
    """A frame that windows may need; it is scaled and cropped when the first window needs it."""

    def __init__(self, frame: TimedFrame, protocol: ViewProtocol) -> None:
        self._source: TimedFrame | None = frame
        self._protocol = protocol

    @cached_property
    def cropped(self) -> CroppedFrame:
        """Return the frame as the model gets it."""
        assert self._source is not None
        made = resize_and_crop(self._source.pixels, self._protocol)
        self._source = None  # which may be large
        return made

    @cached_property
    def digest(self) -> bytes:
        """Digest of the pixels; equal for equal pixels."""
        return blake2b(self.cropped.pixels.data, digest_size=_KEY_BYTES).digest()


@dataclass(frozen=True)
class KeptFrame:
    """A frame at its position; positions at which a frame is held share its picture."""

    number: int  # of the position
    index: int  # of the film's frame
    seconds: float
    picture: Picture


@dataclass(frozen=True)
class Clip:
    """The frames of a window that the model gets, and a digest of the pixels of each."""

    digests: tuple[bytes, ...]
    frames: tuple[CroppedFrame, ...]

    @cached_property
    def key(self) -> bytes:
        """Key that is equal for clips with equal pixels."""
        return blake2b(b"".join(self.digests), digest_size=_KEY_BYTES).digest()

    @property
    def views(self) -> list[View]:
        """The crops of the clip; equal crops are listed once."""
        offsets = list(zip(*(frame.places for frame in self.frames), strict=True))
        numbers = [number for number, each in enumerate(offsets) if each not in offsets[:number]]
        return [View([frame.crop(n) for frame in self.frames], 1, n) for n in numbers]


@dataclass(frozen=True)
class Window:
    """One position of the model's clip in a film; windows share frames."""

    frames: tuple[KeptFrame, ...]  # all frames in its span
    end_seconds: float  # when the next frame is shown
    places: tuple[int, ...]  # positions in `frames` of those that the model gets

    @property
    def start_seconds(self) -> float:
        """Time of its first frame."""
        return self.frames[0].seconds

    @property
    def middle_seconds(self) -> float:
        """Middle of its start and end."""
        return (self.start_seconds + self.end_seconds) / 2

    @property
    def clip(self) -> Clip:
        """The frames that the model gets."""
        pictures = [self.frames[place].picture for place in self.places]
        return Clip(tuple(p.digest for p in pictures), tuple(p.cropped for p in pictures))

    def inner(self, protocol: ViewProtocol) -> "Window | None":
        """Return the clip with half the time between its frames, around the same middle.

        None if the protocol has no frame interval, or no shorter one.
        """
        interval = protocol.frame_interval // 2
        span = (protocol.clip_len - 1) * interval + 1
        has_interval = protocol.sampling in (Sampling.OFFICIAL, Sampling.MMACTION2)
        if not has_interval or not interval or span > len(self.frames):
            return None
        first = (len(self.frames) - span) // 2
        stop = first + span
        end = self.frames[stop].seconds if stop < len(self.frames) else self.end_seconds
        return Window(self.frames[first:stop], end, tuple(range(0, span, interval)))


class Windows:
    """Makes windows and shots from passing frames; keeps the frames of one window.

    Args:
        sliding: Placement of windows.
    """

    def __init__(self, sliding: Sliding) -> None:
        self._sliding = sliding
        self._protocol = sliding.protocol
        self._detector = CutDetector() if sliding.finds_shots else None
        self._frames = deque[KeptFrame]()
        self._shot_number = 0
        self._shot_start: KeptFrame | None = None
        self._next_seconds = 0.0  # earliest start of the next window
        self._covered = -1  # last frame of the shot that is in a window
        self._cuts = list[int]()  # found, ascending, not yet applied
        self._end = 0, 0.0  # frame and seconds after the latest frame
        self._last: KeptFrame | None = None
        self._repeats = 0  # of the latest frame
        self._seen = np.zeros((0, 0), np.uint8)  # the latest frame as the detector got it

    def take(self, frame: TimedFrame) -> Iterator[Window | Shot]:
        """Take the next frame; yield completed windows, and each shot after its last window.

        Args:
            frame: A held frame has the index of the previous one.
        """
        kept = self._kept(frame)
        self._frames.append(kept)
        self._end = frame.index + 1, frame.end_seconds
        if self._shot_start is None:
            self._begin(kept)
        if frame.grey is None or self._is_due(kept.number):
            _ = kept.picture.digest  # here, not in the thread of the model
        settled = kept.number - (DELAY if self._detector else 0)  # no cut will be found before it
        while self._cuts:
            yield from self._end_shot(self._cuts.pop(0))
        yield from self._whole_windows(settled + 1)

    def _kept(self, frame: TimedFrame) -> KeptFrame:
        """Number a frame, and look for cuts."""
        last, self._repeats = self._last, self._repeats + 1
        if last is not None and last.index == frame.index:
            picture, seen = last.picture, self._seen
        else:
            self._repeats = 0
            if frame.grey is None:
                side, rounding = self._protocol.short_side, self._protocol.rounding
                frame = replace(frame, picture=resize(frame.pixels, side, rounding))
            picture = Picture(frame, self._protocol)
            seen = self._seen = frame.pixels if frame.grey is None else frame.grey
        number = 0 if last is None else last.number + 1
        if self._detector and self._repeats <= MEMORY:
            self._cuts += self._detector.cuts(number, seen)
        self._last = KeptFrame(number, frame.index, frame.start_seconds, picture)
        return self._last

    def _is_due(self, number: int) -> bool:
        """Return whether a window may start at a frame or use it; mostly every second one."""
        start = self._shot_start
        assert start is not None
        return (number - start.number) % self._sliding.alignment == 0

    def finish(self) -> Iterator[Window | Shot]:
        """Yield the remaining windows and shots after the last frame."""
        if self._frames:
            yield from self._end_shot(self._frames[-1].number + 1)

    def _begin(self, first: KeptFrame) -> None:
        self._shot_start, self._next_seconds, self._covered = first, first.seconds, -1

    def _end_shot(self, cut: int) -> Iterator[Window | Shot]:
        """Yield the last windows of the shot that ends before frame `cut`, and the shot."""
        start = self._shot_start
        assert start is not None
        yield from self._whole_windows(cut)
        if self._covered < cut - 1:  # its end, in a window that ends with it; or all of it
            yield self._last_window(cut)
        after = next((frame for frame in self._frames if frame.number == cut), None)
        stop, end = (after.index, after.seconds) if after else self._end
        yield Shot(self._shot_number, start.index, stop, start.seconds, end)
        self._shot_number += 1
        while self._frames and self._frames[0].number < cut:
            self._frames.popleft()
        if self._frames:
            self._begin(self._frames[0])

    def _whole_windows(self, stop: int) -> Iterator[Window]:
        """Yield the windows before frame `stop`, and drop the frames that are no longer needed."""
        while (place := self._next_place(stop)) is not None:
            first, last = place
            self._next_seconds += self._sliding.stride_seconds
            while self._next_seconds <= self._frames[first].seconds:  # frames are further apart
                self._next_seconds += self._sliding.stride_seconds
            yield self._window(first, last + 1)
        self._forget(stop)

    def _next_place(self, stop: int) -> tuple[int, int] | None:
        """Positions of the next window's first and last frame; None if it is incomplete."""
        if not self._frames:
            return None
        base = self._frames[0].number
        count = stop - base
        span = self._sliding.clip_span
        first = next(
            (
                k
                for k in range(count if span is None else count - span + 1)
                if self._frames[k].seconds >= self._next_seconds - 1e-9 and self._is_due(base + k)
            ),
            None,
        )
        if first is None:
            return None
        if span is not None:
            last: int | None = first + span - 1
        else:
            until = self._frames[first].seconds + self._sliding.window_seconds - 1e-9
            after = next((k for k in range(first, count) if self._frames[k].seconds >= until), None)
            last = None if after is None else after - 1
        return (first, last) if last is not None and last < count else None

    def _last_window(self, cut: int) -> Window:
        """Return the last window of a shot; for a shorter shot, all of it."""
        count = cut - self._frames[0].number
        if (span := self._sliding.clip_span) is not None:
            return self._window(max(count - span, 0), count)
        end = self._frames[count].seconds if count < len(self._frames) else self._end[1]
        since = end - self._sliding.window_seconds - 1e-9
        first = next(k for k in range(count) if self._frames[k].seconds >= since or k == count - 1)
        return self._window(first, count)

    def _window(self, first: int, stop: int) -> Window:
        """Make a window from the frames at these positions."""
        inside = tuple(self._frames[k] for k in range(first, stop))
        self._covered = max(self._covered, inside[-1].number)
        [clip] = clip_indices(len(inside), self._protocol.adapted(num_clips=1)).tolist()
        end = self._frames[stop].seconds if stop < len(self._frames) else self._end[1]
        return Window(inside, end, tuple(clip))

    def _forget(self, stop: int) -> None:
        """Drop the frames that neither the next window nor the last one of the shot can need."""
        span = self._sliding.clip_span
        while len(self._frames) > 1:
            oldest = self._frames[0]
            if span is not None:
                is_needed = oldest.number >= stop - span
            else:
                reach = self._frames[-1].seconds - self._sliding.window_seconds - 1.0
                is_needed = oldest.seconds >= reach
            if is_needed or oldest.seconds >= self._next_seconds - 1e-9:
                return
            self._frames.popleft()
