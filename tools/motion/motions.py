"""The nine classes, and the effect of mirroring and time reversal on them.

A motion is four signed numbers, of the picture and not of the camera: right, down, larger, turned
clockwise. The camera pans left when the picture moves right, and rolls clockwise, as its operator
sees it, when the picture turns counterclockwise.
"""

from dataclasses import dataclass
from itertools import product

import numpy as np

LABELS = (
    "static",
    "pan left",
    "pan right",
    "tilt up",
    "tilt down",
    "zoom in",
    "zoom out",
    "roll clockwise",
    "roll counterclockwise",
)
STATIC = 0
NUM_AXES = 4  # right, down, larger, clockwise

_AXIS_AND_SIGN = {1: (0, 1), 2: (0, -1), 3: (1, 1), 4: (1, -1), 5: (2, 1), 6: (2, -1)}
_AXIS_AND_SIGN |= {7: (3, -1), 8: (3, 1)}
_LABEL_OF = {axis_and_sign: label for label, axis_and_sign in _AXIS_AND_SIGN.items()}


def axis_and_sign(label: int) -> tuple[int, int]:
    """Return the index and the sign of the number that a class changes; not for `STATIC`."""
    return _AXIS_AND_SIGN[label]


@dataclass(frozen=True)
class Symmetry:
    """One of the 16 ways to mirror, transpose and reverse a clip. Transposing comes last."""

    left_right: bool
    up_down: bool
    transposed: bool
    reversed: bool

    def of_clip(self, frames: np.ndarray) -> np.ndarray:
        """Apply it to frames (T, S, S, C)."""
        if self.left_right:
            frames = frames[:, :, ::-1]
        if self.up_down:
            frames = frames[:, ::-1]
        if self.transposed:
            frames = frames.transpose(0, 2, 1, 3)
        return frames[::-1] if self.reversed else frames

    def of_flow(self, flow: np.ndarray) -> np.ndarray:
        """Apply it to the flow (T, n, n, 2) of x and y, in pixels, between frames."""
        flow = self.of_clip(flow) * self._signs()[:2]
        return flow[..., ::-1] if self.transposed else flow

    def of_motion(self, motion: np.ndarray) -> np.ndarray:
        """Apply it to a motion (4,)."""
        right, down, larger, clockwise = motion * self._signs()
        if self.transposed:
            return np.array((down, right, larger, -clockwise))
        return np.array((right, down, larger, clockwise))

    def of_label(self, label: int) -> int:
        """Return the class of the changed clip, from its class."""
        if label == STATIC:
            return STATIC
        axis, sign = axis_and_sign(label)
        motion = self.of_motion(np.eye(NUM_AXES)[axis] * sign)
        axis = int(np.abs(motion).argmax())
        return _LABEL_OF[axis, int(np.sign(motion[axis]))]

    def _signs(self) -> np.ndarray:
        """Signs of right, down, larger, clockwise, before transposing."""
        x, y = (-1 if flip else 1 for flip in (self.left_right, self.up_down))
        return np.array((x, y, 1, x * y)) * (-1 if self.reversed else 1)


SYMMETRIES = tuple(Symmetry(*flags) for flags in product((False, True), repeat=4))
