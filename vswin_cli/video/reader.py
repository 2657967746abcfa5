"""The interface of every reader, which hides PyAV and decord."""

from collections.abc import Callable, Set
from contextlib import AbstractContextManager
from typing import NamedTuple, Protocol, TypeVar

import numpy as np

from vswin_cli.sources.source import Source
from vswin_cli.video.timing import Timing

Kept = TypeVar("Kept")


class ReaderError(Exception):
    """A reader cannot read a video exactly; the message follows "cannot read clip.mp4: ".

    `kind` is the kind of the `VideoError` that follows if no other reader can read it.
    """

    def __init__(self, reason: str, kind: str = "unreadable") -> None:
        super().__init__(reason)
        self.reason = reason
        self.kind = kind


class Decoded(NamedTuple):
    """How one pass over a video ended."""

    num_frames: int  # frames that decode
    num_lost: int = 0  # packets that do not decode
    num_damaged: int = 0  # frames that decode with errors


class Video(Protocol):
    """An open video; frame k is the k-th frame that decoding from the start yields."""

    @property
    def expected_num_frames(self) -> int:
        """The expected number of frames by the container, which may be wrong."""

    @property
    def announced_num_frames(self) -> int:
        """The number of frames in the container's header, for messages."""

    @property
    def timing(self) -> Timing:
        """The times of the frames."""

    @property
    def notes(self) -> tuple[str, ...]:
        """Messages about the video for the results; complete after a pass."""

    def read(
        self, wanted: Set[int], keep: Callable[[int, np.ndarray], None], *, until: int | None
    ) -> Decoded:
        """Decode once, and pass on each wanted frame: upright RGB, uint8 (H, W, 3).

        Only the current frame is in memory.

        Args:
            wanted: Frame indices; indices past the end are ignored.
            keep: Called with the index of each wanted frame and the frame, which it must not keep.
            until: Stop before this frame; None decodes and counts all.

        Raises:
            ReaderError: Nothing decodes, or not exactly.
        """


class Reader(Protocol):
    """A library that decodes."""

    @property
    def may_be_slowed(self) -> bool:
        """Whether a delay between frames does no harm."""

    def open(self, source: Source, threads: int | None = None) -> AbstractContextManager[Video]:
        """Open a video to decode with a number of threads; None is the number of processors.

        Raises:
            ReaderError: The library finds no video stream, or cannot decode it.
        """
