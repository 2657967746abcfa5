"""OpenCV's settings, and the one place where it opens a file and hands out a frame."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import cv2
import numpy as np

from vswin_cli.video.reader import ReaderError, decoder_threads

# OpenCV reads these when the first file is opened; who debugs may set them to something else.
os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")  # FFmpeg says nothing on stderr
os.environ.setdefault("OPENCV_FFMPEG_CAPTURE_OPTIONS", "protocol_whitelist;file")  # no network
cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)

_DECODE = (cv2.CAP_PROP_HW_ACCELERATION, cv2.VIDEO_ACCELERATION_NONE)  # the same bits everywhere
_PACKETS_ONLY = (cv2.CAP_PROP_FORMAT, -1)


@contextmanager
def open_capture(
    path: str, *, packets_only: bool = False, threads: int | None = None
) -> Iterator[cv2.VideoCapture]:
    """Open a file with FFmpeg and nothing else: OpenCV would try image sequences and cameras.

    Args:
        path: A plain absolute name.
        packets_only: Grab the packets, undecoded, in file order.
        threads: Decoder threads; None is what this machine has, within bounds.

    Raises:
        ReaderError: FFmpeg finds no video stream in it.
    """
    options = [
        *(_PACKETS_ONLY if packets_only else _DECODE),
        *(cv2.CAP_PROP_N_THREADS, threads or decoder_threads()),
    ]
    capture = cv2.VideoCapture(path, cv2.CAP_FFMPEG, options)
    try:
        if not capture.isOpened():
            raise ReaderError("no video is found in it", kind="not_a_video")
        yield capture
    finally:
        capture.release()


def retrieve(capture: cv2.VideoCapture) -> np.ndarray:
    """RGB uint8 (H, W, 3) of the frame that was grabbed, upright.

    Raises:
        ReaderError: It cannot be converted.
    """
    try:
        success, frame = capture.retrieve()
        if success:
            rgb: np.ndarray = cv2.cvtColor(frame, cv2.COLOR_BGR2RGB)
            return rgb
    except cv2.error as exc:
        raise ReaderError(f"OpenCV cannot convert its frames to RGB ({exc.err})") from exc
    raise ReaderError("OpenCV cannot convert its frames to RGB")
