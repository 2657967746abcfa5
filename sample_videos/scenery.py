"""Painted scenery: a coast, a valley with a windmill, a town at night; uint8 RGB."""

from collections.abc import Callable

import cv2
import numpy as np

Color = tuple[int, int, int]
Scene = Callable[[float], np.ndarray]  # seconds to a picture

HEIGHT, WIDTH = 1080, 1760
_FIXED_POINT = 4  # bits: cv2 draws to a sixteenth of a pixel


def polygon(picture: np.ndarray, corners: list[tuple[float, float]], color: Color) -> None:
    """Fill a polygon, smooth at its edges and between whole pixels."""
    points = np.round(np.array(corners) * (1 << _FIXED_POINT)).astype(np.int32)
    cv2.fillPoly(picture, [points], color, cv2.LINE_AA, _FIXED_POINT)


def disc(picture: np.ndarray, x: float, y: float, radius: float, color: Color) -> None:
    """Fill a disc, likewise."""
    x, y, radius = (round(value * (1 << _FIXED_POINT)) for value in (x, y, radius))
    cv2.circle(picture, (x, y), radius, color, -1, cv2.LINE_AA, _FIXED_POINT)


def _blend(stops: list[Color], height: int = HEIGHT) -> np.ndarray:
    """Colours from top to bottom."""
    column = np.array(stops, np.float32)[:, np.newaxis]
    return cv2.resize(column, (WIDTH, height), interpolation=cv2.INTER_CUBIC)


def _noise(rng: np.random.Generator, rows: int, columns: int) -> np.ndarray:
    coarse = rng.standard_normal((rows, columns)).astype(np.float32)
    return cv2.resize(coarse, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)


def _clouds(rng: np.random.Generator, picture: np.ndarray, color: Color, below: int) -> None:
    density = sum(_noise(rng, 6 << step, 4 << step) / (1 << step) for step in range(5))
    fade = np.clip((below - np.arange(HEIGHT)) / below, 0, 1)[:, np.newaxis] ** 0.5
    alpha = (np.clip(density - 0.25, 0, 1) * fade)[..., np.newaxis]
    picture[:] = picture * (1 - alpha) + np.array(color) * alpha


def _hill(
    rng: np.random.Generator, picture: np.ndarray, top: float, rough: float, color: Color
) -> np.ndarray:
    """Paint a hill with meadows and bushes; return its line."""
    x = np.arange(WIDTH) / WIDTH
    line = np.full(WIDTH, float(top))
    for waves in (1, 2, 3, 5, 8, 13, 21, 40):
        line += rough * np.sin(2 * np.pi * (waves * x + rng.random())) * rng.normal() / waves
    depth = np.arange(HEIGHT)[:, np.newaxis] - line
    grass = _noise(rng, 60, 100) * 0.05 + _noise(rng, 260, 420) * 0.09 + _noise(rng, 12, 20) * 0.06
    shade = (1.1 - np.clip(depth / 700, 0, 0.5) + grass)[..., np.newaxis]
    inside = depth > 0
    picture[inside] = np.clip(np.array(color) * shade, 0, 255)[inside]
    return line


def _tree(rng: np.random.Generator, picture: np.ndarray, x: float, y: float, size: float) -> None:
    trunk, leaf = (74, 52, 38), np.array((50, 92, 48)) * rng.uniform(0.7, 1.3)
    polygon(picture, [(x - size * 0.05, y), (x + size * 0.05, y), (x, y - size)], trunk)
    for _ in range(28):
        dx, dy = rng.normal(scale=0.17, size=2) * size
        color = tuple(int(value) for value in np.clip(leaf * rng.uniform(0.7, 1.35), 0, 255))
        disc(picture, x + dx, y - size * 0.75 + dy, size * rng.uniform(0.05, 0.14), color)


