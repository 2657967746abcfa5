"""Which classes are taken for which others."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from vswin_cli.evaluation.outcomes import Outcomes


@dataclass(frozen=True)
class Confused:
    """Videos of one class that were taken for another."""

    true_index: int
    predicted_index: int
    num_videos: int
    num_of_class: int  # videos of the true class


def confusion_counts(outcomes: Outcomes) -> dict[tuple[int, int], int]:
    """Videos by true and predicted class, for the pairs that occur, in the order of the indices."""
    pairs = np.stack([outcomes.truth, outcomes.predicted], axis=1)
    distinct, counts = np.unique(pairs, axis=0, return_counts=True)
    return {
        (int(true), int(predicted)): int(count)
        for (true, predicted), count in zip(distinct, counts, strict=True)
    }


def confused_pairs(outcomes: Outcomes) -> list[Confused]:
    """The mistakes, the most frequent first.

    Of equally frequent ones the larger share of its class is first, then the lower index.
    """
    sizes = np.bincount(outcomes.truth)
    found = [
        Confused(true, predicted, count, int(sizes[true]))
        for (true, predicted), count in confusion_counts(outcomes).items()
        if true != predicted
    ]
    return sorted(found, key=lambda pair: (-pair.num_videos, pair.num_of_class, pair.true_index))


def chained(pairs: Sequence[Confused], num_classes: int) -> list[int]:
    """Order all classes so that those that are confused stand side by side.

    The most frequent confusions, both directions added, are made neighbours first, as long as
    neither class has two neighbours already and no ring is closed.
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
