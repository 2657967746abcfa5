"""What every reader offers: the one small protocol that PyAV and decord are behind."""

from collections.abc import Callable, Set
from contextlib import AbstractContextManager
from typing import NamedTuple, Protocol, TypeVar

import numpy as np

from vswin_cli.sources.source import Source
from vswin_cli.video.timing import Timing

Kept = TypeVar("Kept")


class ReaderError(Exception):
    """A reader cannot read this video, or not exactly: what follows "cannot read clip.mp4: ".

    `kind` is that of the `VideoError` that this becomes if no other reader can.
    """

    def __init__(self, reason: str, kind: str = "unreadable") -> None:
        super().__init__(reason)
        self.reason = reason
        self.kind = kind


class Decoded(NamedTuple):
    """How one pass over a video ended."""

    num_frames: int  # all that decode
    num_lost: int = 0  # packets that do not decode
    num_damaged: int = 0  # frames that decode with errors


class Video(Protocol):
    """One open video; frame k is the k-th that a decode from start to end yields."""

    @property
    def expected_num_frames(self) -> int:
        """What the container makes one expect; the truth only by chance."""

    @property
    def announced_num_frames(self) -> int:
        """What the container's header claims, for messages."""

    @property
    def timing(self) -> Timing:
        """When the frames are shown."""

    @property
    def notes(self) -> tuple[str, ...]:
        """What a result from this reader should say about the video; complete after a pass."""

    def read(
        self, wanted: Set[int], keep: Callable[[int, np.ndarray], None], *, until: int | None
    ) -> Decoded:
        """Decode once, and hand over each wanted frame: RGB, uint8 (H, W, 3), upright.

        Only the frame in hand is held in memory.

        Args:
            wanted: Frame indices; those past the end are not handed over.
            keep: Called with each wanted frame's index and the frame, which it may not hold on to.
            until: Stop before this frame; None counts all there are.

        Raises:
            ReaderError: Nothing decodes, or not exactly.
        """


class Reader(Protocol):
    """A library that decodes."""

    @property
    def may_be_slowed(self) -> bool:
        """Whether it does no harm if other work delays whoever takes the frames."""

    def open(self, source: Source, threads: int | None = None) -> AbstractContextManager[Video]:
        """Open a video, to be decoded with so many threads; None is as many as processors.

        Raises:
            ReaderError: The library finds no video stream in it, or cannot decode it.
        """