def coast() -> Scene:
    """A bay at sunset: the sun, islands, a sailing boat and gulls."""
    rng = np.random.default_rng(11)
    sky = _blend([(58, 82, 140), (120, 130, 175), (240, 176, 130), (255, 214, 150)], 560)
    picture = np.zeros((HEIGHT, WIDTH, 3), np.float32)
    picture[:560] = sky
    _clouds(rng, picture, (255, 226, 205), 540)
    canvas = np.clip(picture, 0, 255).astype(np.uint8)
    disc(canvas, 1150, 470, 62, (255, 240, 190))
    for top, rough, color in ((520, 50, (126, 112, 140)), (548, 26, (88, 84, 112))):
        _hill(rng, canvas, top, rough, color)
    sea = _blend([(200, 150, 130), (70, 100, 140), (25, 60, 100)], HEIGHT - 560)
    rows = np.arange(HEIGHT - 560)[:, np.newaxis]
    columns = np.arange(WIDTH)
    glint = np.exp(-((columns - 1150) ** 2) / (2 * (60 + rows * 0.5) ** 2))
    ripples = [_noise(rng, 200, 60)[560:], _noise(rng, 120, 40)[560:]]
    cliff = canvas.copy()
    shore = _hill(rng, cliff, 900, 60, (96, 112, 66))
    for x in rng.uniform(0, WIDTH, 40):
        _tree(rng, cliff, x, shore[int(x)] + rng.uniform(5, 60), rng.uniform(60, 130))
    land = np.any(cliff != canvas, axis=2)

    def at(seconds: float) -> np.ndarray:
        painted = canvas.copy()
        mix = 0.5 + 0.5 * np.sin(seconds * 2.2)
        waves = ripples[0] * mix + ripples[1] * (1 - mix)
        light = (1 + 0.16 * waves + 0.6 * glint * (0.6 + 0.4 * waves))[..., np.newaxis]
        painted[560:] = np.clip(sea * light, 0, 255)
        x, y = 620 + 26 * seconds, 700 + 3 * np.sin(2 * seconds)
        polygon(
            painted, [(x - 70, y), (x + 75, y), (x + 50, y + 28), (x - 50, y + 28)], (92, 50, 40)
        )
        polygon(painted, [(x, y - 8), (x, y - 170), (x + 72, y - 14)], (244, 238, 226))
        polygon(painted, [(x - 6, y - 8), (x - 6, y - 140), (x - 56, y - 14)], (228, 214, 196))
        for number in range(5):
            gull_x, gull_y = 500 + 160 * number + 40 * seconds, 300 + 35 * np.sin(number * 2.1)
            lift = 9 * np.sin(7 * seconds + number)
            for side in (-1, 1):
                tip = (gull_x + 22 * side, gull_y - lift)
                polygon(
                    painted, [(gull_x, gull_y), tip, (gull_x + 9 * side, gull_y + 4)], (60, 58, 70)
                )
        painted[land] = cliff[land]
        return painted

    return at


