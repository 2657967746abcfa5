"""Windows made of frames in a thread, a few ahead of the model that takes them."""

import threading
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from queue import Full, Queue
from typing import Protocol

from vswin_cli.films.sequence import TimedFrame
from vswin_cli.timeline.windows import Shot, Sliding, Window, Windows

_AHEAD = 4  # windows that are made before the model takes them
_WAIT_SECONDS = 0.1


class Frames(Protocol):
    """Where frames come from; see `FrameSequence`."""

    duration_seconds: float | None
    warnings: tuple[str, ...]

    def __iter__(self) -> Iterator[TimedFrame]: ...


@dataclass(frozen=True)
class Restart:
    """The decode has started over: what came before does not count."""


class Made:
    """The windows and shots of a film's frames, and the times of these."""

    def __init__(self, frames: Frames, sliding: Sliding) -> None:
        self._frames = frames
        self._sliding = sliding
        self.times = array("d")  # when each frame starts
        self.end_seconds = 0.0
        self.size = (0, 0)  # (H, W) of the first frame

    def __iter__(self) -> Iterator[Window | Shot | Restart]:
        windows = Windows(self._sliding)
        for frame in self._frames:
            if frame.index == 0 and self.times:
                yield Restart()
                windows, self.times = Windows(self._sliding), array("d")
            if not self.times:
                self.size = (frame.pixels.shape[0], frame.pixels.shape[1])
            self.times.append(frame.start_seconds)
            self.end_seconds = frame.end_seconds
            yield from windows.take(frame)
        yield from windows.finish()


def ahead(items: Iterator[Window | Shot | Restart]) -> Iterator[Window | Shot | Restart]:
    """Yield what a thread makes, a few things ahead.

    Raises:
        VideoError: As whatever makes them.
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
            for item in items:
                if not put(item):
                    return
        except BaseException as exc:  # raised where the items are asked for
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
        thread.join(1.0)
