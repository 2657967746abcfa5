"""Training batches, rendered by another process while the network learns."""

import multiprocessing
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from queue import Full

import cv2
import numpy as np

from motion.motions import LABELS, STATIC, SYMMETRIES
from motion.scenes import Clip, PicturePool, render

VERSIONS = 4  # of each rendered clip, out of 16 mirrored, transposed or reversed ones
BUFFER = 512  # clips that wait to be drawn in random order
RAMP_STEPS = 800  # nuisances grow to their full strength
# Errors are where clips are disturbed, slow or static, so that there are more of these than tested.
STRENGTH = 1.25
SLOWNESS = 1.8
MORE_STATIC = 0.1  # of all clips, in addition to their ninth


@dataclass(frozen=True)
class Batch:
    """Clips, and what is true of them; first axis B."""

    frames: np.ndarray  # uint8 (B, T, S, S, 3)
    labels: np.ndarray  # int32 (B,)
    motions: np.ndarray  # float32 (B, 4)
    flows: np.ndarray  # float32 (B, T / 4, n, n, 2)


def stack(clips: list[Clip]) -> Batch:
    """Make a batch of clips."""
    return Batch(
        np.stack([clip.frames for clip in clips]),
        np.array([clip.label for clip in clips], np.int32),
        np.stack([clip.motion for clip in clips]).astype(np.float32),
        np.stack([clip.flow for clip in clips]).astype(np.float32),
    )


def versions(rng: np.random.Generator, clip: Clip, count: int) -> list[Clip]:
    """Draw a clip's mirrored, transposed and reversed versions, none twice."""
    drawn = [SYMMETRIES[index] for index in rng.choice(len(SYMMETRIES), count, replace=False)]
    return [
        Clip(
            symmetry.of_clip(clip.frames),
            symmetry.of_label(clip.label),
            symmetry.of_motion(clip.motion),
            symmetry.of_flow(clip.flow),
        )
        for symmetry in drawn
    ]


def _batches(seed: int, first_step: int, batch_size: int, ramp_steps: int) -> Iterator[Batch]:
    rng = np.random.default_rng((seed, first_step))
    pool = PicturePool()
    waiting: list[Clip] = []
    step = first_step
    while True:
        strength = STRENGTH * min(1.0, 0.2 + 0.8 * step / ramp_steps) if ramp_steps else STRENGTH
        while len(waiting) < BUFFER:
            is_static = rng.random() < MORE_STATIC
            label = STATIC if is_static else int(rng.integers(len(LABELS)))
            clip = render(rng, label, pool, strength, slowness=SLOWNESS)
            waiting.extend(versions(rng, clip, VERSIONS))
        chosen = set(rng.choice(len(waiting), batch_size, replace=False).tolist())
        yield stack([waiting[index] for index in sorted(chosen)])
        waiting = [clip for index, clip in enumerate(waiting) if index not in chosen]
        step += 1


def _produce(drawn: tuple[int, int, int, int], queue) -> None:  # noqa: ANN001
    cv2.setNumThreads(1)
    queue.cancel_join_thread()  # batches that nobody fetched must not hold the process up
    parent = multiprocessing.parent_process()
    for batch in _batches(*drawn):
        waiting = True
        while waiting:
            if parent is None or not parent.is_alive():
                return
            with suppress(Full):
                queue.put((batch.frames, batch.labels, batch.motions, batch.flows), timeout=5)
                waiting = False


def render_batches(
    seed: int, first_step: int, batch_size: int, ramp_steps: int = RAMP_STEPS
) -> Iterator[Batch]:
    """Yield batches without end; the same ones for the same arguments."""
    context = multiprocessing.get_context("spawn")
    queue = context.Queue(maxsize=4)
    drawn = (seed, first_step, batch_size, ramp_steps)
    worker = context.Process(target=_produce, args=(drawn, queue), daemon=True)
    worker.start()
    try:
        while True:
            yield Batch(*queue.get())
    finally:
        worker.terminate()
