"""Train `swin-n-motion` on clips made on the fly: `python tools/train_motion.py FOLDER`.

FOLDER gets the resumable state, the weights so far and a log. The same seed sees the same clips.
"""

import argparse
import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
from motion.batches import RAMP_STEPS, render_batches, stack
from motion.motions import LABELS
from motion.scenes import SIDE, PicturePool, render
from rich.progress import MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from vswin_cli.zoo.architectures import NANO

WARM_UP_STEPS = 150
SAVE_EVERY = 250
VALIDATION_SEED = 1


def learning_rate(step: int, num_steps: int, peak: float) -> float:
    """Rise linearly, then fall along half a cosine."""
    if step < WARM_UP_STEPS:
        return peak * (step + 1) / WARM_UP_STEPS
    share = (step - WARM_UP_STEPS) / max(num_steps - WARM_UP_STEPS, 1)
    return peak * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * min(share, 1))))


def main() -> None:
    """Train, or go on training."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--steps", type=int, default=4000)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--peak", type=float, default=1.5e-3, help="highest learning rate")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--start", type=Path, help="weights to start from, of a network with")
    parser.add_argument("--start-depths", type=int, nargs=2, default=NANO.depths)
    arguments = parser.parse_args()

    # Only here, since the process that renders imports this module too.
    from motion.learning import Learner  # noqa: PLC0415

    arguments.folder.mkdir(parents=True, exist_ok=True)
    state = arguments.folder / "state.npz"

    learner = Learner(NANO, (32, SIDE, SIDE), arguments.seed)
    if state.exists():
        learner.resume(state)
    elif arguments.start:
        started = replace(NANO, depths=tuple(arguments.start_depths))
        learner.grow_from(arguments.start, started)
    rng, pool = np.random.default_rng(VALIDATION_SEED), PicturePool()
    validation = stack([render(rng, index % len(LABELS), pool) for index in range(270)])
    ramp_steps = 0 if arguments.start else RAMP_STEPS
    batches = render_batches(arguments.seed, learner.step, arguments.batch, ramp_steps)
    columns = ("{task.fields[entropy]:.3f}", "{task.fields[right]:.3f}")
    entropy, right = math.log(len(LABELS)), 1 / len(LABELS)
    log = (arguments.folder / "log.jsonl").open("a", buffering=1)
    with (
        log,
        Progress(
            *Progress.get_default_columns()[:2], MofNCompleteColumn(), TimeRemainingColumn(),
            *map(TextColumn, columns),
        ) as progress,
    ):  # fmt: skip
        task = progress.add_task(
            "training", total=arguments.steps, completed=learner.step, entropy=entropy, right=right
        )
        while learner.step < arguments.steps:
            rate = learning_rate(learner.step, arguments.steps, arguments.peak)
            now_entropy, now_right = learner.learn(next(batches), rate)
            entropy, right = 0.97 * entropy + 0.03 * now_entropy, 0.97 * right + 0.03 * now_right
            progress.update(task, advance=1, entropy=entropy, right=right)
            is_last = learner.step == arguments.steps
            if learner.step % SAVE_EVERY == 0 or is_last:
                learner.save(state)
                learner.swap_average()
                learner.write_weights(arguments.folder / "motion.weights.h5")
                predicted = learner.classify(validation.frames).argmax(1)
                learner.swap_average()
                validated = float((predicted == validation.labels).mean())
            if learner.step % 50 == 0 or is_last:
                record = {"step": learner.step, "entropy": round(entropy, 4)}
                record |= {"right": round(right, 4)}
                if learner.step % SAVE_EVERY == 0 or is_last:
                    record |= {"validated": round(validated, 4)}
                log.write(json.dumps(record) + "\n")


if __name__ == "__main__":
    main()
