"""A strip of frames for each video, small enough to carry thousands in one page."""

from collections.abc import Iterator, Sequence

import cv2
import numpy as np

from vswin_cli.labelling.finding import Found
from vswin_cli.labelling.pool import DecodingPool
from vswin_cli.labelling.worker import Decoding, decode_views
from vswin_cli.zoo.protocols import Protocol, Sampling

STRIP = Protocol(Sampling.UNIFORM, num_clips=1, num_crops=1, clip_len=5, crop_size=72)
_QUALITY = 55  # of JPEG: about 5 kB a strip


def strips(
    videos: Sequence[Found], *, num_workers: int, timeout_seconds: float
) -> Iterator[tuple[str, bytes | None]]:
    """Yield each video's name with its strip, spread over the video; None if it cannot be read.

    Decoding happens in processes of its own, as for labelling, since it may hang or crash.
    """
    decoding = Decoding(decode_views, STRIP, "auto")
    pool = DecodingPool(decoding, num_workers=num_workers, timeout_seconds=timeout_seconds)
    for decoded in pool.decode_each(videos):
        if decoded.views is None:
            yield decoded.found.video, None
        else:
            [view] = decoded.views
            yield decoded.found.video, _jpeg(np.concatenate(list(view.frames), axis=1))


def _jpeg(image: np.ndarray) -> bytes:
    """Encode uint8 RGB (H, W, 3)."""
    bgr = np.ascontiguousarray(image[..., ::-1])
    _, encoded = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    return encoded.tobytes()
