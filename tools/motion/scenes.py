"""Renders clips: textures seen by the virtual camera, objects in front, nuisances."""

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from motion import textures
from motion.camera import (
    CLIP_LEN,
    INTERVAL,
    SPAN,
    Frame,
    Path,
    Rng,
    Viewpoint,
    draw_frame,
    draw_path,
    flow,
    transforms,
)
from motion.motions import STATIC, SYMMETRIES
from motion.nuisances import disturb, h264

SIDE = 96  # pixels of a crop: the protocol's
FLOW_CELLS = 6  # per side
LEAST_DETAIL = 0.08

DrawPicture = Callable[[Rng], np.ndarray]


@dataclass(frozen=True)
class Clip:
    """A view as the model sees it, or the whole picture, and its annotations."""

    frames: np.ndarray  # uint8 (frames, H, W, 3), RGB; the short side is SIDE
    label: int
    motion: np.ndarray  # (4,), of the whole picture; see `camera.Path`
    flow: np.ndarray  # float32 (frames // 4, FLOW_CELLS, FLOW_CELLS, 2), pixels per sampled frame


def render(
    rng: Rng,
    label: int,
    draw_picture: DrawPicture,
    strength: float = 1.0,
    *,
    slowness: float = 1.0,
    indices: np.ndarray | None = None,
) -> Clip:
    """Render a clip of a class.

    Args:
        rng: Random generator.
        label: Index of the class.
        draw_picture: Returns a picture to film, uint8 (H, W, 3).
        strength: Largest strength of the nuisances, drawn per clip; 1 is that of the test.
        slowness: See `camera.draw_path`.
        indices: Frames of a video to render as whole pictures, ascending; the flow is then that of
            the left or upper crop. None is one crop of one clip.
    """
    strength *= rng.uniform(0.3, 1)
    compressed = rng.random() < 0.12 * strength
    side = 2 * SIDE if compressed else SIDE
    frame = draw_frame(rng, side)
    path = draw_path(rng, label, frame, strength, slowness=slowness, indices=indices)
    whole = indices is not None
    # The crops are at the start, the end and the middle of the long side.
    free_x, free_y = frame.width - side, frame.height - side
    place = 0 if whole else rng.choice((0, 0.5, 1))
    centre = (frame.width / 2 - place * free_x, frame.height / 2 - place * free_y)
    size = (int(frame.width) // 2 * 2, int(frame.height) // 2 * 2) if whole else (side, side)

    frames, matrices = _ground(rng, path, frame, centre, size, draw_picture)
    if rng.random() < 0.25 * strength and label != STATIC:
        _add_near_layer(rng, frames, path, frame, centre, draw_picture)
    if rng.random() < 0.4 * strength:
        shot = np.arange(CLIP_LEN) * INTERVAL if indices is None else indices
        _add_objects(rng, frames, shot / (SPAN - 1), draw_picture)
    if compressed:
        frames = h264(frames, int(rng.integers(20, 36)))
        frames = _each(frames, lambda image: cv2.resize(image, None, fx=0.5, fy=0.5))
    frames = disturb(rng, frames, strength)

    steps = flow(matrices, side, FLOW_CELLS) * (SIDE / side)
    steps = np.concatenate([steps, steps[-1:]])[: len(frames) // 4 * 4]
    steps = steps.reshape(-1, 4, *steps.shape[1:])
    return Clip(frames, label, path.motion, np.median(steps[:, :3], axis=1).astype(np.float32))


def versions(rng: Rng, clip: Clip, count: int) -> list[Clip]:
    """Draw different mirrored, transposed and reversed versions of a clip."""
    drawn = [SYMMETRIES[index] for index in rng.choice(len(SYMMETRIES), count, replace=False)]
    return [
        Clip(
            np.ascontiguousarray(symmetry.of_clip(clip.frames)),
            symmetry.of_label(clip.label),
            symmetry.of_motion(clip.motion),
            symmetry.of_flow(clip.flow),
        )
        for symmetry in drawn
    ]


def _each(frames: np.ndarray, change: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    return np.stack([change(frame) for frame in frames])


def _draw_texture(rng: Rng, draw_picture: DrawPicture) -> tuple[np.ndarray, float]:
    """Draw textures until one has detail, because motion is invisible without it."""
    while True:
        texture, span = _draw_any_texture(rng, draw_picture)
        if _detail(texture, span) > LEAST_DETAIL:
            return texture, span


def _detail(texture: np.ndarray, span: float) -> float:
    """Compute the mean difference of neighbouring pixels of a view, in standard deviations."""
    seen = cv2.resize(texture, None, fx=1 / span, fy=1 / span, interpolation=cv2.INTER_NEAREST)
    gray = cv2.cvtColor(seen, cv2.COLOR_RGB2GRAY).astype(np.float32)
    steps = np.abs(np.diff(gray, axis=0)).mean() + np.abs(np.diff(gray, axis=1)).mean()
    return float(steps / max(gray.std(), 1e-3))


def _draw_any_texture(rng: Rng, draw_picture: DrawPicture) -> tuple[np.ndarray, float]:
    """Return a picture with some sharpness, and the number of its pixels per pixel of a view.

    Videos are resized without a low-pass filter, so large ones alias: this is a number above 1.
    """
    texture = draw_picture(rng)
    shrunk = rng.choice((1, 1, 1.5, 2, 3))
    if shrunk > 1:
        size = (int(texture.shape[1] / shrunk), int(texture.shape[0] / shrunk))
        texture = cv2.resize(texture, size, interpolation=cv2.INTER_AREA)
    span = float(np.exp(rng.uniform(np.log(0.6), np.log(5 if shrunk < 2 else 2.5))))
    if rng.random() < 0.3:
        texture = cv2.GaussianBlur(texture, (0, 0), span * rng.uniform(0.4, 1.5))
    return texture, span


def _viewpoint(rng: Rng, texture: np.ndarray, span: float) -> Viewpoint:
    height, width = texture.shape[:2]
    x, y = rng.uniform(0.2, 0.8, 2) * (width, height)
    turned = rng.normal(scale=0.1) if rng.random() < 0.7 else rng.uniform(-np.pi, np.pi)
    return Viewpoint(x, y, span, turned)


def _warp(texture: np.ndarray, matrix: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    return cv2.warpAffine(
        texture, matrix, size,
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP, borderMode=cv2.BORDER_REFLECT,
    )  # fmt: skip


def _ground(
    rng: Rng,
    path: Path,
    frame: Frame,
    centre: tuple[float, float],
    size: tuple[int, int],
    draw_picture: DrawPicture,
) -> tuple[np.ndarray, np.ndarray]:
    """Render the picture of the camera, with motion blur if it is fast."""
    texture, span = _draw_texture(rng, draw_picture)
    span *= SIDE / frame.short
    matrices = transforms(path, frame, centre, _viewpoint(rng, texture, span))
    frames = np.stack([_warp(texture, matrix, size) for matrix in matrices])
    if np.abs(path.motion).max() > 0.6 and rng.random() < 0.5:
        shutter = rng.uniform(0.15, 0.5)  # of the time between sampled frames
        following = np.concatenate([matrices[1:], matrices[-1:]])
        following[0] = matrices[0]
        jumps = np.abs(following - matrices).sum(axis=(1, 2))
        following = np.where((jumps > 4 * np.median(jumps))[:, None, None], matrices, following)
        later = [matrices + (following - matrices) * shutter * share for share in (0.5, 1)]
        exposures = [[_warp(texture, m, size) for m in moved] for moved in later]
        frames = np.mean([frames, *exposures], axis=0).astype(np.uint8)
    return frames, matrices


def _add_near_layer(
    rng: Rng,
    frames: np.ndarray,
    path: Path,
    frame: Frame,
    centre: tuple[float, float],
    draw_picture: DrawPicture,
) -> None:
    """Add nearer objects, which move faster under the same camera motion; in place."""
    size = frames.shape[2], frames.shape[1]
    texture, span = _draw_texture(rng, draw_picture)
    cells = int(rng.integers(3, 9))
    noise = cv2.resize(rng.standard_normal((cells, cells)), texture.shape[1::-1])
    mask = noise > np.quantile(noise, rng.uniform(0.5, 0.85))
    layer = np.dstack([texture, mask.astype(np.uint8) * 255])
    viewpoint = _viewpoint(rng, texture, span * SIDE / frame.short)
    matrices = transforms(path, frame, centre, viewpoint, rng.uniform(1.15, 2))
    for image, matrix in zip(frames, matrices, strict=True):
        _cover(image, _warp(layer, matrix, size))


def _add_objects(
    rng: Rng, frames: np.ndarray, times: np.ndarray, draw_picture: DrawPicture
) -> None:
    """Add up to four moving objects, which fill a third of the picture at most; in place."""
    times = times - times.mean()
    height, width = frames.shape[1:3]
    side = np.sqrt(height * width)
    count = int(rng.integers(1, 5))
    texture = draw_picture(rng)
    for area in rng.dirichlet(np.ones(count)) * rng.uniform(0.02, 1 / 3):
        size = float(np.sqrt(area * 4 / np.pi)) * side
        grid = np.linspace(-1.02, 1.02, 64)
        x, y = np.meshgrid(grid, grid)
        power = rng.choice((2, 4, 8))
        mask = (np.abs(x) ** power + np.abs(y) ** power < 1).astype(np.uint8) * 255
        left, top = rng.integers(0, 768 - 64, 2)
        sprite = np.dstack([texture[top : top + 64, left : left + 64], mask])
        speed = np.exp(rng.uniform(np.log(0.05), np.log(2)))
        direction = np.exp(1j * rng.uniform(0, 2 * np.pi))
        place = complex(*rng.uniform(0.1, 0.9, 2)) + speed * times * direction
        if rng.random() < 0.4:
            place += 0.1 * rng.random() * np.sin(times * rng.uniform(5, 60))
        place = (place.real % 1.3 - 0.15) * width, (place.imag % 1.3 - 0.15) * height
        stretch = np.exp(rng.normal(scale=0.3))
        turn = rng.normal(scale=0.5) * times + rng.uniform(0, 6)
        for number, image in enumerate(frames):
            cosine, sine = np.cos(turn[number]), np.sin(turn[number])
            linear = np.array(((cosine, sine), (-sine, cosine))) * 63 / size
            linear *= np.array(((stretch,), (1 / stretch,)))
            shift = np.array((31.5, 31.5)) - linear @ (place[0][number], place[1][number])
            matrix = np.column_stack((linear, shift))
            warped = cv2.warpAffine(sprite, matrix, (width, height),
                                    flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)  # fmt: skip
            _cover(image, warped)


def _cover(image: np.ndarray, layer: np.ndarray) -> None:
    """Draw a picture with an alpha channel over another; in place."""
    x, y, width, height = cv2.boundingRect(layer[..., 3])
    image, layer = image[y : y + height, x : x + width], layer[y : y + height, x : x + width]
    alpha = layer[..., 3:].astype(np.uint16)
    covered = (image * (255 - alpha) + layer[..., :3] * alpha) // 255
    image[:] = covered.astype(np.uint8)


class PicturePool:
    """Procedural pictures, each used a few times, in different poses."""

    def __init__(
        self, size: int = 48, renewed: float = 0.12, picture: DrawPicture = textures.picture
    ) -> None:
        self.picture = picture
        self.size = size
        self.renewed = renewed
        self._pictures: list[np.ndarray] = []

    def __call__(self, rng: Rng) -> np.ndarray:
        """Draw a picture."""
        if len(self._pictures) < self.size:
            self._pictures.append(self.picture(rng))
            return self._pictures[-1]
        where = int(rng.integers(self.size))
        if rng.random() < self.renewed:
            self._pictures[where] = self.picture(rng)
        return self._pictures[where]
