"""Metrics of outcomes: accuracies with 95 % intervals, calibration, and confusions."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import NormalDist

import numpy as np

from vswin_cli.evaluation.outcomes import Outcomes

METHOD = "95 % intervals: Wilson; for the mean class accuracy, MOVER over the classes"
NUM_BINS = 15  # bins of equal width for the calibration
_Z = NormalDist().inv_cdf(0.975)


@dataclass(frozen=True)
class Share:
    """A share, from 0 to 1, and its 95 % interval."""

    value: float
    low: float
    high: float


def share(successes: int, total: int) -> Share:
    """Compute the share of successes, with Wilson's score interval (Wilson 1927).

    Args:
        successes: 0 to `total`.
        total: At least 1.
    """
    value = successes / total
    centre = value + _Z**2 / (2 * total)
    reach = _Z * sqrt(value * (1 - value) / total + _Z**2 / (4 * total**2))
    scale = 1 + _Z**2 / total
    low = 0.0 if successes == 0 else (centre - reach) / scale
    high = 1.0 if successes == total else (centre + reach) / scale
    return Share(value, low, high)


def mean_share(successes: np.ndarray, totals: np.ndarray) -> Share:
    """Compute the mean of several shares, which have equal weight for any totals.

    The interval adds the squared distances of each share to the ends of its interval (MOVER, the
    method of variance estimates recovery, Zou and Donner 2008), so that it has a width even if
    every share is 1.

    Args:
        successes: int (shares,).
        totals: int (shares,), each at least 1.
    """
    shares = [share(int(s), int(t)) for s, t in zip(successes, totals, strict=True)]
    value = sum(each.value for each in shares) / len(shares)
    below = sqrt(sum((each.value - each.low) ** 2 for each in shares)) / len(shares)
    above = sqrt(sum((each.high - each.value) ** 2 for each in shares)) / len(shares)
    return Share(value, max(value - below, 0.0), min(value + above, 1.0))


@dataclass(frozen=True)
class ClassAccuracy:
    """The accuracy of one class."""

    index: int
    num_videos: int
    num_top1: int  # videos whose most probable class is the right one
    num_top5: int
    mistaken_for: int | None  # the most frequent wrong answer; if equal, the lowest index


@dataclass(frozen=True)
class ViewAccuracy:
    """The accuracy with some of the views."""

    views: str  # `1` for the first, `2` for the first two, …; `4×1` for the centre crops of 4 clips
    num_views: int
    top1: Share
    top5: Share


def top_k(rank: np.ndarray, k: int) -> Share:
    """Compute the share of videos whose class is among the `k` most probable.

    Args:
        rank: int (videos,), rank of the true class, from 1.
        k: Number of classes, from 1.
    """
    return share(int((rank <= k).sum()), len(rank))


def mean_class_accuracy(outcomes: Outcomes) -> Share:
    """Compute the mean of the top-1 accuracies of all classes with videos."""
    rows = class_accuracies(outcomes)
    successes = np.array([row.num_top1 for row in rows])
    return mean_share(successes, np.array([row.num_videos for row in rows]))


def class_accuracies(outcomes: Outcomes) -> list[ClassAccuracy]:
    """Make a row for each class with videos, by index."""
    rows = []
    for index in np.unique(outcomes.truth).tolist():
        own = outcomes.truth == index
        rank = outcomes.rank[own]
        wrong = outcomes.predicted[own & (outcomes.rank > 1)]
        mistaken_for = int(np.bincount(wrong).argmax()) if len(wrong) else None
        num_top1, num_top5 = int((rank <= 1).sum()), int((rank <= 5).sum())
        rows.append(ClassAccuracy(index, len(rank), num_top1, num_top5, mistaken_for))
    return rows


def accuracy_by_views(outcomes: Outcomes) -> list[ViewAccuracy]:
    """Compute the accuracies with the first 1, 2, … views, and with the centre crops only.

    The views are in the protocol's order: the crops of the first clip, of the second, …
    """
    ranks = [(str(n), n, rank) for n, rank in enumerate(outcomes.rank_by_views.T, start=1)]
    if outcomes.rank_of_centre is not None:
        ranks.append((f"{outcomes.num_clips}×1", outcomes.num_clips, outcomes.rank_of_centre))
    return [ViewAccuracy(views, n, top_k(rank, 1), top_k(rank, 5)) for views, n, rank in ranks]


@dataclass(frozen=True)
class Bin:
    """The answers with a probability in (low, high]; the first bin also includes 0."""

    low: float
    high: float
    num_videos: int
    confidence: float | None  # the mean; None without videos
    accuracy: float | None


@dataclass(frozen=True)
class Calibration:
    """The reliability curve, and its distance from the diagonal."""

    bins: tuple[Bin, ...]
    expected_error: float  # ECE: the mean over videos of |accuracy − confidence| of their bin
    mean_confidence: float


def calibration(
    confidence: np.ndarray, is_right: np.ndarray, num_bins: int = NUM_BINS
) -> Calibration:
    """Compare the probabilities of answers with their accuracy, in bins of equal width.

    Args:
        confidence: float (videos,), probability of the most probable class, from 0 to 1.
        is_right: bool (videos,).
        num_bins: Number of bins, from 1.
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


@dataclass(frozen=True)
class Confused:
    """Videos of one class that were labelled as another."""

    true_index: int
    predicted_index: int
    num_videos: int
    num_of_class: int  # videos of the true class


def confusion_counts(outcomes: Outcomes) -> dict[tuple[int, int], int]:
    """Count videos by true and predicted class, for pairs that occur, ordered by index."""
    pairs = np.stack([outcomes.truth, outcomes.predicted], axis=1)
    distinct, counts = np.unique(pairs, axis=0, return_counts=True)
    return {
        (int(true), int(predicted)): int(count)
        for (true, predicted), count in zip(distinct, counts, strict=True)
    }


def confused_pairs(outcomes: Outcomes) -> list[Confused]:
    """List the mistakes, the most frequent first.

    Among equally frequent ones, the larger share of the class comes first, then the lower index.
    """
    sizes = np.bincount(outcomes.truth)
    found = [
        Confused(true, predicted, count, int(sizes[true]))
        for (true, predicted), count in confusion_counts(outcomes).items()
        if true != predicted
    ]
    return sorted(found, key=lambda pair: (-pair.num_videos, pair.num_of_class, pair.true_index))


def chained(pairs: Sequence[Confused], num_classes: int) -> list[int]:
    """Order all classes so that confused classes are adjacent.

    The most frequent confusions, in both directions together, become neighbours first, unless a
    class already has two neighbours or a ring would close.
    """
    weights: dict[tuple[int, int], int] = {}
    for pair in pairs:
        low, high = sorted((pair.true_index, pair.predicted_index))
        weights[low, high] = weights.get((low, high), 0) + pair.num_videos
    neighbours: list[list[int]] = [[] for _ in range(num_classes)]
    chain_of = list(range(num_classes))
    for (low, high), _ in sorted(weights.items(), key=lambda item: (-item[1], item[0])):
        if len(neighbours[low]) == 2 or len(neighbours[high]) == 2:
            continue
        one, other = chain_of[low], chain_of[high]
        if one != other:
            neighbours[low].append(high)
            neighbours[high].append(low)
            chain_of = [one if chain == other else chain for chain in chain_of]
    order: list[int] = []
    seen = [False] * num_classes
    for start in range(num_classes):
        at: int | None = start if len(neighbours[start]) < 2 and not seen[start] else None
        while at is not None:
            seen[at] = True
            order.append(at)
            at = next((index for index in neighbours[at] if not seen[index]), None)
    return order