def valley() -> Scene:
    """Hills under summer clouds, trees, and a windmill that turns."""
    rng = np.random.default_rng(5)
    picture = _blend([(70, 130, 205), (125, 178, 226), (205, 226, 236), (226, 232, 222)])
    _clouds(rng, picture, (252, 252, 250), 640)
    canvas = np.clip(picture, 0, 255).astype(np.uint8)
    for top, rough, color in (
        (500, 80, (128, 150, 168)), (590, 60, (110, 146, 116)), (690, 50, (112, 152, 78)),
        (830, 40, (134, 160, 62)),
    ):  # fmt: skip
        line = _hill(rng, canvas, top, rough, color)
        for x in rng.uniform(0, WIDTH, 26):
            size = 26 + (top - 480) * 0.28 * rng.uniform(0.7, 1.2)
            _tree(rng, canvas, x, line[int(x)] + size * rng.uniform(0.1, 1), size)
    for x, y in zip(rng.uniform(0, WIDTH, 500), rng.uniform(880, HEIGHT, 500), strict=True):
        color = ((236, 226, 120), (230, 120, 110), (240, 240, 236))[rng.integers(3)]
        disc(canvas, x, y, rng.uniform(1.5, 5), color)

    def at(seconds: float) -> np.ndarray:
        painted = canvas.copy()
        x, y = 880, 560
        polygon(painted, [(x - 62, 800), (x + 62, 800), (x + 36, y), (x - 36, y)], (222, 208, 186))
        polygon(painted, [(x - 44, y), (x + 44, y), (x, y - 52)], (124, 62, 48))
        polygon(painted, [(x - 14, 800), (x + 14, 800), (x + 14, 756), (x - 14, 756)], (84, 60, 46))
        for arm in range(4):
            turn = 0.9 * seconds + arm * np.pi / 2
            along = np.array((np.cos(turn), np.sin(turn)))
            across = np.array((-along[1], along[0])) * 17
            hub = np.array((x, y - 8))
            corners = [hub + along * 24, hub + along * 185, hub + along * 185 + across * 1.6,
                       hub + along * 24 + across * 1.6]  # fmt: skip
            polygon(painted, [tuple(corner) for corner in corners], (246, 240, 228))
        disc(painted, x, y - 8, 9, (80, 60, 50))
        return painted

    return at


def town() -> Scene:
    """Houses with lit windows under the moon; a balloon rises."""
    rng = np.random.default_rng(23)
    picture = _blend([(16, 20, 52), (36, 42, 88), (92, 74, 118), (168, 112, 116)])
    _clouds(rng, picture, (110, 104, 146), 700)
    canvas = np.clip(picture, 0, 255).astype(np.uint8)
    for x, y in zip(rng.uniform(0, WIDTH, 260), rng.uniform(0, 560, 260), strict=True):
        disc(canvas, x, y, rng.uniform(0.8, 2.6), (235, 232, 215))
    disc(canvas, 1130, 210, 70, (244, 238, 214))
    disc(canvas, 1105, 195, 16, (226, 218, 194))
    disc(canvas, 1150, 235, 11, (226, 218, 194))
    for row, (top, shade) in enumerate(((520, 62), (640, 46), (780, 30))):
        x = -60.0
        while x < WIDTH:
            width, height = rng.uniform(90, 190), rng.uniform(-70, 130)
            wall = tuple(int(shade * value) for value in (1.1, 1.0, rng.uniform(1.2, 1.6)))
            y = top - height
            polygon(canvas, [(x, HEIGHT), (x, y), (x + width, y), (x + width, HEIGHT)], wall)
            roof = tuple(int(value * 0.7) for value in wall)
            polygon(canvas, [(x - 8, y), (x + width + 8, y), (x + width / 2, y - 60)], roof)
            for window_x in np.arange(x + 16, x + width - 24, 34):
                for window_y in np.arange(y + 24, HEIGHT - 20, 48):
                    lit = (252, 210, 128) if rng.random() < 0.5 else (70, 72, 104)
                    right, bottom = window_x + 17, window_y + 26
                    polygon(canvas, [(window_x, window_y), (right, window_y), (right, bottom),
                                     (window_x, bottom)], lit)  # fmt: skip
            x += width + rng.uniform(0, 30 + 20 * row)

    def at(seconds: float) -> np.ndarray:
        painted = canvas.copy()
        x, y = 720 + 14 * seconds, 430 - 22 * seconds
        disc(painted, x, y, 58, (206, 84, 72))
        disc(painted, x - 18, y - 8, 34, (226, 132, 96))
        polygon(painted, [(x - 46, y + 38), (x + 46, y + 38), (x + 14, y + 92), (x - 14, y + 92)],
                (186, 72, 64))  # fmt: skip
        polygon(painted, [(x - 14, y + 98), (x + 14, y + 98), (x + 11, y + 120), (x - 11, y + 120)],
                (120, 86, 56))  # fmt: skip
        return painted

    return at
