"""Whether probabilities mean what they say: of the answers given at 0.8, are 80 % right?"""

from dataclasses import dataclass

import numpy as np

NUM_BINS = 15  # of equal width


@dataclass(frozen=True)
class Bin:
    """The answers whose probability lies in (low, high], and 0 in the first."""

    low: float
    high: float
    num_videos: int
    confidence: float | None  # the mean; None of no video
    accuracy: float | None


@dataclass(frozen=True)
class Calibration:
    """The reliability curve, and how far it is from the diagonal."""

    bins: tuple[Bin, ...]
    expected_error: float  # ECE: the mean over videos of |accuracy − confidence| of their bin
    mean_confidence: float


def calibration(
    confidence: np.ndarray, is_right: np.ndarray, num_bins: int = NUM_BINS
) -> Calibration:
    """Compare the probabilities of the answers with how many are right, in bins of equal width.

    Args:
        confidence: float (videos,), from 0 to 1, of the most probable class.
        is_right: bool (videos,).
        num_bins: From 1.
    """
    edges = np.linspace(0, 1, num_bins + 1)
    numbers = np.clip(np.searchsorted(edges, confidence, side="left") - 1, 0, num_bins - 1)
    bins, error = [], 0.0
    for number in range(num_bins):
        inside = numbers == number
        count = int(inside.sum())
        mean = float(confidence[inside].mean()) if count else None
        right = float(is_right[inside].mean()) if count else None
        if mean is not None and right is not None:
            error += count / len(confidence) * abs(right - mean)
        bins.append(Bin(float(edges[number]), float(edges[number + 1]), count, mean, right))
    return Calibration(tuple(bins), error, float(confidence.mean()))
