"""Fitting a head to features: a convex problem, solved in seconds with a unique optimum.

Each row is a view. Rows of a clip share its weight; if classes are balanced, clips of a class share
the weight of the class. The features are scaled to unit variance, and this scale is then folded
into the head. The validation split chooses the strength of regularisation.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize

from vswin_cli.training.scoring import Score, score

_STRENGTHS = (1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2)
_MAX_ITERATIONS = 300


@dataclass(frozen=True)
class Rows:
    """The views of some clips.

    Attributes:
        features: float32 (rows, num_features).
        weights: (rows,); the weights of each clip add up to 1.
        clips: int (rows,), index of the clip of each row, ascending.
        targets: float (clips, num_classes), 1 for each class of a clip.
    """

    features: np.ndarray
    weights: np.ndarray
    clips: np.ndarray
    targets: np.ndarray


@dataclass(frozen=True)
class Head:
    """A linear head."""

    kernel: np.ndarray  # float32 (num_features, num_classes)
    bias: np.ndarray  # float32 (num_classes,)

    def probabilities(self, rows: Rows, *, multi_label: bool) -> np.ndarray:
        """Average the probabilities over the views of each clip, float64 (clips, num_classes)."""
        each = shares(rows.features @ self.kernel + self.bias, multi_label=multi_label)
        total = np.zeros(rows.targets.shape)
        np.add.at(total, rows.clips, each * rows.weights[:, np.newaxis])
        return total


@dataclass(frozen=True)
class Fit:
    """The result for one strength of regularisation."""

    strength: float
    head: Head
    train: Score
    validation: Score


def shares(logits: np.ndarray, *, multi_label: bool) -> np.ndarray:
    """Compute probabilities from logits (rows, num_classes), float64, by softmax or sigmoid."""
    logits = logits.astype(np.float64)
    if multi_label:
        return 0.5 * (1 + np.tanh(0.5 * logits))
    powers = np.exp(logits - logits.max(1, keepdims=True))
    return np.asarray(powers / powers.sum(1, keepdims=True))


def fit_heads(
    train: Rows, validation: Rows, *, multi_label: bool, balanced: bool, smoothing: float
) -> Iterator[Fit]:
    """Fit a head with each strength of regularisation, starting each fit from the stronger one.

    Args:
        train: Rows to fit.
        validation: Rows to score.
        multi_label: Whether a clip may have several classes.
        balanced: Whether all classes have equal weight, with any number of clips.
        smoothing: As for `TrainingOptions.label_smoothing`.
    """
    mean = train.features.mean(0, dtype=np.float64)
    scale = train.features.std(0, dtype=np.float64) + 1e-6
    x = (train.features - mean) / scale
    num_classes = train.targets.shape[1]
    of_clip = clip_weights(train.targets) if balanced else np.ones(len(train.targets))
    weights = train.weights * of_clip[train.clips]
    weights /= weights.sum()
    targets = smoothed(train.targets, smoothing, multi_label=multi_label)[train.clips]
    start = np.zeros((x.shape[1] + 1) * num_classes)
    for strength in sorted(_STRENGTHS, reverse=True):

        def loss(flat: np.ndarray, strength: float = strength) -> tuple[float, np.ndarray]:
            kernel, bias = _parts(flat, num_classes)
            logits = x @ kernel + bias
            p = shares(logits, multi_label=multi_label)
            if multi_label:
                each = np.logaddexp(0, logits) - targets * logits
            else:
                top = logits.max(1, keepdims=True)
                log_sum = top + np.log(np.exp(logits - top).sum(1, keepdims=True))
                each = targets * (log_sum - logits)
            value = float(weights @ each.sum(1)) + strength / 2 * float((kernel**2).sum())
            slope = (p - targets) * weights[:, np.newaxis]
            gradient = np.concatenate([(x.T @ slope + strength * kernel).ravel(), slope.sum(0)])
            return value, gradient

        found = minimize(
            loss, start, jac=True, method="L-BFGS-B", options={"maxiter": _MAX_ITERATIONS}
        )
        start = found.x
        kernel, bias = _parts(found.x, num_classes)
        kernel = kernel / scale[:, np.newaxis]
        head = Head(kernel.astype(np.float32), (bias - mean @ kernel).astype(np.float32))
        yield Fit(
            strength,
            head,
            score(head.probabilities(train, multi_label=multi_label), train.targets, multi_label),
            score(
                head.probabilities(validation, multi_label=multi_label),
                validation.targets,
                multi_label,
            ),
        )


def clip_weights(targets: np.ndarray) -> np.ndarray:
    """Compute weights (clips,) with mean 1 that give all classes equal weight."""
    counts = np.maximum(targets.sum(0), 1)
    weights = (targets / counts).sum(1) / np.maximum(targets.sum(1), 1)
    return np.asarray(weights * len(targets) / max(weights.sum(), 1e-12))


def smoothed(targets: np.ndarray, smoothing: float, *, multi_label: bool) -> np.ndarray:
    """Spread a share of each target over all classes; with several labels, move it towards 0.5."""
    even = 0.5 if multi_label else 1 / targets.shape[1]
    return np.asarray(targets * (1 - smoothing) + smoothing * even)


def _parts(flat: np.ndarray, num_classes: int) -> tuple[np.ndarray, np.ndarray]:
    return flat[:-num_classes].reshape(-1, num_classes), flat[-num_classes:]
