"""All figures of an evaluation, computed once for whoever prints or writes them."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from vswin_cli.evaluation.matching import Matched
from vswin_cli.evaluation.metrics import (
    Calibration,
    ClassAccuracy,
    Confused,
    Share,
    ViewAccuracy,
    accuracy_by_views,
    calibration,
    class_accuracies,
    confused_pairs,
    mean_class_accuracy,
    top_k,
)
from vswin_cli.evaluation.outcomes import Outcomes, read_outcomes
from vswin_cli.runs.records import Record
from vswin_cli.zoo.labels import read_labels
from vswin_cli.zoo.models import CommunityModel, Model, PublishedModel


@dataclass(frozen=True)
class Wrong:
    """A video whose answer is not its class."""

    video: str
    true_index: int
    predicted_index: int
    probability: float  # of the answer
    true_rank: int  # of the right class, from 2


@dataclass(frozen=True)
class ProtocolFigures:
    """How right one protocol was."""

    outcomes: Outcomes
    top1: Share
    top5: Share
    mean_class: Share
    classes: tuple[ClassAccuracy, ...]
    by_views: tuple[ViewAccuracy, ...]
    calibration: Calibration
    confused: tuple[Confused, ...]  # the most frequent first
    wrong: tuple[Wrong, ...]  # in the order of the rows


@dataclass(frozen=True)
class Published:
    """What the model zoo says, in percent, and by which protocol."""

    top1: float
    top5: float
    protocol: str


@dataclass(frozen=True)
class Failed:
    """A video that could not be read."""

    video: str
    true_index: int
    kind: str
    message: str


@dataclass(frozen=True)
class Figures:
    """Everything that a report tells."""

    model: str
    labels: Sequence[str]
    published: Published | None
    matched: Matched
    num_evaluated: int
    failed: tuple[Failed, ...]
    protocols: tuple[ProtocolFigures, ...]  # none of no video

    @property
    def num_left(self) -> int:
        """Videos that have no record yet."""
        return len(self.matched.found) - self.num_evaluated - len(self.failed)

    def failures(self) -> Counter[str]:
        """How many videos failed, by kind."""
        return Counter(failed.kind for failed in self.failed)


def compute_figures(model: Model, matched: Matched, records: Sequence[Record]) -> Figures:
    """Compute them from records alone.

    Args:
        model: That was evaluated.
        matched: The rows.
        records: Of the videos that are done, in the order of the rows.
    """
    failed = tuple(
        Failed(r["video"], r["true_index"], r["error"]["kind"], r["error"]["message"])
        for r in records
        if r["status"] != "ok"
    )
    videos = [r["video"] for r in records if r["status"] == "ok"]
    return Figures(
        model.name,
        read_labels(model.label_set),
        _published(model),
        matched,
        len(records) - len(failed),
        failed,
        tuple(_of_protocol(outcomes, videos) for outcomes in read_outcomes(records)),
    )


def _of_protocol(outcomes: Outcomes, videos: Sequence[str]) -> ProtocolFigures:
    return ProtocolFigures(
        outcomes,
        top_k(outcomes.rank, 1),
        top_k(outcomes.rank, 5),
        mean_class_accuracy(outcomes),
        tuple(class_accuracies(outcomes)),
        tuple(accuracy_by_views(outcomes)),
        calibration(outcomes.confidence, outcomes.rank == 1),
        tuple(confused_pairs(outcomes)),
        tuple(_wrong(outcomes, videos)),
    )


def _wrong(outcomes: Outcomes, videos: Sequence[str]) -> Iterator[Wrong]:
    for number in np.flatnonzero(outcomes.predicted != outcomes.truth).tolist():
        yield Wrong(
            videos[number],
            int(outcomes.truth[number]),
            int(outcomes.predicted[number]),
            float(outcomes.confidence[number]),
            int(outcomes.rank[number]),
        )


def _published(model: Model) -> Published | None:
    if not isinstance(model, PublishedModel | CommunityModel):
        return None
    own = model.protocol
    return Published(model.top1, model.top5, f"{own.sampling} {own.num_clips}×{own.num_crops}")
