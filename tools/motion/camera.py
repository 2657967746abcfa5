"""The virtual camera: its position in every frame, and the resulting flow."""

from dataclasses import dataclass

import numpy as np

from motion.motions import LABELS, NUM_AXES, STATIC, axis_and_sign

Rng = np.random.Generator
CLIP_LEN = 32
INTERVAL = 2
SPAN = (CLIP_LEN - 1) * INTERVAL + 1  # source frames that a clip spans

ASPECTS = (1.0, 1.25, 4 / 3, 1.5, 16 / 9, 16 / 9, 16 / 9, 2.0, 2.39)
ZOOM = 2  # index of the zoom among the four numbers
SLOWEST = 0.04  # mean flow across SPAN frames, in short sides: barely visible
FASTEST = np.array((3.0, 3.0, 0.9, 0.9))  # right, down, larger, clockwise


@dataclass(frozen=True)
class Frame:
    """The whole picture, in pixels; a crop is a square of its short side."""

    width: float
    height: float

    @property
    def short(self) -> float:
        """Side of a crop."""
        return min(self.width, self.height)

    @property
    def mean_radius(self) -> float:
        """Approximate mean distance of the picture's points from its centre, in short sides."""
        return 0.3826 * np.hypot(self.width, self.height) / np.sqrt(2) / self.short


def draw_frame(rng: Rng, short: float) -> Frame:
    """Draw a shape, landscape three times as often as portrait."""
    long = short * rng.choice(ASPECTS)
    return Frame(long, short) if rng.random() < 0.75 else Frame(short, long)


@dataclass(frozen=True)
class Path:
    """The motion of a camera, one row per frame.

    Rows are the position of the picture: right and down in short sides, log of the scale, radians
    clockwise.
    """

    label: int
    motion: np.ndarray  # (4,), mean flow across SPAN frames in short sides, signed
    places: np.ndarray  # (frames, 4)


def draw_path(
    rng: Rng,
    label: int,
    frame: Frame,
    strength: float = 1.0,
    *,
    slowness: float = 1.0,
    indices: np.ndarray | None = None,
) -> Path:
    """Draw a camera motion of a class.

    Args:
        rng: Random generator.
        label: Index of the class.
        frame: Its shape determines the flow of a zoom or a roll.
        strength: Strength of the nuisances; 1 is that of the test.
        slowness: 1 draws all magnitudes of speed equally often, larger numbers more slow ones.
        indices: Frames of a video, ascending; None is those of one clip.
    """
    times, num_frames = _frame_times(rng, strength, indices)
    spans = 1.0 if indices is None else max(num_frames / SPAN, 1.0)
    motion = np.zeros(NUM_AXES)
    fastest = 0.0
    if label != STATIC:
        axis, sign = axis_and_sign(label)
        slowest = SLOWEST * max(1.0, SPAN / num_frames) * (1 + 3 * max(1 - strength, 0))
        # A long zoom would leave the texture.
        limit = FASTEST[axis] / (spans if axis == ZOOM else 1)
        fastest = slowest * (limit / slowest) ** (rng.random() ** slowness)
        motion[axis] = sign * fastest
        if rng.random() < 0.45 * strength:
            others = [other for other in range(NUM_AXES) if other != axis]
            for other in rng.permutation(others)[: rng.integers(1, 3)]:
                motion[other] = rng.uniform(-0.4, 0.4) * fastest * strength
            secondary = np.delete(motion, axis)
            largest = np.linalg.norm(secondary) / (0.42 * fastest)
            motion *= np.where(np.arange(NUM_AXES) == axis, 1, 1 / max(largest, 1))
    per_unit = np.array((1, 1, 1 / frame.mean_radius, 1 / frame.mean_radius))
    progress = _progress(rng, strength)(times / spans) * spans
    places = motion * per_unit * progress[:, np.newaxis]
    if rng.random() < 0.6 * strength:
        amplitude = rng.uniform(0, 0.01) if label == STATIC else rng.uniform(0, 1) * min(
            0.2 * fastest, 0.02)  # fmt: skip
        places += _shake(rng, times, amplitude)
    return Path(label, motion, places)


def _frame_times(rng: Rng, strength: float, indices: np.ndarray | None) -> tuple[np.ndarray, int]:
    """Draw when each frame was shot, in shares of SPAN, and the number of frames of the video.

    In short videos, a clip starts again; some videos repeat frames, as after a conversion of the
    rate.
    """
    if indices is not None:
        num_frames = int(indices[-1]) + 1
    else:
        indices = np.arange(CLIP_LEN) * INTERVAL
        num_frames = SPAN + 1
        if rng.random() < 0.3:
            num_frames = int(rng.integers(32, SPAN + 1))
            indices = indices % num_frames
    times = indices.astype(float)
    kind = rng.random()
    if kind < 0.12 * strength:
        rate = rng.choice((0.4, 0.48, 0.5, 0.8, 0.83))  # of distinct frames
        times = np.floor(times * rate + rng.random()) / rate
    elif kind < 0.2 * strength:
        for where in rng.integers(1, len(times), rng.integers(1, 5)):
            times[where] = times[where - 1]
    return times / (SPAN - 1), num_frames


