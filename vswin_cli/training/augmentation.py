"""Augmentation of a clip each time it is used: other frames, another window, other colours.

Except for flips, it never changes the direction of a motion.
"""

from dataclasses import dataclass
from math import exp, log, sqrt

import cv2
import numpy as np

from vswin_cli.training.options import Augment
from vswin_cli.views.sampling import TORCHVISION_RATE
from vswin_cli.zoo.protocols import Sampling, ViewProtocol

Rng = np.random.Generator

_AREA = (0.5, 1.0)  # size of the window, as a share of the largest square
_RATIO = (3 / 4, 4 / 3)
_PACE = 4 / 3  # largest change of speed
_NEGATIVE, _STILL = 0.2, 0.5  # shares of the clips with this variation
_MOST_STILL = 0.5  # of the brightness of a view


@dataclass(frozen=True)
class Variation:
    """The variation of a clip, drawn once per use and equal in all of its frames.

    Attributes:
        window: y, x, height and width, in pixels of the frame.
        flip: Whether left and right are swapped.
        contrast: Factor around the mean.
        brightness: Added grey levels.
        colour: Factors of red, green and blue.
        grey: Whether the frames become grey.
        negative: Whether light and dark are swapped.
    """

    window: tuple[int, int, int, int]
    flip: bool = False
    contrast: float = 1.0
    brightness: float = 0.0
    colour: tuple[float, float, float] = (1.0, 1.0, 1.0)
    grey: bool = False
    negative: bool = False


def draw(rng: Rng, augment: Augment, height: int, width: int) -> Variation:
    """Draw the variation of a clip; `none` is the unchanged centre crop."""
    short = min(height, width)
    if augment == "none":
        return Variation(((height - short) // 2, (width - short) // 2, short, short))
    area, ratio = rng.uniform(*_AREA) * short**2, exp(rng.uniform(log(_RATIO[0]), log(_RATIO[1])))
    high, wide = min(round(sqrt(area / ratio)), height), min(round(sqrt(area * ratio)), width)
    top, left = rng.integers(0, height - high + 1), rng.integers(0, width - wide + 1)
    red, green, blue = rng.uniform(0.8, 1.2, 3).tolist()
    return Variation(
        (int(top), int(left), high, wide),
        flip=augment == "default" and rng.random() < 0.5,
        contrast=rng.uniform(0.6, 1.4),
        brightness=rng.uniform(-40, 40),
        colour=(red, green, blue),
        grey=rng.random() < 0.2,
        negative=rng.random() < _NEGATIVE,
    )


def apply(frames: np.ndarray, variation: Variation, size: int) -> np.ndarray:
    """Vary frames, uint8 (T, H, W, 3), into a view, uint8 (T, size, size, 3)."""
    top, left, high, wide = variation.window
    window = frames[:, top : top + high, left : left + wide]
    if variation.flip:
        window = window[:, :, ::-1]
    view = np.stack([cv2.resize(np.ascontiguousarray(each), (size, size)) for each in window])
    plain = Variation(variation.window, variation.flip)
    if variation == plain:
        return view
    pixels = view.astype(np.float32)
    if variation.grey:
        pixels[:] = pixels.mean(-1, keepdims=True)
    if variation.negative:
        pixels = 255 - pixels
    mean = np.float32(pixels.mean())
    pixels = (pixels - mean) * np.float32(variation.contrast) + mean
    pixels = (pixels + np.float32(variation.brightness)) * np.array(variation.colour, np.float32)
    return np.clip(pixels, 0, 255).astype(np.uint8)


def add_stills(rng: Rng, views: np.ndarray) -> np.ndarray:
    """Blend a still frame of another clip into half of the views, float32 (B, T, H, W, 3).

    Motion is kept, but scenery no longer identifies the class (after Wang et al., "Removing the
    background by adding the background", 2021, who use a frame of the same clip).
    """
    count = len(views)
    shares = np.where(rng.random(count) < _STILL, rng.uniform(0, _MOST_STILL, count), 0.0)
    shares = shares.astype(np.float32).reshape(-1, 1, 1, 1, 1)
    place = rng.integers(views.shape[1])
    stills = np.roll(views[:, place : place + 1], 1, axis=0)
    varied: np.ndarray = (1 - shares) * views + shares * stills
    return varied


def draw_clip(
    rng: Rng,
    num_frames: int,
    protocol: ViewProtocol,
    rate: float | None = None,
    *,
    varies_pace: bool,
) -> np.ndarray:
    """Choose frames by the protocol, at a random position: int64 (clip_len,).

    A short video starts again from its first frame. Uniform sampling takes a random frame of each
    of its segments, and has no pace.
    """
    if protocol.sampling is Sampling.UNIFORM:
        bounds = np.linspace(0, num_frames, protocol.clip_len + 1)
        drawn = bounds[:-1] + rng.random(protocol.clip_len) * np.diff(bounds)
        return np.minimum(drawn.astype(np.int64), num_frames - 1)
    step = float(protocol.frame_interval)
    if protocol.sampling is Sampling.TORCHVISION:
        step = (rate or TORCHVISION_RATE) / TORCHVISION_RATE
    if varies_pace:
        longest = max((num_frames - 1) / (max(protocol.clip_len - 1, 1) * step), 1.0)
        step *= min(exp(rng.uniform(-log(_PACE), log(_PACE))), longest)  # never wraps
    steps = np.floor(np.arange(protocol.clip_len) * step).astype(np.int64)
    start = int(rng.integers(0, max(num_frames - int(steps[-1]), 1)))
    chosen: np.ndarray = (start + steps) % num_frames
    return chosen
