"""Video files with known camera motion over given pictures, on which the model is tested.

Only the names of the classes are shared with the rendering of training clips.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np

from motion.motions import LABELS, STATIC, axis_and_sign

Rng = np.random.Generator

SIZES = (  # width, height, frequency
    (320, 240, 4), (640, 360, 4), (360, 640, 2), (640, 480, 2), (854, 480, 2),
    (480, 854, 1), (1280, 720, 2), (720, 1280, 1), (1080, 1080, 1), (1920, 1080, 2),
    (1080, 1920, 1),
)  # fmt: skip
RATES = (24, 25, 30, 50, 60)
CODECS = (("libx264", "yuv420p", ".mp4"), ("mjpeg", "yuvj420p", ".avi"))


@dataclass(frozen=True)
class Shot:
    """The plan of a video; lengths are in short sides of the picture."""

    label: int
    width: int
    height: int
    rate: int  # frames per second
    seconds: float
    codec: int  # index into CODECS
    motion: tuple[
        float, float, float, float
    ]  # right, down, larger, clockwise; mean flow per second
    tremor: float  # RMS
    grain: float  # grey levels
    seed: int

    @property
    def name(self) -> str:
        """File name with all values."""
        size = f"{self.width}x{self.height}@{self.rate}"
        label = LABELS[self.label].replace(" ", "_")
        return f"{self.seed:04}-{label}-{size}{CODECS[self.codec][2]}"


def draw_shot(rng: Rng, label: int, seed: int) -> Shot:
    """Draw a shot of a class, of any size, rate, length and speed."""
    odds = np.array([often for _, _, often in SIZES])
    width, height, _ = SIZES[rng.choice(len(SIZES), p=odds / odds.sum())]
    motion = np.zeros(4)
    speed = 0.0
    if label != STATIC:
        axis, sign = axis_and_sign(label)
        speed = np.exp(rng.uniform(np.log(0.04), np.log(0.9 if axis < 2 else 0.5)))
        motion[axis] = sign * speed
        if rng.random() < 0.3:
            other = (axis + rng.integers(1, 4)) % 4
            motion[other] = rng.uniform(-0.35, 0.35) * speed
    tremor = rng.uniform(0, 0.008 if label == STATIC else min(0.2 * speed, 0.008))
    return Shot(
        label, width, height, int(rng.choice(RATES)), float(rng.uniform(2, 4)),
        int(rng.integers(len(CODECS))), tuple(motion.tolist()),
        float(tremor * (rng.random() < 0.5)), float(rng.choice((0, 0, 3, 6))), seed,
    )  # fmt: skip


def frames(shot: Shot, picture: np.ndarray) -> Iterator[np.ndarray]:
    """Film a picture, uint8 RGB; it is mirrored at its borders."""
    rng = np.random.default_rng(shot.seed)
    short = min(shot.width, shot.height)
    radius = 0.3826 * np.hypot(shot.width, shot.height) / np.sqrt(2) / short
    rates = np.array(shot.motion) / (1, 1, radius, radius)
    count = round(shot.seconds * shot.rate)
    waves = rng.uniform(1.5, 8, (2, 5))  # Hz
    phases = rng.uniform(0, 2 * np.pi, (2, 5))
    middle = np.array((picture.shape[1], picture.shape[0])) / 2
    visible = rng.uniform(0.35, 0.8) * min(picture.shape[:2])  # picture pixels per short side
    for number in range(count):
        seconds = number / shot.rate - shot.seconds / 2
        place = rates * seconds
        shake = np.sin(2 * np.pi * waves * seconds + phases).mean(axis=1) * shot.tremor * 3
        scale = visible / short * np.exp(-place[2])
        turn = place[3]
        inverse = scale * np.array(((np.cos(turn), np.sin(turn)), (-np.sin(turn), np.cos(turn))))
        moved = np.array((shot.width, shot.height)) / 2 + (place[:2] + shake) * short
        matrix = np.column_stack((inverse, middle - inverse @ moved))
        image = cv2.warpAffine(
            picture, matrix, (shot.width, shot.height),
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP, borderMode=cv2.BORDER_REFLECT,
        )  # fmt: skip
        if shot.grain:
            noise = rng.standard_normal(image.shape[:2], np.float32)[..., np.newaxis]
            image = np.clip(image + shot.grain * noise, 0, 255).astype(np.uint8)
        yield image


def film(folder: Path, shot: Shot, picture: np.ndarray) -> Path:
    """Write a shot's video file."""
    codec, pixel_format, _ = CODECS[shot.codec]
    path = folder / shot.name
    with av.open(str(path), "w") as container:
        options = {"preset": "veryfast"} if codec == "libx264" else {}
        stream = container.add_stream(codec, rate=Fraction(shot.rate), options=options)
        stream.width, stream.height, stream.pix_fmt = shot.width, shot.height, pixel_format
        if codec == "mjpeg":
            stream.bit_rate = shot.width * shot.height * shot.rate
        for image in frames(shot, picture):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode(None))
    return path
