"""A thread makes windows of frames, a few ahead of the model."""

import threading
from array import array
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import chain
from queue import Full, Queue
from typing import Protocol

from vswin_cli.errors import VideoError
from vswin_cli.films.sequence import TimedFrame
from vswin_cli.timeline.sliding import Sliding
from vswin_cli.timeline.windows import Shot, Window, Windows
from vswin_cli.video.reader import ReaderError

_AHEAD = 8  # windows made in advance; with fewer, processors are idle at times
_WAIT_SECONDS = 0.1
_JOIN_SECONDS = 1.0


OnFrame = Callable[[float, float | None], None]  # (end of frame, end of film if known), in s


class Frames(Protocol):
    """A source of frames; see `FrameSequence`."""

    duration_seconds: float | None
    pace_seconds: float | None
    warnings: tuple[str, ...]

    def __iter__(self) -> Iterator[TimedFrame]: ...


@dataclass(frozen=True)
class Restart:
    """The decode has started again: earlier items do not count."""


class Made:
    """The windows and shots of a film, and the times of its frames.

    Args:
        frames: Frames in order.
        sliding: Placement of windows.
        on_frame: Called with each frame, in seconds.
    """

    def __init__(self, frames: Frames, sliding: Sliding, on_frame: OnFrame) -> None:
        self._frames = frames
        self._on_frame = on_frame
        self._sliding = sliding
        self.times = array("d")  # when each frame starts
        self.end_seconds = 0.0
        self.size = (0, 0)  # (H, W) of the first frame

    def __iter__(self) -> Iterator[Window | Shot | Restart]:
        for frame in self._frames:
            if frame.index == 0:
                if self.times:
                    yield Restart()
                windows, self.times = Windows(self._sliding), array("d")
                pace = self._sliding.pace(self._frames.pace_seconds)
            if not self.times:
                self.size = (frame.pixels.shape[0], frame.pixels.shape[1])
            self.times.append(frame.start_seconds)
            self.end_seconds = frame.end_seconds
            self._on_frame(frame.end_seconds, self._frames.duration_seconds)
            yield from chain.from_iterable(map(windows.take, pace.take(frame)))
        if self.times:
            yield from chain.from_iterable(map(windows.take, pace.finish()))
            yield from up_to(self.end_seconds, len(self.times), windows.finish())


def up_to(
    end_seconds: float, num_frames: int, items: Iterable[Window | Shot]
) -> Iterator[Window | Shot]:
    """Yield the last items of a film; its last shot ends with it, even if a pace skips frames."""
    for item in items:
        if isinstance(item, Shot):
            yield replace(item, end_frame=num_frames, end_seconds=end_seconds)
        else:
            yield item


@contextmanager
def scaling(name: str) -> Iterator[None]:
    """Make a context in which frames may turn out to have an impossible shape.

    Raises:
        VideoError: A frame cannot be scaled.
    """
    try:
        yield
    except ReaderError as exc:
        raise VideoError(f"cannot read {name}: {exc.reason}; crop it", kind=exc.kind) from exc


def ahead(made: Made) -> Iterator[Window | Shot | Restart]:
    """Yield the items that a thread makes, a few in advance.

    Args:
        made: Windows and shots.

    Raises:
        VideoError: As raised by the frames.
    """
    queue = Queue[Window | Shot | Restart | BaseException | None](_AHEAD)
    is_abandoned = threading.Event()

    def put(item: Window | Shot | Restart | BaseException | None) -> bool:
        while not is_abandoned.is_set():
            try:
                queue.put(item, timeout=_WAIT_SECONDS)
            except Full:
                continue
            return True
        return False

    def make() -> None:
        try:
            for item in made:
                if not put(item):
                    return
        except BaseException as exc:  # raised again where the items are taken
            put(exc)
        else:
            put(None)

    thread = threading.Thread(target=make, daemon=True)
    thread.start()
    try:
        while (item := queue.get()) is not None:
            if isinstance(item, BaseException):
                raise item
            yield item
    finally:
        is_abandoned.set()
        thread.join(_JOIN_SECONDS)
