"""The clips of each step and their augmentation, which depend only on the seed and the step."""

from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from vswin_cli.training.augmentation import add_stills, apply, draw
from vswin_cli.training.clips import Clips
from vswin_cli.training.head import smoothed
from vswin_cli.training.options import Augment
from vswin_cli.zoo.protocols import MEAN, STD

_AHEAD = 3  # batches that are made in advance


@dataclass(frozen=True)
class Plan:
    """Everything that the batches depend on.

    Attributes:
        targets: float32 (clips, num_classes), 1 for each class of a clip.
        batch_size: Clips per step.
        epochs: Total number of epochs.
        seed: Random seed.
        augment: As for `draw`.
        size: Height and width of a view in pixels.
        balanced: Whether each class is used equally often.
        multi_label: Whether a clip may have several classes.
        label_smoothing: As for `TrainingOptions`.
        mixup: As for `TrainingOptions`.
    """

    targets: np.ndarray
    batch_size: int
    epochs: int
    seed: int
    augment: Augment
    size: int
    balanced: bool = False
    multi_label: bool = False
    label_smoothing: float = 0.0
    mixup: float = 0.0

    @property
    def steps_per_epoch(self) -> int:
        """Batches per epoch; an incomplete last batch is dropped."""
        return max(len(self.targets) // self.batch_size, 1)

    @property
    def num_steps(self) -> int:
        """Total number of batches."""
        return self.steps_per_epoch * self.epochs

    def order(self, epoch: int) -> np.ndarray:
        """The clips of an epoch: each one once; if balanced, equally many of each class."""
        rng = np.random.default_rng((self.seed, 1, epoch))
        number = len(self.targets)
        wanted = self.steps_per_epoch * self.batch_size
        if not self.balanced:
            order = rng.permutation(number)
            return np.resize(order, wanted)
        classes = [np.flatnonzero(column) for column in self.targets.T if column.any()]
        share = -(-wanted // len(classes))
        drawn = [
            np.concatenate([rng.permutation(own) for _ in range(-(-share // len(own)))])[:share]
            for own in classes
        ]
        return rng.permutation(np.concatenate(drawn))[:wanted]


class Batches:
    """Batches of normalised views and their targets, made by threads.

    Args:
        plan: Which batches to make.
        clips: The frames.
        num_threads: Threads that make batches.
    """

    def __init__(self, plan: Plan, clips: Clips, num_threads: int) -> None:
        self._plan = plan
        self._clips = clips
        self._num_threads = num_threads

    def from_step(self, first: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield the batches from this step on: float32 (B, T, S, S, 3) and (B, num_classes)."""
        plan = self._plan
        with ThreadPoolExecutor(self._num_threads) as pool:
            flight: list[tuple[int, list[Future[np.ndarray]]]] = []
            steps = iter(range(first, plan.num_steps))
            while True:
                for step in steps:
                    flight.append((step, [pool.submit(self._view, *k) for k in self._keys(step)]))
                    if len(flight) >= _AHEAD:
                        break
                if not flight:
                    return
                step, views = flight.pop(0)
                yield self._mixed(step, np.stack([view.result() for view in views]))

    def _keys(self, step: int) -> Sequence[tuple[int, int]]:
        """List the clips of a step, each with the number of clips used before it."""
        epoch, place = divmod(step, self._plan.steps_per_epoch)
        size = self._plan.batch_size
        chosen = self._plan.order(epoch)[place * size : (place + 1) * size]
        return [(int(clip), step * size + number) for number, clip in enumerate(chosen)]

    def _view(self, clip: int, number: int) -> np.ndarray:
        rng = np.random.default_rng((self._plan.seed, 2, number))
        frames = self._clips.take(clip, rng)
        variation = draw(rng, self._plan.augment, *frames.shape[1:3])
        return normalised(apply(frames, variation, self._plan.size))

    def _mixed(self, step: int, views: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        plan = self._plan
        targets = plan.targets[[clip for clip, _ in self._keys(step)]]
        if plan.augment != "none":
            views = add_stills(np.random.default_rng((plan.seed, 4, step)), views)
        targets = smoothed(targets, plan.label_smoothing, multi_label=plan.multi_label)
        if plan.mixup:
            rng = np.random.default_rng((plan.seed, 3, step))
            kept = np.float32(rng.beta(plan.mixup, plan.mixup))
            views = kept * views + (1 - kept) * views[::-1]
            targets = kept * targets + (1 - kept) * targets[::-1]
        return views, targets.astype(np.float32)


def normalised(view: np.ndarray) -> np.ndarray:
    """Normalise pixels, uint8 (..., 3), for the network."""
    pixels: np.ndarray = view.astype(np.float32) - np.array(MEAN, np.float32)
    pixels /= np.array(STD, np.float32)
    return pixels
