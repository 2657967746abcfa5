"""All metrics of an evaluation, computed once for all outputs."""

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
    """A video whose best label is wrong."""

    video: str
    true_index: int
    predicted_index: int
    probability: float  # of the answer
    true_rank: int  # of the right class, from 2


@dataclass(frozen=True)
class ProtocolFigures:
    """The metrics of one protocol."""

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
    """The published accuracy in the model zoo, in percent, and its protocol."""

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
    """Everything that a report contains."""

    model: str
    labels: Sequence[str]
    published: Published | None
    matched: Matched
    num_evaluated: int
    failed: tuple[Failed, ...]
    protocols: tuple[ProtocolFigures, ...]  # empty without videos

    @property
    def num_left(self) -> int:
        """Number of videos without a record."""
        return len(self.matched.found) - self.num_evaluated - len(self.failed)

    def failures(self) -> Counter[str]:
        """Number of failed videos, by error kind."""
        return Counter(failed.kind for failed in self.failed)


def compute_figures(model: Model, matched: Matched, records: Sequence[Record]) -> Figures:
    """Compute the metrics from records only.

    Args:
        model: The evaluated model.
        matched: The rows.
        records: Records of the finished videos, in the order of the rows.
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
