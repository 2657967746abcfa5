"""Hard cuts, found by PySceneDetect while frames pass by."""

from collections.abc import Iterator

import cv2
import numpy as np

DELAY = 2  # frames after a cut until it is known
MEMORY = 2 * DELAY + 2  # equal frames, after which more of them change nothing
_RATE = 25.0  # of the detector's time codes, which count frames
# It looks at grey thumbnails. In `benchmarks/timeline.py`'s films, cuts change these by 12 grey
# levels and more, 6.6 times as much as the frames around, key frames and fast cameras by 8, or 4
# times; in whole frames, hues of grey pictures alone change by more than some cuts.
_SIDE = 18  # pixels of a thumbnail's short side
_LEAST_CHANGE = 9.0  # grey levels
_LEAST_RATIO = 4.5  # of a frame's change to those around it


class CutDetector:
    """Tells which frames start a new shot.

    The adaptive detector compares a frame's change with that of the frames around it, so that a
    fast camera makes no cuts. PySceneDetect is slow to import; only a process that decodes does.
    """

    def __init__(self) -> None:
        self._shape = (0, 0)

    def _start(self, shape: tuple[int, int]) -> None:
        from scenedetect.detectors import AdaptiveDetector  # noqa: PLC0415

        self._shape = shape
        self._detector = AdaptiveDetector(
            _LEAST_RATIO, DELAY + 1, DELAY, min_content_val=_LEAST_CHANGE, luma_only=True
        )

    def cuts(self, index: int, pixels: np.ndarray) -> Iterator[int]:
        """Take the next frame, and yield the first frames of shots that are known by now.

        Args:
            index: Of the frame.
            pixels: RGB uint8 (H, W, 3), as the model sees it or larger; or grey, (H, W).
        """
        if pixels.shape[:2] != self._shape:  # which is compared with nothing before it
            if self._shape[0]:
                yield index
            self._start(pixels.shape[:2])
        from scenedetect.common import FrameTimecode  # noqa: PLC0415

        height, width = self._shape
        scale = _SIDE / min(height, width)
        size = (max(round(width * scale), 1), max(round(height * scale), 1))
        grey = pixels if pixels.ndim == 2 else cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
        grey = cv2.resize(grey, size, interpolation=cv2.INTER_AREA)
        bgr = cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR)
        for code in self._detector.process_frame(FrameTimecode(index, _RATE), bgr):
            yield code.frame_num