def _progress(rng: Rng, strength: float):  # noqa: ANN202
    """Draw the progress of a motion over time, from 0 to 1, never backward."""
    grid = np.linspace(0, 1.2, 200)
    kind = rng.random()
    speed = np.ones_like(grid)
    if kind < 0.2 * strength:  # eases in and out
        speed = np.sin(np.clip(grid, 0, 1) * np.pi) ** rng.uniform(0.5, 1.5)
    elif kind < 0.4 * strength:  # grows or fades
        speed = np.linspace(1, rng.uniform(0.2, 1), len(grid))[:: rng.choice((-1, 1))]
    elif kind < 0.5 * strength:  # stands still at one end
        start = rng.uniform(0, 0.3)
        speed = (grid > start).astype(float) if rng.random() < 0.5 else grid < 1 - start
    if rng.random() < 0.3 * strength:  # uneven
        speed = speed * (1 + 0.5 * np.sin(grid * rng.uniform(6, 40) + rng.uniform(0, 6)))
    done = np.cumsum(speed)
    done = done / np.interp(1, grid, done)
    return lambda times: np.interp(times, grid, done)


def _shake(rng: Rng, times: np.ndarray, amplitude: float) -> np.ndarray:
    """Draw the tremor of a hand (frames, 4) around zero. The amplitude is RMS in short sides."""
    waves = rng.uniform(2, 14, (6, 1))  # cycles in SPAN
    phases = rng.uniform(0, 2 * np.pi, (6, 3))
    sizes = rng.standard_normal((6, 3)) / waves**0.5
    angles = 2 * np.pi * waves[..., np.newaxis] * times + phases[..., np.newaxis]
    tremor = np.einsum("wa,wat->ta", sizes, np.sin(angles))
    tremor *= amplitude / max(float(tremor[:, :2].std()), 1e-9)
    shake = np.zeros((len(times), NUM_AXES))
    shake[:, [0, 1, 3]] = tremor * (1, 1, 0.5)
    return shake


@dataclass(frozen=True)
class Viewpoint:
    """The part of a texture in the middle of the picture at the middle of the clip."""

    x: float  # texture pixels
    y: float
    scale: float  # texture pixels a picture pixel
    angle: float  # radians


def transforms(
    path: Path, frame: Frame, centre: tuple[float, float], viewpoint: Viewpoint, nearness: float = 1
) -> np.ndarray:
    """Compute the (frames, 2, 3) matrices from a crop's pixels to texture pixels.

    Args:
        path: Motion of the camera.
        frame: The whole picture.
        centre: Centre of the picture, in pixels of the crop.
        viewpoint: Position at the middle of the clip.
        nearness: Flow of this texture, divided by that of the far ground.
    """
    places = path.places * (nearness, nearness, nearness, 1)
    middle = places[len(places) // 2]
    scale = viewpoint.scale * np.exp(-(places[:, 2] - middle[2]))
    angle = viewpoint.angle + places[:, 3] - middle[3]
    steps = np.diff(places[:, 0] + 1j * places[:, 1], prepend=places[0, 0] + 1j * places[0, 1])
    to_texture = scale * np.exp(-1j * angle)
    origin = -np.cumsum(steps * frame.short * to_texture)
    origin += viewpoint.x + 1j * viewpoint.y - origin[len(places) // 2]
    origin -= to_texture * complex(*centre)
    first, second = to_texture, 1j * to_texture  # columns: where x and y go
    rows = (
        np.stack((first.real, second.real, origin.real), 1),
        np.stack((first.imag, second.imag, origin.imag), 1),
    )
    return np.stack(rows, 1)


def flow(matrices: np.ndarray, side: float, cells: int) -> np.ndarray:
    """Compute the flow (frames - 1, cells, cells, 2) in pixels at the cells of a crop."""
    middles = (np.arange(cells) + 0.5) * side / cells
    y, x = np.meshgrid(middles, middles, indexing="ij")
    points = (x + 1j * y)[np.newaxis]
    column = (matrices[:, 0, 0] + 1j * matrices[:, 1, 0])[:, np.newaxis, np.newaxis]
    origin = (matrices[:, 0, 2] + 1j * matrices[:, 1, 2])[:, np.newaxis, np.newaxis]
    seen = column[:-1] * points + origin[:-1]
    moved = (seen - origin[1:]) / column[1:] - points
    return np.stack((moved.real, moved.imag), -1)


assert len(LABELS) == 2 * NUM_AXES + 1
