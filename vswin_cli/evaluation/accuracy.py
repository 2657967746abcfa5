"""Accuracies: of all videos, of each class, and by fewer views."""

from dataclasses import dataclass

import numpy as np

from vswin_cli.evaluation.intervals import Share, mean_share, share
from vswin_cli.evaluation.outcomes import Outcomes


@dataclass(frozen=True)
class ClassAccuracy:
    """How one class fared."""

    index: int
    num_videos: int
    num_top1: int  # videos whose most probable class is right
    num_top5: int
    mistaken_for: int | None  # what its other videos were taken for most often; the lowest of equal


@dataclass(frozen=True)
class ViewAccuracy:
    """What some of the views would have given."""

    views: str  # `1` for the first, `2` for the first two, …; `4×1` for the centre crops of 4 clips
    num_views: int
    top1: Share
    top5: Share


def top_k(rank: np.ndarray, k: int) -> Share:
    """The share of videos whose class is among the `k` most probable.

    Args:
        rank: int (videos,), of the true class, from 1.
        k: From 1.
    """
    return share(int((rank <= k).sum()), len(rank))


def mean_class_accuracy(outcomes: Outcomes) -> Share:
    """The mean of the top-1 accuracies of the classes that have videos."""
    rows = class_accuracies(outcomes)
    successes = np.array([row.num_top1 for row in rows])
    return mean_share(successes, np.array([row.num_videos for row in rows]))


def class_accuracies(outcomes: Outcomes) -> list[ClassAccuracy]:
    """A row for each class that has videos, by index."""
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
    """What the first 1, 2, … of the views would have given, and the centre crops alone.

    The views are in the protocol's order: the crops of the first clip, those of the second, …
    """
    ranks = [(str(n), n, rank) for n, rank in enumerate(outcomes.rank_by_views.T, start=1)]
    if outcomes.rank_of_centre is not None:
        ranks.append((f"{outcomes.num_clips}×1", outcomes.num_clips, outcomes.rank_of_centre))
    return [ViewAccuracy(views, n, top_k(rank, 1), top_k(rank, 5)) for views, n, rank in ranks]
