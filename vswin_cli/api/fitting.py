"""From checked clips to weights: fit the head, then train all weights if that is chosen."""

import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any

import numpy as np

from vswin_cli.api.training import AUTO_BATCH, SETTINGS, TrainingRun, read_settings
from vswin_cli.errors import UsageError
from vswin_cli.network.checkpoint import read_checkpoint
from vswin_cli.training.checks import Checked
from vswin_cli.training.examples import TRAIN, VALIDATION, Example
from vswin_cli.training.head import Fit, Head, Rows, fit_heads, shares
from vswin_cli.training.inspection import Inspected
from vswin_cli.training.outputs import SPLIT, write_json, write_split
from vswin_cli.training.scoring import Score, score
from vswin_cli.training.watcher import TrainingWatcher
from vswin_cli.views.views import read_views
from vswin_cli.zoo.catalog import MODEL_FILE

if TYPE_CHECKING:
    from vswin_cli.training.learning import Learner

_AT_A_TIME = 8  # validation clips in memory


@dataclass(frozen=True)
class Fitted:
    """The result of fitting.

    Attributes:
        weights: Arrays by variable path.
        log: A row per epoch, or per regularisation strength of the head.
        best: The row whose weights were kept.
        is_early: Whether the training stopped before its last epoch.
        seconds: Time of the training steps, or of fitting the head.
    """

    weights: dict[str, np.ndarray]
    log: list[dict[str, float]]
    best: dict[str, float]
    is_early: bool = False
    seconds: float = 0.0


def fit(run: TrainingRun, checked: Checked, watcher: TrainingWatcher) -> Fitted:
    """Fit the head, then train all weights if that is chosen.

    Raises:
        UsageError: The folder has a training with different settings.
        StoppedError: The training was stopped.
        VswinError: The training diverged, or files cannot be read or written.
    """
    folder = run.folder / "checkpoint"
    _begin(run, checked, folder)
    spec = run.model.model
    weights = read_checkpoint(
        run.model.weights_file,
        spec.architecture,
        spec.num_classes if run.model.has_head else None,
    )
    backbone = {path: w for path, w in weights.items() if not path.startswith("head/")}
    head = None
    if not run.options.from_scratch:
        start = monotonic()
        found, log, best = _fit_head(run, checked, watcher)
        head = found.head
        if run.chosen.how == "head":
            trained = {**backbone, "head/kernel": head.kernel, "head/bias": head.bias}
            return Fitted(trained, log, best, seconds=monotonic() - start)
    return _fit_all(
        run, checked, None if run.options.from_scratch else backbone, head, folder, watcher
    )


def _begin(run: TrainingRun, checked: Checked, folder: Path) -> None:
    """Write the settings and the splits, unless the folder has a training with different settings.

    Raises:
        UsageError: It has one, finished or not.
    """
    settings = json.loads(json.dumps(run.settings(checked)))
    found = read_settings(run.folder) or {}
    found.pop(AUTO_BATCH, None)
    is_begun = (folder / "state.npz").exists() or (run.folder / MODEL_FILE).exists()
    if not run.run.resume:
        shutil.rmtree(folder, ignore_errors=True)
    elif is_begun and found != settings:
        names = [key for key in {**settings, **found} if settings.get(key) != found.get(key)]
        raise UsageError(
            f"--output {run.folder} contains a training run with different settings: "
            f"{', '.join(names)}; use --no-resume to start over, or choose another --output"
        )
    is_auto = run.options.batch_size is None and run.chosen.how == "full"
    write_json(run.folder / SETTINGS, {**settings, AUTO_BATCH: is_auto})
    write_split(run.folder / SPLIT, checked.examples)
    folder.mkdir(exist_ok=True)


def _fit_head(
    run: TrainingRun, checked: Checked, watcher: TrainingWatcher
) -> tuple[Fit, list[dict[str, float]], dict[str, float]]:
    options, num_classes = run.options, len(checked.examples.labels)
    train, validation = (
        rows_of(checked.examples.of(split), run.inspected, num_classes)
        for split in (TRAIN, VALIDATION)
    )
    found, log = None, []
    for fitted in fit_heads(
        train,
        validation,
        multi_label=options.multi_label,
        balanced=checked.is_balanced and not options.multi_label,
        smoothing=options.label_smoothing,
    ):
        row = {
            "strength": fitted.strength,
            "train_loss": fitted.train.loss,
            "train_accuracy": fitted.train.quality,
            "validation_loss": fitted.validation.loss,
            "validation_accuracy": fitted.validation.quality,
        }
        log.append(row)
        if found is None or fitted.validation.order > found[0].validation.order:
            found = fitted, row
        if run.chosen.how == "head":
            watcher.on_epoch(row)
    assert found is not None
    return found[0], log, found[1]


