"""Windows made of frames in a thread, a few ahead of the model that takes them."""

import threading
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from queue import Empty, Full, Queue
from time import monotonic
from typing import Protocol

from vswin_cli.errors import VideoError
from vswin_cli.films.sequence import TimedFrame
from vswin_cli.timeline.sliding import Sliding
from vswin_cli.timeline.windows import Shot, Window, Windows

_AHEAD = 4  # windows that are made before the model takes them
_WAIT_SECONDS = 0.1
_LOOK_SECONDS = 1.0  # from one look to the next at whether frames come
_JOIN_SECONDS = 1.0


class Frames(Protocol):
    """Where frames come from; see `FrameSequence`."""

    duration_seconds: float | None
    pace_seconds: float | None
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
            yield from chain.from_iterable(map(windows.take, pace.take(frame)))
        if self.times:
            yield from chain.from_iterable(map(windows.take, pace.finish()))
            yield from windows.finish()


def ahead(made: Made, timeout_seconds: float | None) -> Iterator[Window | Shot | Restart]:
    """Yield what a thread makes, a few things ahead.

    Args:
        made: Makes them.
        timeout_seconds: Without a new frame, after which the thread is left to itself; None waits.

    Raises:
        VideoError: As whatever makes them; also `timeout`.
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
        except BaseException as exc:  # raised where the items are asked for
            put(exc)
        else:
            put(None)

    def get() -> Window | Shot | Restart | BaseException | None:
        seen, since = len(made.times), monotonic()
        while True:
            try:
                return queue.get(timeout=timeout_seconds and min(timeout_seconds, _LOOK_SECONDS))
            except Empty:
                if (count := len(made.times)) != seen:
                    seen, since = count, monotonic()
                elif timeout_seconds is not None and monotonic() - since >= timeout_seconds:
                    what = f"no frame decoded for {timeout_seconds:g} s; raise --timeout"
                    return VideoError(what, kind="timeout")

    thread = threading.Thread(target=make, daemon=True)
    thread.start()
    try:
        while (item := get()) is not None:
            if isinstance(item, BaseException):
                raise item
            yield item
    finally:
        is_abandoned.set()
        thread.join(_JOIN_SECONDS)
