"""Reading with decord, only in sequence.

decord's random access is off by some frames on MPEG program streams, packed B-frames and others,
and `skip_frames` skips too few frames when the decoder is slow, so neither is used; nor is
`get_batch`, which can hang. decord decodes ahead without a limit: the slower its frames are taken,
the more of them it keeps, so nothing slow may happen between frames. Even then it has kept a
hundred frames: 0.6 GB of 1080p, 2.5 GB of 2160p.
"""

import io
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator, Set
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import IO

import cv2  # noqa: F401  # before decord, whose FFmpeg would otherwise replace that of OpenCV
import decord
import numpy as np

from vswin_cli.sources.source import Source
from vswin_cli.system.native_stderr import native_stderr_dropped
from vswin_cli.system.platform import name_of_open_file
from vswin_cli.system.processors import decoder_threads
from vswin_cli.video.av_reader import AvVideo
from vswin_cli.video.container import open_container
from vswin_cli.video.reader import Decoded, ReaderError
from vswin_cli.video.timing import Timing

decord.logging.set_level(decord.logging.QUIET)
# decord prints nothing on stderr about repeated frames: the first one raises here.
os.environ.setdefault("DECORD_DUPLICATE_WARNING_THRESHOLD", "1.0")

_NO_REPEATED_FRAME = 1e-6  # share of the frames; decord raises an error above it


class DecordReader:
    """Decodes with decord (the decord2 distribution)."""

    may_be_slowed = False

    @contextmanager
    def open(self, source: Source, threads: int | None = None) -> Iterator["DecordVideo"]:
        """Open a video in an accepted container; see `Reader.open`."""
        with open_container(source.file) as container:
            timing = AvVideo(source.file, container, 1).timing
        with ExitStack() as stack:
            file: IO[bytes] = source.file
            if not isinstance(getattr(file, "raw", file), io.FileIO):  # decord opens only files
                file = stack.enter_context(tempfile.TemporaryFile())
                source.file.seek(0)
                shutil.copyfileobj(source.file, file)
                file.flush()
            path = stack.enter_context(name_of_open_file(file))
            video = DecordVideo(path, decoder_threads(threads), timing)
            stack.callback(video.close)
            yield video


class DecordVideo:
    """One file open in decord; see `Video`."""

    def __init__(self, path: str, threads: int, timing: Timing) -> None:
        self._path = path
        self._threads = threads
        self._capture = _open_capture(path, threads)
        self.expected_num_frames = self.announced_num_frames = len(self._capture)
        self._first: decord.nd.NDArray | None = self._next(0)
        rate = float(self._capture.get_avg_fps())
        self.timing = replace(timing, rate=rate if 0 < rate < float("inf") else None)
        self.notes = ()

    def read(
        self, wanted: Set[int], keep: Callable[[int, np.ndarray], None], *, until: int | None
    ) -> Decoded:
        """Decode from the first frame on; see `Video.read`."""
        if self._first is None:
            self._capture = _open_capture(self._path, self._threads)
            self._first = self._next(0)
        end = self.expected_num_frames if until is None else until
        for index in range(end):
            frame = self._next(index) if index else self._first
            self._first = None
            if frame is None:
                return Decoded(index)
            if index in wanted:
                keep(index, _without_padding(frame.asnumpy()))
        return Decoded(end)

    def _next(self, index: int) -> "decord.nd.NDArray | None":
        """Return the next frame, which has this index; None after the last."""
        try:
            return self._capture.next()
        except StopIteration:
            if not index:
                raise ReaderError("decord decoded no frame", kind="no_frames") from None
            return None
        except decord.DECORDLimitReachedError as exc:
            raise ReaderError(
                f"decord repeats frames in place of some that it lost, by frame {index}"
            ) from exc
        except decord.DECORDError as exc:
            # Frames decoded before the break may be lost, depending on the timing of threads, so
            # decord's frames may be incomplete even before it.
            raise ReaderError(
                f"decord stopped before frame {self.expected_num_frames} ({_reason(exc)})"
            ) from exc

    def close(self) -> None:
        """Free the decoder and its frames now, not when the garbage collector runs."""
        del self._capture


def _open_capture(path: str, threads: int) -> "decord.VideoReader":
    try:
        with native_stderr_dropped():  # no setting of decord stops its message about a bad file
            return decord.VideoReader(path, num_threads=threads, fault_tol=_NO_REPEATED_FRAME)
    except decord.DECORDError as exc:
        if "cannot find video stream" in str(exc):
            raise ReaderError("it contains no video stream", kind="not_a_video") from exc
        raise ReaderError(f"decord cannot open it ({_reason(exc)})") from exc
    except (RuntimeError, AssertionError) as exc:  # not opened; opened without a frame
        raise ReaderError("decord finds no video in it") from exc


def _reason(error: Exception) -> str:
    """Extract decord's message without source location, time, path and stack."""
    line = str(error).strip().splitlines()[0]
    if "Unable to handle EOF" in line:  # the rest is about settings
        return "it lost frames"
    return re.sub(r"^.*(\] |\.cc:\d+: |\(-?\d+ vs\. -?\d+\) )", "", line).rstrip(". ")


def _without_padding(frame: np.ndarray) -> np.ndarray:
    """Extract the RGB of a narrow frame, whose padding decord returns as more channels."""
    height, width, num_channels = frame.shape
    if num_channels == 3:
        return frame
    return frame.reshape(height, -1)[:, : 3 * width].reshape(height, width, 3)