def rows_of(examples: Sequence[Example], inspected: dict[str, Inspected], num_classes: int) -> Rows:
    """Gather the features of some clips."""
    looks = [inspected[each.found.video] for each in examples]
    return Rows(
        np.concatenate([each.features for each in looks]),
        np.concatenate([each.weights / each.weights.sum() for each in looks]),
        np.repeat(np.arange(len(looks)), [len(each.weights) for each in looks]),
        targets_of(examples, num_classes),
    )


def targets_of(examples: Sequence[Example], num_classes: int) -> np.ndarray:
    """Make float32 (clips, num_classes), 1 for each class of a clip and 0 elsewhere."""
    targets = np.zeros((len(examples), num_classes), np.float32)
    for number, each in enumerate(examples):
        targets[number, list(each.labels)] = 1
    return targets


def _fit_all(
    run: TrainingRun,
    checked: Checked,
    backbone: dict[str, np.ndarray] | None,
    head: Head | None,
    folder: Path,
    watcher: TrainingWatcher,
) -> Fitted:
    from vswin_cli.engines.keras import import_keras, limit_threads  # noqa: PLC0415

    import_keras(run.backend)
    threads = run.num_threads
    limit_threads(run.backend, threads)
    from vswin_cli.training.batches import Batches, Plan  # noqa: PLC0415 - Keras has a backend now
    from vswin_cli.training.clips import Clips  # noqa: PLC0415
    from vswin_cli.training.learning import (  # noqa: PLC0415
        Learner,
        Watching,
        validation_interval,
    )

    options, chosen = run.options, run.chosen
    architecture, protocol = run.model.model.architecture, run.model.protocol
    train, validation = checked.examples.of(TRAIN), checked.examples.of(VALIDATION)
    num_classes = len(checked.examples.labels)
    plan = Plan(
        targets_of(train, num_classes),
        chosen.batch_size,
        chosen.recipe.epochs,
        options.seed,
        chosen.augment,
        protocol.crop_size,
        balanced=checked.is_balanced and not options.multi_label,
        multi_label=options.multi_label,
        label_smoothing=options.label_smoothing,
        mixup=options.mixup,
    )
    learner = Learner(
        architecture,
        protocol.view_size,
        backbone,
        head,
        plan,
        chosen.recipe,
        chosen.lr,
        run.precision,
        folder,
    )
    if run.run.resume and learner.resume():
        watcher.on_note(f"continues after step {learner.progress.step} of {plan.num_steps}")
    targets = targets_of(validation, num_classes)

    def validate(logits: Callable[[np.ndarray], np.ndarray]) -> Score:
        found = np.concatenate(list(_validated(run, validation, logits)))
        return score(found, targets, options.multi_label)

    clips = Clips(
        run.folder / "clips.cache",
        protocol,
        run.model.views.reader,
        options.seed,
        varies_pace=run.chosen.augment != "none",
    )
    stopping: list[bool] = []
    try:
        if not learner.is_over():
            clips.prepare(
                train,
                run.num_frames(checked),
                int(options.cache_gb * 1e9),
                threads,
                lambda done, total: watcher.on_share("decoding", done / total),
            )
        with watcher.training(lambda: stopping.append(True)):
            is_done = learner.learn(
                Batches(plan, clips, threads),
                validate,
                every=validation_interval(len(validation) * protocol.num_views, len(train)),
                patience=options.patience,
                save_every=options.save_every,
                watching=Watching(watcher.on_step, watcher.on_epoch, lambda: bool(stopping)),
            )
    finally:
        clips.close()
    if not is_done:
        raise watcher.stopped()
    return _fitted(learner)


def _fitted(learner: "Learner") -> Fitted:
    progress = learner.progress
    best = next(row for row in progress.log if row["epoch"] == progress.best_epoch)
    return Fitted(learner.weights(), progress.log, best, progress.is_stopped, progress.seconds)


def _validated(
    run: TrainingRun,
    examples: Sequence[Example],
    logits: Callable[[np.ndarray], np.ndarray],
) -> Iterator[np.ndarray]:
    """Compute the probabilities of clips by the model's protocol, a few clips at a time."""
    from vswin_cli.training.batches import normalised  # noqa: PLC0415

    protocol, reader = run.model.protocol, run.model.views.reader
    for start in range(0, len(examples), _AT_A_TIME):
        views: list[Any] = []
        weights: list[list[int]] = []
        for each in examples[start : start + _AT_A_TIME]:
            read = read_views(
                each.found.path, (protocol,), reader, run.num_threads, segment=each.found.segment
            )
            distinct = list(read)
            views += [view.frames for view in distinct]
            weights.append([view.weight for view in distinct])
        found = np.concatenate(
            [
                shares(logits(normalised(np.stack(views[at : at + 16]))),
                       multi_label=run.options.multi_label)
                for at in range(0, len(views), 16)
            ]
        )  # fmt: skip
        at = 0
        rows = []
        for own in weights:
            rows.append(np.average(found[at : at + len(own)], 0, own))
            at += len(own)
        yield np.stack(rows)
