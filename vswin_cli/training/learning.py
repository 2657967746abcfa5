"""Training of all weights, step by step; after a stop at any step, the next run continues."""

import json
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from math import isfinite
from pathlib import Path
from time import monotonic
from typing import Any

import keras
import numpy as np

from vswin_cli.errors import VswinError
from vswin_cli.network.video_swin import VideoSwinClassifier
from vswin_cli.training.batches import Batches, Plan
from vswin_cli.training.head import Head
from vswin_cli.training.optimizer import LayerwiseAdamW, WarmupCosine, decay_of, share_of
from vswin_cli.training.options import VALIDATION_COST, Recipe
from vswin_cli.training.outputs import written
from vswin_cli.training.scoring import Score
from vswin_cli.zoo.architectures import Architecture, Size


class DivergedError(VswinError):
    """The loss is no longer a finite number."""

    kind = "diverged"


@dataclass
class Progress:
    """The progress of a training, from which `--resume` continues with the variables."""

    step: int = 0
    sums: list[float] = field(default_factory=lambda: [0.0, 0.0, 0.0])  # loss, right, clips
    log: list[dict[str, float]] = field(default_factory=list)  # a row per epoch
    best: list[float] | None = None  # `Score.order`
    best_epoch: int = 0
    num_worse: int = 0  # validations since
    is_stopped: bool = False  # early
    seconds: float = 0.0


@dataclass(frozen=True)
class Watching:
    """Callbacks of a training.

    Attributes:
        on_step: Called after each step: its number, all steps, mean loss and accuracy of the epoch.
        on_epoch: Called with each row of the log.
        is_stopping: Called after each step; True stops the training.
    """

    on_step: Callable[[int, int, float, float], None] = lambda step, total, loss, right: None
    on_epoch: Callable[[dict[str, float]], None] = lambda row: None
    is_stopping: Callable[[], bool] = lambda: False


