"""Reading with OpenCV: the most forgiving reader, in sequence or by proven seeks."""

import logging
from collections.abc import Callable, Iterator, Set
from contextlib import contextmanager

import cv2
import numpy as np

from vswin_cli.video.opencv_capture import open_capture, retrieve
from vswin_cli.video.opencv_packets import Packets
from vswin_cli.video.opencv_seeking import SeekError, read_by_seeking
from vswin_cli.video.reader import Decoded, ReaderError, decoder_threads

SEQUENTIAL_PIXELS = 2_000_000_000  # decoded in sequence without a thought: 30 s of 1080p
_TRIES = 100  # packets that may fail before a stream's first frame, or after a break
_REORDERED = 16  # packets at a stream's end that an edit list may hide: no break
_MAX_COUNT = 10**9  # headers that claim more frames than this claim nothing

_logger = logging.getLogger(__name__)


class OpenCvReader:
    """Decodes by OpenCV; knows no AV1, keeps what comes before a break."""

    name = "opencv"
    may_be_slowed = True

    @contextmanager
    def open(self, path: str, threads: int | None = None) -> Iterator["OpenCvVideo"]:
        """Open a file; see `Reader.open`."""
        yield OpenCvVideo(path, decoder_threads(threads))


class OpenCvVideo:
    """One file as OpenCV sees it; see `Video`."""

    def __init__(self, path: str, threads: int) -> None:
        self._path = path
        self._threads = threads
        self._may_seek = True
        self._packets: Packets | None = None
        self.doubt: str | None = None
        with open_capture(path) as capture, open_capture(path, packets_only=True) as packets:
            count = capture.get(cv2.CAP_PROP_FRAME_COUNT)  # garbage if the container states none
            self.announced_num_frames = int(count) if 0 < count < _MAX_COUNT else 0
            self._num_pixels = capture.get(cv2.CAP_PROP_FRAME_WIDTH) * capture.get(
                cv2.CAP_PROP_FRAME_HEIGHT
            )
            if _same_stream(capture, packets):
                self._packets = Packets.scan(packets)
            else:  # packets come from the main stream, frames from the first
                self.doubt = "OpenCV decodes its first video stream, which is not the main one"

    @property
    def expected_num_frames(self) -> int:
        """As many as the stream has packets."""
        return self._packets.num_packets if self._packets else self.announced_num_frames

    def read(
        self, wanted: Set[int], keep: Callable[[int, np.ndarray], None], *, until: int | None
    ) -> Decoded:
        """Decode in sequence, or where that is long and it proves exact, by seeking."""
        end = self.expected_num_frames if until is None else until
        if self._packets and self._may_seek and end * self._num_pixels > SEQUENTIAL_PIXELS:
            try:
                read_by_seeking(self._path, self._packets, wanted, keep, self._threads)
                return Decoded(self._packets.num_packets, broke=False)
            except SeekError as exc:
                self._may_seek = False
                _logger.info("OpenCV decodes the whole video: %s", exc)
        return self._read_in_sequence(wanted, keep, until)

    def _read_in_sequence(
        self, wanted: Set[int], keep: Callable[[int, np.ndarray], None], until: int | None
    ) -> Decoded:
        with open_capture(self._path, threads=self._threads) as capture:
            if not any(capture.grab() for _ in range(_TRIES)):
                expected = max(self.announced_num_frames, self.expected_num_frames)
                raise ReaderError(f"OpenCV decoded 0 of {expected} frames", kind="no_frames")
            index = 0
            while index != until:
                if index in wanted:
                    keep(index, retrieve(capture))
                index += 1
                time = capture.get(cv2.CAP_PROP_POS_MSEC)
                if not capture.grab():
                    broke = self._more_follows(capture, index, time)
                    break
            else:
                broke = False
        if broke and self._threads > 1:
            self._threads = 1  # what several make of damaged frames depends on their timing
            return self._read_in_sequence(wanted, keep, until)
        return Decoded(index, broke)

    def _more_follows(self, capture: cv2.VideoCapture, num_frames: int, time: float) -> bool:
        """Whether a decode that ended after so many frames, at that time, broke off."""
        if any(capture.grab() for _ in range(_TRIES)):  # one packet failed; after the end all do
            return True
        if not self._packets or self._packets.num_packets - num_frames <= _REORDERED:
            return False
        return bool((self._packets.times > time).sum() > _REORDERED)


def _same_stream(capture: cv2.VideoCapture, other: cv2.VideoCapture) -> bool:
    properties = (
        cv2.CAP_PROP_FOURCC,
        cv2.CAP_PROP_FPS,
        cv2.CAP_PROP_FRAME_COUNT,
        cv2.CAP_PROP_BITRATE,
    )
    return all(capture.get(name) == other.get(name) for name in properties)
