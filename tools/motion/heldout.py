"""Textures for the test that no training clip shows: uint8 RGB."""

import cv2
import numpy as np

Rng = np.random.Generator
SIDE = 768


def picture(rng: Rng) -> np.ndarray:
    """Paint a picture of SIDE × SIDE."""
    kinds = (_mosaic, _marble, _bricks, _bokeh, _ridges, _weave)
    return kinds[rng.integers(len(kinds))](rng)


def _palette(rng: Rng, count: int) -> np.ndarray:
    hues = (rng.uniform(0, 180) + rng.normal(scale=25, size=count)) % 180
    colors = np.stack((hues, rng.uniform(20, 200, count), rng.uniform(30, 250, count)), 1)
    return cv2.cvtColor(colors[np.newaxis].astype(np.uint8), cv2.COLOR_HSV2RGB)[0]


def _noise(rng: Rng, cells: int) -> np.ndarray:
    coarse = rng.standard_normal((cells, cells)).astype(np.float32)
    return cv2.resize(coarse, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC)


def _turbulence(rng: Rng, coarsest: int) -> np.ndarray:
    return sum(np.abs(_noise(rng, coarsest << octave)) / (1 << octave) for octave in range(5))


def _colored(rng: Rng, values: np.ndarray) -> np.ndarray:
    """Map 0 … 1 to colours that blend."""
    stops = _palette(rng, 5).astype(np.float32)
    positions = np.clip(values, 0, 1) * 3.999
    below = positions.astype(int)
    share = (positions - below)[..., np.newaxis]
    return (stops[below] * (1 - share) + stops[below + 1] * share).astype(np.uint8)


def _mosaic(rng: Rng) -> np.ndarray:
    """Draw Voronoi cells with seams."""
    seeds = np.full((SIDE, SIDE), 255, np.uint8)
    count = int(rng.integers(60, 900))
    seeds[tuple(rng.integers(0, SIDE, (2, count)))] = 0
    distance, cells = cv2.distanceTransformWithLabels(
        seeds, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    painted = _palette(rng, int(cells.max()) + 1)[cells]
    shade = np.clip(1.15 - distance / distance.max() * rng.uniform(0, 1), 0, 1)
    return (painted * shade[..., np.newaxis]).astype(np.uint8)


def _marble(rng: Rng) -> np.ndarray:
    """Draw veins."""
    y, x = np.mgrid[:SIDE, :SIDE] / SIDE
    lean, bands = rng.uniform(0, np.pi), rng.uniform(2, 12)
    along = np.cos(lean) * x + np.sin(lean) * y
    veins = np.sin(2 * np.pi * bands * along + rng.uniform(2, 6) * _turbulence(rng, 4))
    return _colored(rng, 0.5 + 0.5 * veins)


def _bricks(rng: Rng) -> np.ndarray:
    """Draw a wall of different stones."""
    painted = np.empty((SIDE, SIDE, 3), np.uint8)
    painted[:] = _palette(rng, 1)[0]
    height = int(rng.integers(20, 90))
    width, joint = int(height * rng.uniform(1, 3)), int(rng.integers(2, 8))
    colors = _palette(rng, 40)
    for row, y in enumerate(range(0, SIDE, height)):
        for x in range(-width + (row % 2) * width // 2, SIDE, width):
            stretch = int(rng.integers(-width // 6, width // 6 + 1))
            corner = (x + width - joint + stretch, y + height - joint)
            cv2.rectangle(painted, (x, y), corner, colors[rng.integers(40)].tolist(), -1)
    grit = _turbulence(rng, 24)[..., np.newaxis]
    return np.clip(painted * (1.1 - 0.3 * grit / grit.max()), 0, 255).astype(np.uint8)


def _bokeh(rng: Rng) -> np.ndarray:
    """Draw soft discs of light on a dark ground."""
    painted = _colored(rng, 0.3 + 0.1 * _noise(rng, 5)).astype(np.float32) * 0.4
    for color in _palette(rng, int(rng.integers(40, 250))):
        disc = np.zeros((160, 160), np.float32)
        cv2.circle(disc, (80, 80), int(rng.uniform(6, 70)), float(rng.uniform(0.2, 0.8)), -1)
        disc = cv2.GaussianBlur(disc, (0, 0), rng.uniform(1, 6))[..., np.newaxis]
        left, top = rng.integers(0, SIDE - 160, 2)
        painted[top : top + 160, left : left + 160] += disc * color
    return np.clip(painted, 0, 255).astype(np.uint8)


def _ridges(rng: Rng) -> np.ndarray:
    """Draw ranges of hills under a sky."""
    painted = _colored(rng, np.linspace(0, 0.7, SIDE)[:, np.newaxis] + 0.05 * _noise(rng, 6))
    for share, color in zip(np.linspace(0.2, 1, 9), _palette(rng, 9), strict=True):
        steps = np.cumsum(rng.normal(scale=rng.uniform(1, 4), size=SIDE))
        line = SIDE * share + steps - steps.mean()
        below = np.arange(SIDE)[:, np.newaxis] > line
        grain = 1 + 0.25 * np.clip(_noise(rng, int(rng.integers(20, 200))), -1.5, 1.5)
        hill = np.clip(color * grain[..., np.newaxis], 0, 255).astype(np.uint8)
        painted[below] = hill[below]
    return painted


def _weave(rng: Rng) -> np.ndarray:
    """Draw cloth: crossing bands of different widths."""

    def bands() -> np.ndarray:
        edges = np.cumsum(rng.uniform(6, 60, SIDE))
        return np.searchsorted(edges, np.arange(SIDE))

    across, down = bands(), bands()
    colors = _palette(rng, SIDE).astype(np.float32)
    over = (across[np.newaxis] + down[:, np.newaxis]) % 2 == 0
    cloth = np.where(over[..., np.newaxis], colors[across][np.newaxis], colors[down][:, np.newaxis])
    return np.clip(cloth * (1 + 0.12 * _noise(rng, 150)[..., np.newaxis]), 0, 255).astype(np.uint8)