class Learner:
    """A classifier in training.

    Args:
        architecture: Architecture of the backbone.
        view_size: (T, H, W).
        weights: Weights of the backbone by variable path; None starts with random weights.
        head: Head to start from.
        plan: Plan of the batches.
        recipe: Learning rates and decays.
        lr: Peak learning rate of the head.
        precision: Keras dtype policy.
        folder: Where states are saved.
    """

    def __init__(
        self,
        architecture: Architecture,
        view_size: Size,
        weights: dict[str, np.ndarray] | None,
        head: Head | None,
        plan: Plan,
        recipe: Recipe,
        lr: float,
        precision: str,
        folder: Path,
    ) -> None:
        keras.utils.set_random_seed(plan.seed)
        if keras.backend.backend() == "tensorflow":
            import tensorflow  # noqa: PLC0415 - another backend may be the only one

            tensorflow.config.experimental.enable_op_determinism()
        self.plan = plan
        self.model = VideoSwinClassifier(
            architecture,
            view_size,
            plan.targets.shape[1],
            dtype=precision,
            drop_path=recipe.drop_path,
        )
        for variable in self.model.weights:
            if weights is not None and not variable.path.startswith("head/"):
                variable.assign(weights[variable.path].reshape(variable.shape))
        if head is not None:
            self.model.get_layer("head").set_weights([head.kernel, head.bias])
        paths = [variable.path for variable in self.model.trainable_variables]
        schedule = WarmupCosine(lr, round(recipe.warmup * plan.num_steps), plan.num_steps)
        self.optimizer = LayerwiseAdamW(
            schedule,
            [share_of(path, recipe.backbone_lr) for path in paths],
            [decay_of(path, recipe.weight_decay) for path in paths],
            recipe.beta_2,
        )
        self.optimizer.build(self.model.trainable_variables)
        loss: keras.losses.Loss
        if plan.multi_label:
            loss = keras.losses.BinaryCrossentropy(from_logits=True)
            right: keras.metrics.Metric = keras.metrics.MeanMetricWrapper(_right_of_several)
        else:
            loss = keras.losses.CategoricalCrossentropy(from_logits=True)
            right = keras.metrics.CategoricalAccuracy(name="right")
        # XLA compiles for a long time and is not faster on a CPU; JAX needs it.
        self.model.compile(
            self.optimizer, loss, metrics=[right], jit_compile=keras.backend.backend() == "jax"
        )
        self._state, self._best = folder / "state.npz", folder / "best.npz"
        self.progress = Progress()

    def learn(
        self,
        batches: Batches,
        validate: Callable[[Callable[[np.ndarray], np.ndarray]], Score],
        *,
        every: int,
        patience: int,
        save_every: int,
        watching: Watching,
    ) -> bool:
        """Train from the current progress to the end; then the model has the best weights.

        Args:
            batches: Batches of the plan.
            validate: Scores a function that computes the logits of a batch of views.
            every: Epochs between validations.
            patience: Validations without improvement before an early stop.
            save_every: Steps between saved states; one is also saved after each epoch.
            watching: Callbacks.

        Returns:
            Whether the training ended without being stopped.

        Raises:
            DivergedError: The loss is no longer a finite number.
        """
        progress, plan = self.progress, self.plan
        start = monotonic() - progress.seconds
        if not progress.log:  # the fitted head is the score to beat
            watching.on_epoch(self._end_epoch(0, None, validate(self.logits), patience))
        if not self.is_over():
            for views, targets in batches.from_step(progress.step):
                self._step(views, targets)
                progress.seconds = monotonic() - start
                loss, right = self._means()
                watching.on_step(progress.step, plan.num_steps, loss, right)
                epoch, place = divmod(progress.step, plan.steps_per_epoch)
                if place == 0:
                    is_last = progress.step == plan.num_steps
                    score = validate(self.logits) if epoch % every == 0 or is_last else None
                    watching.on_epoch(self._end_epoch(epoch, (loss, right), score, patience))
                    self.save()
                elif progress.step % save_every == 0:
                    self.save()
                if self.is_over():
                    break
                if watching.is_stopping():
                    self.save()
                    return False
        with np.load(self._best) as arrays:
            for number, variable in enumerate(self.model.weights):
                variable.assign(arrays[str(number)])
        return True

    def is_over(self) -> bool:
        """Whether no step is left."""
        return self.progress.is_stopped or self.progress.step >= self.plan.num_steps

    def logits(self, views: np.ndarray) -> np.ndarray:
        """Compute normalised views, (B, T, H, W, 3), in batches of one size."""
        size = self.plan.batch_size
        parts = []
        for start in range(0, len(views), size):
            part = views[start : start + size]
            filled = np.resize(part, (size, *part.shape[1:])) if len(part) < size else part
            parts.append(np.asarray(self.model.predict_on_batch(filled))[: len(part)])
        return np.concatenate(parts)

    def weights(self) -> dict[str, np.ndarray]:
        """The variables by their paths, float32."""
        return {
            variable.path: keras.ops.convert_to_numpy(variable.value).astype(np.float32)
            for variable in self.model.weights
        }

    def save(self) -> None:
        """Save everything that a later run needs to continue."""
        _save(self._state, self._variables(), json.dumps(asdict(self.progress)))

    def resume(self) -> bool:
        """Load the state of `save`, if there is one; return whether there was."""
        if not self._state.exists():
            return False
        with np.load(self._state) as arrays:
            for number, variable in enumerate(self._variables()):
                variable.assign(arrays[str(number)])
            self.progress = Progress(**json.loads(str(arrays["about"])))
        return True

    def _variables(self) -> list[Any]:
        """All variables that a step reads and changes: weights, random states, moments."""
        return [
            *self.model.trainable_variables,
            *self.model.non_trainable_variables,
            *self.optimizer.variables,
        ]

    def _step(self, views: np.ndarray, targets: np.ndarray) -> None:
        loss, right = (float(x) for x in self.model.train_on_batch(views, targets))
        progress = self.progress
        progress.step += 1
        _demand_finite(loss, progress.step)
        for number, value in enumerate((loss * len(views), right * len(views), len(views))):
            progress.sums[number] += value

    def _means(self) -> tuple[float, float]:
        loss, right, count = self.progress.sums
        return loss / count, right / count

    def _end_epoch(
        self, epoch: int, means: tuple[float, float] | None, score: Score | None, patience: int
    ) -> dict[str, float]:
        progress = self.progress
        rate = float(keras.ops.convert_to_numpy(self.optimizer.learning_rate))
        row = {"epoch": epoch, "step": progress.step, "lr": rate}
        if means is not None:
            row |= {"train_loss": means[0], "train_accuracy": means[1]}
        progress.sums = [0.0, 0.0, 0.0]
        if score is not None:
            _demand_finite(score.loss, progress.step)
            row |= {"validation_loss": score.loss, "validation_accuracy": score.quality}
            if progress.best is None or score.order >= tuple(progress.best):
                progress.best, progress.best_epoch = list(score.order), epoch
                progress.num_worse = 0
                _save(self._best, self.model.weights, "")
            else:
                progress.num_worse += 1
                progress.is_stopped = progress.num_worse >= patience
        row["seconds"] = round(progress.seconds, 1)
        progress.log.append(row)
        return row


def _demand_finite(loss: float, step: int) -> None:
    """Check that a loss is a finite number.

    Raises:
        DivergedError: It is not.
    """
    if not isfinite(loss):
        raise DivergedError(
            f"training diverged: the loss at step {step} is {loss}; use --no-resume and a third "
            "of the learning rate with --lr"
        )


def _right_of_several(targets: Any, logits: Any) -> Any:  # noqa: ANN401 - tensors
    """Compute the share of correctly predicted classes; targets may be smoothed or mixed."""
    said = keras.ops.equal(targets > 0.5, logits > 0)
    return keras.ops.mean(keras.ops.cast(said, "float32"), axis=-1)


def validation_interval(num_views: int, num_train: int) -> int:
    """Choose the epochs between validations, so that they take a small share of the time.

    Args:
        num_views: Views per validation.
        num_train: Training views per epoch; each costs three times as much.
    """
    return max(round(num_views / (3 * max(num_train, 1)) / VALIDATION_COST), 1)


def _save(path: Path, variables: Iterable[Any], about: str) -> None:
    arrays = {
        str(number): keras.ops.convert_to_numpy(variable.value)
        for number, variable in enumerate(variables)
    }
    with written(path) as temporary, temporary.open("wb") as stream:
        np.savez(stream, about=np.array(about), **arrays)
