"""Hard cuts, found by PySceneDetect in passing frames."""

from collections.abc import Iterator
from typing import Any

import cv2
import numpy as np

DELAY = 2  # frames after a cut until it is known
MEMORY = 2 * DELAY + 2  # equal frames after which more of them change nothing
# It looks at grey thumbnails. In `benchmarks/timeline.py`'s films, cuts change these by 12 grey
# levels and more, 6.6 times as much as the frames around, key frames and fast cameras by 8, or 4
# times; in whole frames, hues of grey pictures alone change by more than some cuts.
_SIDE = 18  # pixels of the short side of a thumbnail
_LEAST_CHANGE = 9.0  # grey levels
_LEAST_RATIO = 4.5  # of a frame's change to the changes around it


class CutDetector:
    """Finds the frames that start a new shot.

    The adaptive detector compares the change of a frame with the changes around it, so that a fast
    camera makes no cuts. PySceneDetect is slow to import; only a process that decodes does so.
    """

    def __init__(self) -> None:
        self._shape = (0, 0)

    def _start(self, shape: tuple[int, int]) -> None:
        self._shape = shape
        self._detector = _detector()

    def cuts(self, index: int, pixels: np.ndarray) -> Iterator[int]:
        """Take the next frame, and yield the first frames of the shots found so far.

        Args:
            index: Index of the frame.
            pixels: RGB uint8 (H, W, 3), as the model gets it or larger; or luma, (H, W).
        """
        if pixels.shape[:2] != self._shape:  # not comparable with earlier frames
            if self._shape[0]:
                yield index
            self._start(pixels.shape[:2])
        grey = pixels if pixels.ndim == 2 else cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
        # A number does for a time code, of which it only takes differences.
        yield from self._detector.process_frame(index, _thumbnail(grey))


def _detector() -> Any:  # noqa: ANN401 - a class that is not there yet
    from scenedetect.detectors import AdaptiveDetector  # noqa: PLC0415

    class GreyDetector(AdaptiveDetector):
        """Uses grey pictures; the original uses hue and saturation, at ten times the cost."""

        _last: np.ndarray | None = None

        def _calculate_frame_score(self, timecode: int, grey: np.ndarray) -> float:
            """Return the difference of two pictures in grey levels, like `luma_only`."""
            last, self._last = self._last, grey
            return 0.0 if last is None else cv2.norm(last, grey, cv2.NORM_L1) / grey.size

    return GreyDetector(
        _LEAST_RATIO, DELAY + 1, DELAY, min_content_val=_LEAST_CHANGE, luma_only=True
    )


def _thumbnail(grey: np.ndarray) -> np.ndarray:
    """Return the means of a grey picture's cells, over two rows each; whole rows are fastest."""
    height, width = grey.shape
    scale = _SIDE / min(height, width)
    rows, columns = max(round(height * scale), 1), max(round(width * scale), 1)
    if height >= 2 * rows and width >= columns:
        step = height // (2 * rows)
        grey = grey[: 2 * rows * step : step, : width - width % columns]
    small: np.ndarray = cv2.resize(grey, (columns, rows), interpolation=cv2.INTER_AREA)
    return small
