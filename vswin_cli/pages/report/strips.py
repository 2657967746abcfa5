"""A strip of frames for each video, small enough to carry thousands in one page."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import cv2
import numpy as np

from vswin_cli.runs.pool import DecodingPool
from vswin_cli.runs.videos import Found
from vswin_cli.runs.worker import Decoding
from vswin_cli.video.reading import read_video
from vswin_cli.views.views import Views, crop, resize
from vswin_cli.zoo.protocols import Sampling, ViewProtocol

STRIP = ViewProtocol(Sampling.UNIFORM, num_clips=1, num_crops=1, clip_len=5, crop_size=72)
_QUALITY = 55  # of JPEG: about 5 kB a strip

Frames = tuple[int, ...]  # indices, ascending


def strip_frames(record: Mapping[str, Any]) -> Frames:
    """Choose STRIP.clip_len of the frames that the model saw of a video, spread over them."""
    sampled = sorted({index for clip in record["clips"] for index in clip})
    middles = (np.arange(STRIP.clip_len) + 0.5) * len(sampled) / STRIP.clip_len
    return tuple(sampled[int(middle)] for middle in middles)


def strips(
    videos: Sequence[Found],
    frames: Mapping[str, Frames],
    *,
    num_workers: int,
    timeout_seconds: float,
) -> Iterator[tuple[str, bytes | None]]:
    """Yield each video's name with its strip; None if it cannot be read.

    Decoding happens in processes of its own, as for labelling, since it may hang or crash.

    Args:
        videos: What to read.
        frames: Which, by the videos' paths.
        num_workers: Decoding processes.
        timeout_seconds: For one video.
    """
    decoding = Decoding(partial(_read_frames, dict(frames)), STRIP, "auto")
    pool = DecodingPool(decoding, num_workers=num_workers, timeout_seconds=timeout_seconds)
    for decoded in pool.decode_each(videos):
        if decoded.views is None:
            yield decoded.found.video, None
        else:
            [view] = decoded.views
            yield decoded.found.video, _jpeg(np.concatenate(list(view.frames), axis=1))


def _read_frames(
    frames: Mapping[str, Frames], path: str, protocol: ViewProtocol, reader: str
) -> Views:
    """Read certain frames of a video, in a worker; the last one for those that it has no more."""

    def choose(num_frames: int) -> list[int]:
        return [min(index, num_frames - 1) for index in frames[path]]

    reading = read_video(
        path,
        reader,
        choose,
        shrink=lambda frame: crop(resize(frame, protocol.crop_size), protocol),
    )
    clip = np.array([choose(reading.num_frames)])
    return Views(reading.num_frames, clip, reading.frames)


def _jpeg(image: np.ndarray) -> bytes:
    """Encode uint8 RGB (H, W, 3)."""
    bgr = np.ascontiguousarray(image[..., ::-1])
    _, encoded = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    return encoded.tobytes()
