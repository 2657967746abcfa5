"""Views that are ready while the rest of their video is still being read, in another thread.

How many frames decode, and so which ones make the clips, is certain only when the reading has
ended. What is handed out before rests on what the container says, which is right but for broken
files; each view has an `identity`, and one that is not among the video's views at the end was made
for nothing.
"""

import threading
from collections.abc import Hashable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager

import numpy as np

from vswin_cli.sources.source import Location
from vswin_cli.views.views import CroppedFrame, View, Views, read_views
from vswin_cli.zoo.protocols import ViewProtocol

_STOP_SECONDS = 1.0  # to leave a decoder; one that hangs is left alone


class _Abandoned(BaseException):
    """Nobody wants the rest of the video; no reader takes it for an error of its own."""


class BeingRead:
    """A video that a thread is reading. Make it with `start_reading`."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._num_frames, self._clips = 0, np.zeros((0, 0), np.int64)  # as it seems now
        self._frames: dict[int, CroppedFrame] = {}
        self._views = Future[Views]()
        self._is_abandoned = False

    def early_views(self, *, by_information: bool = False) -> Iterator[View]:
        """Yield views as they become complete, until the whole video has been read.

        None come of a reader that must not be slowed.

        Args:
            by_information: In the order of `Views.places_by_information`, not the protocol's.
        """
        seen: set[Hashable] = set()
        while (view := self._next(seen, by_information)) is not None:
            seen.add(view.identity)
            yield view

    def views(self) -> Views:
        """Wait for the end, and return all views, as `read_views` does.

        Raises:
            VideoError: As `read_views`.
        """
        return self._views.result()

    def _next(self, seen: set[Hashable], by_information: bool) -> View | None:
        with self._changed:
            while not self._views.done():
                if self._frames:
                    views = Views(self._num_frames, self._clips, self._frames)
                    places = views.places_by_information if by_information else views.places
                    new = (place for place in places if views.identity(place) not in seen)
                    place = next(new, None)
                    if place is not None and views.has(place):
                        return views.view(place)
                self._changed.wait()
        return None

    def _read(
        self,
        location: Location | np.ndarray,
        protocol: ViewProtocol,
        reader: str,
        threads: int | None,
    ) -> None:
        """Be the thread."""
        try:
            views = read_views(
                location,
                (protocol,),
                reader,
                threads,
                on_count=self._on_count,
                on_frame=self._on_frame,
            )
        except BaseException as exc:  # raised where the views are asked for
            self._views.set_exception(exc)
        else:
            self._views.set_result(views)
        with self._changed:
            self._changed.notify()

    def _on_count(self, num_frames: int, clips: np.ndarray) -> None:
        with self._changed:
            self._num_frames, self._clips = num_frames, clips

    def _on_frame(self, index: int, frame: CroppedFrame) -> None:
        with self._changed:
            if self._is_abandoned:
                raise _Abandoned
            self._frames[index] = frame
            self._changed.notify()

    def _abandon(self, thread: threading.Thread) -> None:
        self._is_abandoned = True
        thread.join(_STOP_SECONDS)


@contextmanager
def start_reading(
    location: Location | np.ndarray, protocol: ViewProtocol, reader: str, threads: int | None = None
) -> Iterator[BeingRead]:
    """Read a video's views in a thread of its own; for the arguments see `read_views`."""
    being_read = BeingRead()
    # A daemon, because a decoder that hangs cannot be told to stop.
    thread = threading.Thread(
        target=being_read._read,
        args=(location, protocol, reader, threads),
        daemon=True,
    )
    thread.start()
    try:
        yield being_read
    finally:
        being_read._abandon(thread)
