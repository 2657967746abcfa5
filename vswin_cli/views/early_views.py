"""Views that are ready while a thread still reads the rest of their video.

The number of frames that decode, and so the choice of frames, is certain only at the end of
reading. Earlier views rely on the container, which is right except in broken files. Each view has
an `identity`; a view whose identity is not among the final views of the video was made in vain.
"""

import threading
from collections.abc import Hashable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager

import numpy as np

from vswin_cli.sources.source import Location
from vswin_cli.views.views import CroppedFrame, View, Views, read_views
from vswin_cli.zoo.protocols import ViewProtocol

_STOP_SECONDS = 1.0  # time for a decoder to stop; one that hangs is abandoned


class _Abandoned(BaseException):
    """The rest of the video is not needed; readers do not treat this as their error."""


class BeingRead:
    """A video that a thread is reading; make it with `start_reading`."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._num_frames, self._clips = 0, np.zeros((0, 0), np.int64)  # by the container
        self._frames: dict[int, CroppedFrame] = {}
        self._views = Future[Views]()
        self._is_abandoned = False

    def early_views(self, *, by_information: bool = False) -> Iterator[View]:
        """Yield views as they become complete, until the whole video has been read.

        A reader that must not be slowed down yields none.

        Args:
            by_information: Use the order of `Views.places_by_information`, not the protocol's.
        """
        seen: set[Hashable] = set()
        while (view := self._next(seen, by_information)) is not None:
            seen.add(view.identity)
            yield view

    def views(self) -> Views:
        """Wait for the end and return all views, as `read_views` does.

        Raises:
            VideoError: As for `read_views`.
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
        """Read the video; this runs in the thread."""
        try:
            views = read_views(
                location,
                (protocol,),
                reader,
                threads,
                on_count=self._on_count,
                on_frame=self._on_frame,
            )
        except BaseException as exc:  # raised again when the views are requested
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
    """Read the views of a video in a separate thread; for the arguments see `read_views`."""
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
