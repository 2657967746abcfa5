"""Scores of probabilities, for clips with one class and with several."""

from dataclasses import dataclass

import numpy as np

_LEAST = 1e-9


@dataclass(frozen=True)
class Score:
    """Attributes: loss, the mean of −log of the right classes; quality, from 0 to 1.

    The quality is the mean class accuracy or, with several labels, the mean average precision.
    """

    loss: float
    quality: float

    @property
    def order(self) -> tuple[float, float]:
        """A key for sorting; better scores are greater."""
        return round(self.quality, 6), -self.loss


def score(probabilities: np.ndarray, targets: np.ndarray, multi_label: bool) -> Score:
    """Compare probabilities and targets, both (clips, num_classes); 0 without clips."""
    if not len(targets):
        return Score(0.0, 0.0)
    p = np.clip(probabilities, _LEAST, 1 - _LEAST)
    if multi_label:
        loss = -(targets * np.log(p) + (1 - targets) * np.log(1 - p)).mean()
        found = average_precisions(probabilities, targets)
        return Score(float(loss), float(np.mean(found)) if len(found) else 0.0)
    truth, predicted = targets.argmax(1), probabilities.argmax(1)
    loss = -np.log(p[np.arange(len(p)), truth]).mean()
    right = [float((predicted[truth == c] == c).mean()) for c in np.unique(truth)]
    return Score(float(loss), float(np.mean(right)))


def average_precisions(probabilities: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Compute the average precision of each class that some clips have and others do not."""
    found = []
    for p, y in zip(probabilities.T, targets.T, strict=True):
        if 0 < y.sum() < len(y):
            ranked = y[np.argsort(-p, kind="stable")]
            precision = np.cumsum(ranked) / np.arange(1, len(y) + 1)
            found.append(float((precision * ranked).sum() / ranked.sum()))
    return np.array(found)


def multi_label_figures(probabilities: np.ndarray, targets: np.ndarray) -> dict[str, float | None]:
    """Compute mean average precision, and F1 at 0.5 (micro and macro), from 0 to 1.

    The mean average precision is None if each class is that of all clips or of none.
    """
    said = probabilities >= 0.5
    right = (said & (targets > 0)).sum(0)
    sums = said.sum(0) + targets.sum(0)
    by_class = 2 * right / np.maximum(sums, 1)
    precisions = average_precisions(probabilities, targets)
    return {
        "mean_average_precision": float(precisions.mean()) if len(precisions) else None,
        "micro_f1": float(2 * right.sum() / max(sums.sum(), 1)),
        "macro_f1": float(by_class[sums > 0].mean()) if (sums > 0).any() else 0.0,
        "exact": float((said == (targets > 0)).all(1).mean()) if len(targets) else 0.0,
    }
