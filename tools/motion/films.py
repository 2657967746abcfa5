"""Films of several camera motions over photographs, with annotations, to test timelines.

The camera continues from its position if one motion follows another without a cut, and starts
elsewhere after a cut. Frames may be shown at uneven times; motions follow the clock, not the
frames.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np

from motion.motions import LABELS, STATIC, axis_and_sign

Rng = np.random.Generator

TICKS = 90_000  # per second, of the times of frames
ZOOM_LIMIT = 1.1  # log of the largest enlargement by one zoom
RATES = (24, 25, 30, 50, 60)


@dataclass(frozen=True)
class Part:
    """A stretch of one motion."""

    label: int
    seconds: float
    motion: np.ndarray  # (4,): right, down, larger, clockwise; short sides, log, radians per second
    starts_with_cut: bool


@dataclass(frozen=True)
class Film:
    """The plan of a film."""

    parts: tuple[Part, ...]
    times: np.ndarray  # seconds (num_frames + 1,): when each frame is shown, and the end
    width: int
    height: int
    tremor: float  # of a hand: RMS in short sides
    subject: float  # share of the picture that a moving object fills; 0 is none
    seed: int

    @property
    def starts(self) -> np.ndarray:
        """Seconds (parts + 1,): the start of each part, and the end."""
        return np.cumsum([0, *(part.seconds for part in self.parts)])

    def part_at(self, seconds: float) -> int:
        """Return the part at a time."""
        last = len(self.parts) - 1
        return min(int(np.searchsorted(self.starts, seconds + 1e-9, side="right")) - 1, last)

    @property
    def truth(self) -> list[tuple[str, float, float]]:
        """Label, start and end of each part, in seconds, at the first frame that shows it."""
        numbers = np.array([self.part_at(time) for time in self.times[:-1]])
        found = []
        for number, part in enumerate(self.parts):
            frames = np.flatnonzero(numbers == number)
            found.append((LABELS[part.label], self.times[frames[0]], self.times[frames[-1] + 1]))
        return [(label, float(start), float(end)) for label, start, end in found]


def draw_film(
    rng: Rng,
    *,
    num_parts: int = 9,
    cuts: float = 0.4,
    rate: int = 30,
    varies: bool = False,
    tremor: bool = False,
    subject: bool = False,
    size: tuple[int, int] = (320, 180),
    seconds: tuple[float, float] = (3, 8),
) -> Film:
    """Draw the plan of a film.

    Args:
        rng: Random generator.
        num_parts: Number of motions; neighbours without a cut differ.
        cuts: Probability that a part starts with a cut.
        rate: Frames per second.
        varies: Show frames at uneven times.
        tremor: Add the tremor of a hand.
        subject: Add an object that moves through the picture.
        size: Width and height.
        seconds: Shortest and longest length of a part.
    """
    parts = list[Part]()
    for number in range(num_parts):
        cut = number > 0 and bool(rng.random() < cuts)
        last = parts[-1].label if parts and not cut else None
        label = int(rng.choice([each for each in range(len(LABELS)) if each != last]))
        parts.append(_draw_part(rng, label, float(rng.uniform(*seconds)), size, cut))
    length = sum(part.seconds for part in parts)
    times = _draw_times(rng, length, rate, varies)
    speeds = [np.abs(part.motion).max() for part in parts if part.label != STATIC]
    shake = float(rng.uniform(0.2, 1) * min(0.15 * min(speeds, default=0.05), 0.008))
    share = float(rng.uniform(0.05, 0.2))
    return Film(
        tuple(parts), times, *size, shake * tremor, share * subject, int(rng.integers(1 << 31))
    )


def _draw_part(rng: Rng, label: int, seconds: float, size: tuple[int, int], cut: bool) -> Part:
    motion = np.zeros(4)
    if label != STATIC:
        axis, sign = axis_and_sign(label)
        radius = (
            0.3826 * np.hypot(*size) / np.sqrt(2) / min(size)
        )  # flow per radian, in short sides
        speed = np.exp(rng.uniform(np.log(0.06), np.log(0.5)))  # mean flow, short sides per second
        motion[axis] = speed if axis < 2 else speed / radius
        if axis == 2:
            motion[axis] = min(motion[axis], ZOOM_LIMIT / seconds)
        motion[axis] *= sign
    return Part(label, seconds, motion, cut)


def _draw_times(rng: Rng, length: float, rate: int, varies: bool) -> np.ndarray:
    """Draw the times of frames, in whole ticks."""
    if not varies:
        return np.arange(round(length * rate) + 1) * (TICKS // rate) / TICKS
    kind = rng.integers(3)
    times, now = [0.0], 0.0
    while now < length:
        if kind == 0:  # as phones do
            step = rng.uniform(0.7, 1.3) / rate
        elif kind == 1:  # half the rate in the second half
            step = (1 if now < length / 2 else 2) / rate
        else:  # a screen recorder's: frames are left out
            step = int(rng.integers(1, 4)) / (2 * rate)
        now += round(step * TICKS) / TICKS
        times.append(now)
    return np.array(times)


def frames(film: Film, pictures: Sequence[np.ndarray]) -> Iterator[np.ndarray]:
    """Film photographs, uint8 RGB; they are mirrored at their borders."""
    rng = np.random.default_rng(film.seed)
    size, short = (film.width, film.height), min(film.width, film.height)
    middle = np.array(size) / 2
    waves, phases = rng.uniform(1.5, 8, (2, 5)), rng.uniform(0, 2 * np.pi, (2, 5))
    sprite = _Subject(rng, film, pictures) if film.subject else None
    turns = list(rng.permutation(len(pictures)))
    picture, camera = pictures[turns[0]], np.eye(3)
    now, last = 0.0, -1
    for time in film.times[:-1].tolist():
        number = film.part_at(time)
        if last < 0 or (number > last and film.parts[number].starts_with_cut):
            picture = pictures[turns[number % len(turns)]]
            camera = _first_view(rng, film, number, picture)
            now = time
        while now < time:  # through all parts between the previous frame and this one
            part = film.part_at(now)
            until = min(time, float(film.starts[part + 1])) if part < len(film.parts) - 1 else time
            camera = camera @ _step(film.parts[part].motion * (until - now), middle, short)
            now = max(until, now + 1e-9)
        now, last = time, number
        shake = np.sin(2 * np.pi * waves * time + phases).mean(axis=1) * film.tremor * 3 * short
        shaken = camera @ np.array(((1, 0, shake[0]), (0, 1, shake[1]), (0, 0, 1)))
        image = cv2.warpAffine(
            picture, shaken[:2], size,
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP, borderMode=cv2.BORDER_REFLECT,
        )  # fmt: skip
        if sprite:
            sprite.draw(image, time)
        yield image


def _first_view(rng: Rng, film: Film, number: int, picture: np.ndarray) -> np.ndarray:
    """Choose where a shot starts, so that its zooms stay within the resolution of the picture."""
    zooms = [0.0]
    for part in film.parts[number:]:
        if part.starts_with_cut and part is not film.parts[number]:
            break
        zooms.append(zooms[-1] + part.motion[2] * part.seconds)
    short = min(film.width, film.height)
    visible = 0.55 * min(picture.shape[:2]) * np.exp((max(zooms) + min(zooms)) / 2)
    scale = visible / short
    x, y = rng.uniform(0.35, 0.65, 2) * picture.shape[1::-1]
    return np.array(
        ((scale, 0, x - scale * film.width / 2), (0, scale, y - scale * film.height / 2), (0, 0, 1))
    )


def _step(moved: np.ndarray, middle: np.ndarray, short: int) -> np.ndarray:
    """Map the pixels of a frame to those of the frame before; see `Part.motion`."""
    right, down, larger, clockwise = moved
    cosine, sine = np.cos(clockwise) * np.exp(-larger), np.sin(clockwise) * np.exp(-larger)
    linear = np.array(((cosine, sine), (-sine, cosine)))
    offset = middle - linear @ (middle + np.array((right, down)) * short)
    return np.vstack((np.column_stack((linear, offset)), (0, 0, 1)))


class _Subject:
    """An object that crosses the picture back and forth."""

    def __init__(self, rng: Rng, film: Film, pictures: Sequence[np.ndarray]) -> None:
        side = int(np.sqrt(film.subject * film.width * film.height))
        source = pictures[rng.integers(len(pictures))]
        self._patch = cv2.resize(source[: min(source.shape[:2]), : min(source.shape[:2])],
                                 (side, side), interpolation=cv2.INTER_AREA)  # fmt: skip
        y, x = np.mgrid[-1 : 1 : side * 1j, -1 : 1 : side * 1j]
        self._mask = ((np.abs(x) ** 4 + np.abs(y) ** 4) < 1)[..., np.newaxis]
        self._start, self._pace = rng.uniform(0, 1, 2), rng.uniform(0.05, 0.25, 2)

    def draw(self, image: np.ndarray, time: float) -> None:
        """Draw it over a frame."""
        side = len(self._patch)
        share = 1 - np.abs((self._start + self._pace * time) % 2 - 1)  # 0 … 1 … 0
        x, y = (share * (np.array(image.shape[1::-1]) - side)).astype(int)
        place = image[y : y + side, x : x + side]
        np.copyto(place, self._patch, where=self._mask)


def write_film(path: Path, film: Film, pictures: Sequence[np.ndarray], **options: str) -> Path:
    """Encode a film as H.264, with a time for every frame."""
    with av.open(str(path), "w") as container:
        settings = {"preset": "veryfast", "crf": "23"} | options
        stream = container.add_stream("libx264", rate=30, options=settings)
        stream.width, stream.height, stream.pix_fmt = film.width, film.height, "yuv420p"
        stream.time_base = stream.codec_context.time_base = Fraction(1, TICKS)
        for time, image in zip(film.times, frames(film, pictures), strict=False):
            picture = av.VideoFrame.from_ndarray(image, format="rgb24")
            picture.pts, picture.time_base = round(time * TICKS), Fraction(1, TICKS)
            container.mux(stream.encode(picture))
        container.mux(stream.encode(None))
    return path
