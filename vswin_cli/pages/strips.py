"""A strip of frames per video, small enough for thousands in one page."""

import base64
import tempfile
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from vswin_cli.pages.page import told
from vswin_cli.pages.videos import segment_of
from vswin_cli.results import TimeSpan
from vswin_cli.runs.pool import DecodingPool
from vswin_cli.runs.records import Record
from vswin_cli.runs.videos import Found
from vswin_cli.runs.worker import Decoding
from vswin_cli.video.reading import read_video
from vswin_cli.views.views import Views, crop, resize
from vswin_cli.zoo.protocols import Sampling, ViewProtocol

STRIP = ViewProtocol(Sampling.UNIFORM, num_clips=1, num_crops=1, clip_len=5, crop_size=72)
_QUALITY = 55  # JPEG quality: about 5 kB per strip

Frames = tuple[int, ...]  # indices, ascending
Track = Callable[
    [Iterable[Any], int], Iterable[Any]
]  # shows the progress of an iteration with a length


class Strips:
    """Strips by the name of their video, in an unnamed file; use it with `closing`.

    Args:
        page: The page, in whose folder the file is, because the page must fit there too.
    """

    def __init__(self, page: Path) -> None:
        with told(page):
            self._file = tempfile.TemporaryFile(dir=page.parent)  # noqa: SIM115 - it has `close`
        self._page = page
        self._places: dict[str, tuple[int, int]] = {}
        self._end = 0

    def __len__(self) -> int:
        return len(self._places)

    def close(self) -> None:
        """Delete all strips."""
        self._file.close()

    def add(self, video: str, strip: bytes) -> None:
        """Keep a strip, JPEG."""
        with told(self._page):
            self._file.seek(self._end)
            self._file.write(strip)
        self._places[video] = self._end, len(strip)
        self._end += len(strip)

    def address(self, video: str) -> str | None:
        """Return the strip of a video as a data address, if it has one."""
        if video not in self._places:
            return None
        start, length = self._places[video]
        self._file.seek(start)
        return data_address(self._file.read(length))


def read_strips(
    records: Iterable[Record],
    find: Callable[[Record], str | None],
    strips: Strips,
    *,
    num_workers: int,
    timeout_seconds: float,
    track: Track | None = None,
) -> None:
    """Read frames of all videos that are labelled and can be read.

    Decoding happens in separate processes, as for labelling, because it may hang or crash.

    Args:
        records: Records of the videos.
        find: Returns the file of a record's video if it may be shown.
        strips: Gets the strips.
        num_workers: Decoding processes.
        timeout_seconds: Time limit for one video.
        track: Gets the videos as they are done, and their number.

    Raises:
        OutputError: There is not enough space for the strips.
    """
    found, frames = [], {}
    for record in records:
        sampled = strip_frames(record)
        if sampled and (path := find(record)) is not None:
            segment = segment_of(record)
            found.append(Found(record["video"], path, segment=segment))
            frames[path, segment] = sampled
    if not found:
        return
    decoding = Decoding(partial(read_frames, frames), STRIP, "auto")
    pool = DecodingPool(decoding, num_workers=num_workers, timeout_seconds=timeout_seconds)
    each = pool.decode_each(found)
    for decoded in each if track is None else track(each, len(found)):
        if decoded.views is not None:
            [view] = decoded.views
            strips.add(decoded.found.video, jpeg(np.concatenate(list(view.frames), axis=1)))


def strip_frames(record: Record) -> Frames:
    """Choose STRIP.clip_len frames of a video, spread over those that the model saw."""
    sampled = sorted({index for clip in record.get("clips", []) for index in clip})
    if not sampled:
        return ()
    middles = (np.arange(STRIP.clip_len) + 0.5) * len(sampled) / STRIP.clip_len
    return tuple(sampled[int(middle)] for middle in middles)


def read_frames(
    frames: Mapping[tuple[str, TimeSpan | None], Frames],
    path: str,
    protocol: ViewProtocol,
    reader: str,
    segment: TimeSpan | None = None,
) -> Views:
    """Read certain frames of a video, in a worker; missing ones are replaced by the last one."""

    def choose(num_frames: int) -> list[int]:
        return [min(index, num_frames - 1) for index in frames[path, segment]]

    reading = read_video(
        path,
        reader,
        choose,
        shrink=lambda frame: crop(resize(frame, protocol.crop_size), protocol),
    )  # records count frames of the whole video
    clip = np.array([choose(reading.num_frames)])
    return Views(reading.num_frames, clip, reading.frames)


def data_address(content: bytes) -> str:
    """Make an address that contains a JPEG picture."""
    return f"data:image/jpeg;base64,{base64.b64encode(content).decode('ascii')}"


def jpeg(image: np.ndarray) -> bytes:
    """Encode uint8 RGB (H, W, 3)."""
    bgr = np.ascontiguousarray(image[..., ::-1])
    _, encoded = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    return encoded.tobytes()
