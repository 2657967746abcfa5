"""Procedural pictures to film, uint8 RGB, from a random generator."""

import cv2
import numpy as np

Rng = np.random.Generator
SIDE = 768  # pixels of a picture


def picture(rng: Rng) -> np.ndarray:
    """Paint a picture of SIDE × SIDE: one texture, or two that meet at a border."""
    painted = _texture(rng)
    if rng.random() < 0.35:
        border = _smooth_noise(rng, int(rng.integers(2, 6)))[..., np.newaxis]
        painted = np.where(border > rng.normal(scale=0.4), painted, _texture(rng))
    return painted


def _texture(rng: Rng) -> np.ndarray:
    kinds = (_dead_leaves, _noise_octaves, _gradient, _text, _buildings, _strokes)
    kind = kinds[rng.choice(len(kinds), p=(0.3, 0.25, 0.1, 0.1, 0.1, 0.15))]
    return kind(rng)


def _color(rng: Rng) -> tuple[int, int, int]:
    """Draw a colour, mostly muted: grey plus a little of each channel."""
    gray = rng.uniform(10, 245)
    red, green, blue = np.clip(gray + rng.normal(scale=rng.choice((8, 25, 60)), size=3), 0, 255)
    return int(red), int(green), int(blue)


def _smooth_noise(rng: Rng, cells: int, channels: int = 1) -> np.ndarray:
    """Return float32 (SIDE, SIDE[, channels]): unit noise, interpolated between cells."""
    noise = rng.standard_normal((cells + 2, cells + 2, channels), np.float32)
    smooth: np.ndarray = cv2.resize(noise, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC)
    return smooth


def _noise_octaves(rng: Rng) -> np.ndarray:
    """Draw cloud-like noise; the exponent runs from blurred to rough."""
    exponent = rng.uniform(0.4, 1.3)
    total = np.zeros((SIDE, SIDE), np.float32)
    for octave in range(2, 9):
        total += _smooth_noise(rng, 1 << octave) * np.float32(2.0 ** (-exponent * octave))
    total = np.clip((total / total.std() + 2) / 4, 0, 1)[..., np.newaxis]
    dark, light = (np.array(_color(rng), np.float32) for _ in range(2))
    return (dark + (light - dark) * total).astype(np.uint8)


def _dead_leaves(rng: Rng) -> np.ndarray:
    """Draw overlapping shapes of all sizes, with edges distributed as in photographs."""
    painted = np.empty((SIDE, SIDE, 3), np.uint8)
    painted[:] = _color(rng)
    count = int(rng.integers(200, 1500))
    smallest, largest = rng.uniform(2, 10), rng.uniform(60, 250)
    share = rng.random(count)
    radii = (largest**-2 + share * (smallest**-2 - largest**-2)) ** -0.5  # density r**-3
    palette = [_color(rng) for _ in range(int(rng.integers(3, 30)))]
    round_leaves = rng.random() < 0.5
    for radius, (x, y), turn in zip(
        np.sort(radii)[::-1], rng.uniform(0, SIDE, (count, 2)), rng.uniform(0, 180, count),
        strict=True,
    ):  # fmt: skip
        color = palette[rng.integers(len(palette))]
        axes = (int(radius + 1), int(radius * (1 if round_leaves else rng.uniform(0.2, 1)) + 1))
        if round_leaves or rng.random() < 0.5:
            cv2.ellipse(painted, (int(x), int(y)), axes, turn, 0, 360, color, -1, cv2.LINE_AA)
        else:
            corners = cv2.boxPoints(((x, y), (2.0 * axes[0], 2.0 * axes[1]), turn))
            cv2.fillConvexPoly(painted, corners.astype(np.int32), color, cv2.LINE_AA)
    return painted


def _gradient(rng: Rng) -> np.ndarray:
    """Draw a sky: blending colours with a few soft blobs."""
    corners = np.array([[_color(rng) for _ in range(3)] for _ in range(3)], np.float32)
    painted = cv2.resize(corners, (SIDE, SIDE), interpolation=cv2.INTER_LINEAR)
    painted += _smooth_noise(rng, int(rng.integers(4, 20)))[..., np.newaxis] * rng.uniform(5, 30)
    return np.clip(painted, 0, 255).astype(np.uint8)


def _text(rng: Rng) -> np.ndarray:
    """Draw lines of letters on a plain ground."""
    painted = np.empty((SIDE, SIDE, 3), np.uint8)
    painted[:] = _color(rng)
    ink = _color(rng)
    font = int(rng.choice((cv2.FONT_HERSHEY_SIMPLEX, cv2.FONT_HERSHEY_COMPLEX)))
    size = rng.uniform(0.5, 3)
    spacing = int(rng.uniform(25, 50) * size)
    for y in range(spacing, SIDE + spacing, spacing):
        letters = rng.integers(97, 123, 60)
        letters[rng.random(60) < 0.18] = 32
        x = int(rng.uniform(-60, 20))
        cv2.putText(painted, bytes(letters.astype(np.uint8)).decode(), (x, y), font, size, ink,
                    int(rng.integers(1, 4)), cv2.LINE_AA)  # fmt: skip
    return painted


def _buildings(rng: Rng) -> np.ndarray:
    """Draw upright boxes with rows of windows."""
    painted = np.empty((SIDE, SIDE, 3), np.uint8)
    painted[:] = _color(rng)
    for _ in range(int(rng.integers(15, 60))):
        left, top = (int(place) for place in rng.uniform(-50, SIDE, 2))
        width, height = (int(side) for side in rng.uniform(30, 260, 2))
        cv2.rectangle(painted, (left, top), (left + width, top + height), _color(rng), -1)
        step_x, step_y = (int(step) for step in rng.uniform(9, 40, 2))
        glass = _color(rng)
        for x in range(left + 3, left + width - step_x, step_x):
            for y in range(top + 3, top + height - step_y, step_y):
                if rng.random() < 0.85:
                    corner = (x + int(step_x * 0.6), y + int(step_y * 0.6))
                    cv2.rectangle(painted, (x, y), corner, glass, -1)
    return painted


def _strokes(rng: Rng) -> np.ndarray:
    """Draw grass, twigs and wires: curves in all directions over a soft ground."""
    painted = _gradient(rng)
    palette = [_color(rng) for _ in range(6)]
    lean, spread = rng.uniform(0, np.pi), rng.uniform(0.2, 1.5)
    for _ in range(int(rng.integers(100, 700))):
        start = rng.uniform(0, SIDE, 2)
        angle = rng.normal(lean, spread)
        length, bend = rng.uniform(10, 200), rng.normal(scale=0.3)
        steps = np.linspace(0, 1, 6)
        turn = angle + bend * steps
        curve = start + np.stack((np.cos(turn), np.sin(turn)), 1) * (length * steps)[:, np.newaxis]
        cv2.polylines(painted, [curve.astype(np.int32)], False, palette[rng.integers(6)],
                      int(rng.integers(1, 6)), cv2.LINE_AA)  # fmt: skip
    return painted
