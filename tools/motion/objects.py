"""Clips of one object that moves over a still background: a training set with classes of motion.

The shapes and textures of the test are not in training, so only motion tells classes apart.
"""

import csv
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np

from motion import heldout, textures

Rng = np.random.Generator
Picture = Callable[[Rng], np.ndarray]

CLASSES = ("rolls left", "rolls right", "bounces", "circles", "grows", "shrinks")
_SPRITE = 96  # pixels of a shape before drawing


@dataclass(frozen=True)
class Look:
    """The shapes and textures of a part of the set."""

    shapes: tuple[str, ...]
    picture: Picture


LOOKS = {
    "train": Look(("disc", "square", "triangle", "hexagon"), textures.picture),
    "test": Look(("star", "ring", "cross", "crescent"), heldout.picture),
}


@dataclass(frozen=True)
class Path2D:
    """The position of an object in every frame: centre, size and rotation."""

    x: np.ndarray  # (T,) pixels
    y: np.ndarray
    radius: np.ndarray  # pixels
    turn: np.ndarray  # radians


def shape_mask(shape: str) -> np.ndarray:
    """Paint a shape, uint8 (_SPRITE, _SPRITE), 255 inside."""
    mask = np.zeros((_SPRITE, _SPRITE), np.uint8)
    centre, reach = _SPRITE // 2, _SPRITE // 2 - 2
    corners = {"square": 4, "triangle": 3, "hexagon": 6, "star": 10}
    if shape in corners:
        turns = np.arange(corners[shape]) * 2 * np.pi / corners[shape]
        reaches = np.where(np.arange(len(turns)) % 2, 0.45, 1.0) if shape == "star" else 1.0
        points = centre + reach * np.stack((np.cos(turns), np.sin(turns)), 1) * np.reshape(
            reaches, (-1, 1)
        )
        cv2.fillPoly(mask, [points.astype(np.int32)], 255, cv2.LINE_AA)
        return mask
    if shape == "cross":
        third = reach // 3
        cv2.rectangle(mask, (centre - third, 2), (centre + third, _SPRITE - 2), 255, -1)
        cv2.rectangle(mask, (2, centre - third), (_SPRITE - 2, centre + third), 255, -1)
        return mask
    cv2.circle(mask, (centre, centre), reach, 255, -1, cv2.LINE_AA)
    if shape == "ring":
        cv2.circle(mask, (centre, centre), reach // 2, 0, -1, cv2.LINE_AA)
    elif shape == "crescent":
        cv2.circle(mask, (centre + reach // 2, centre), int(0.75 * reach), 0, -1, cv2.LINE_AA)
    return mask


def draw_path(rng: Rng, label: str, num_frames: int, width: int, height: int) -> Path2D:
    """Draw a motion of a class, mostly inside the picture."""
    short = min(width, height)
    time = np.arange(num_frames)
    share = time / (num_frames - 1)
    radius = np.full(num_frames, rng.uniform(0.09, 0.17) * short)
    x = np.full(num_frames, rng.uniform(0.3, 0.7) * width)
    y = np.full(num_frames, rng.uniform(0.3, 0.7) * height)
    turn = np.full(num_frames, rng.uniform(0, 2 * np.pi))
    if label.startswith("rolls"):
        way = rng.uniform(0.45, 0.9) * width
        start = rng.uniform(0.02, 0.98 - way / width) * width
        x = start + way * share
        if label == "rolls left":
            x = width - x
        turn = turn + (x - x[0]) / radius
    elif label == "bounces":
        period = rng.uniform(18, 40)
        phase = (time / period + rng.uniform()) % 1
        drop = rng.uniform(0.25, 0.5) * height
        ground = rng.uniform(0.65, 0.9) * height
        y = ground - drop * 4 * phase * (1 - phase)
        x = x + rng.uniform(-0.1, 0.1) * width * share
    elif label == "circles":
        reach = rng.uniform(0.15, 0.3) * short
        period = rng.uniform(24, 60) * rng.choice((-1, 1))
        angle = 2 * np.pi * (time / period + rng.uniform())
        x, y = x + reach * np.cos(angle), y + reach * np.sin(angle)
    else:
        factor = rng.uniform(1.8, 3.5)
        growth = factor ** (share - 0.5)
        radius = radius * rng.uniform(0.9, 1.3) * (growth if label == "grows" else growth[::-1])
    return Path2D(x, y, radius, turn)


def render(rng: Rng, label: str, look: Look) -> np.ndarray:
    """Film a clip of a class: uint8 RGB (T, H, W, 3)."""
    width, height = (int(side) // 2 * 2 for side in (rng.uniform(128, 192), rng.uniform(112, 144)))
    num_frames = int(rng.integers(64, 90))
    path = draw_path(rng, label, num_frames, width, height)
    background = _cut(rng, look.picture(rng), width, height)
    sprite = _cut(rng, look.picture(rng), _SPRITE, _SPRITE)
    mask = shape_mask(look.shapes[rng.integers(len(look.shapes))])
    if abs(sprite[mask > 0].mean() - background.mean()) < 40:  # it must be visible
        sprite = 255 - sprite
    noise = rng.uniform(0, 4)
    frames = []
    for x, y, radius, turn in zip(path.x, path.y, path.radius, path.turn, strict=True):
        scale = 2 * radius / _SPRITE
        matrix = cv2.getRotationMatrix2D((_SPRITE / 2, _SPRITE / 2), -np.degrees(turn), scale)
        matrix[:, 2] += x - _SPRITE / 2, y - _SPRITE / 2
        drawn = cv2.warpAffine(sprite, matrix, (width, height), flags=cv2.INTER_AREA)
        alpha = cv2.warpAffine(mask, matrix, (width, height))[..., np.newaxis] / 255.0
        frame = background * (1 - alpha) + drawn * alpha
        frame += rng.normal(scale=noise, size=frame.shape)
        frames.append(np.clip(frame, 0, 255).astype(np.uint8))
    return np.stack(frames)


def encode(path: Path, frames: np.ndarray) -> None:
    """Write H.264 in MP4, 25 frames per second."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=Fraction(25), options={"crf": "20"})
        _, stream.height, stream.width, _ = frames.shape
        stream.pix_fmt = "yuv420p"
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode(None))


def make_set(folder: Path, num_train: int = 40, num_test: int = 20, seed: int = 0) -> Path:
    """Make a set of `num_train` and `num_test` clips per class; return its CSV.

    Columns are path, label and split: train or test.
    """
    rng = np.random.default_rng(seed)
    rows = []
    for split, count in (("train", num_train), ("test", num_test)):
        (folder / split).mkdir(parents=True, exist_ok=True)
        for label in CLASSES:
            for number in range(count):
                name = f"{split}/{label.replace(' ', '_')}_{number:03}.mp4"
                encode(folder / name, render(rng, label, LOOKS[split]))
                rows.append((name, label, split))
    listed = folder / "set.csv"
    with listed.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows([("path", "label", "split"), *rows])
    return listed


def _cut(rng: Rng, painted: np.ndarray, width: int, height: int) -> np.ndarray:
    side = int(rng.uniform(1.5, 4) * max(width, height))
    side = min(side, painted.shape[0])
    top, left = rng.integers(0, painted.shape[0] - side + 1, 2)
    window = painted[top : top + side, left : left + side]
    return cv2.resize(window, (width, height), interpolation=cv2.INTER_AREA)
