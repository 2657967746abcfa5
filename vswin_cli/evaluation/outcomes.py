"""Records as arrays, one protocol at a time, for computing metrics."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from vswin_cli.runs.records import Record


@dataclass(frozen=True)
class Outcomes:
    """The outcomes of one protocol for the evaluated videos; ranks count from 1."""

    protocol: str
    num_clips: int
    num_crops: int
    truth: np.ndarray  # int64 (videos,), class index
    predicted: np.ndarray  # int64 (videos,)
    confidence: np.ndarray  # float64 (videos,), probability of the predicted class
    rank: np.ndarray  # int64 (videos,), of the truth
    rank_by_views: np.ndarray  # int64 (videos, num_views), with the first 1, 2, … views
    rank_of_centre: np.ndarray | None  # int64 (videos,), with the centre crops only

    @property
    def name(self) -> str:
        """The name, such as `official 4×3`."""
        return f"{self.protocol} {self.num_clips}×{self.num_crops}"


def read_outcomes(records: Iterable[Record]) -> list[Outcomes]:
    """Collect the outcomes of videos that did not fail, per protocol; empty without videos."""
    done = [record for record in records if record["status"] == "ok"]
    if not done:
        return []
    truth = np.array([record["true_index"] for record in done])
    by_protocol = zip(*(record["outcomes"] for record in done), strict=True)
    return [_outcomes(truth, outcomes) for outcomes in by_protocol]


def _outcomes(truth: np.ndarray, outcomes: Sequence[Record]) -> Outcomes:
    first = outcomes[0]

    def column(key: str) -> np.ndarray:
        return np.array([outcome[key] for outcome in outcomes])

    has_centre = first["true_rank_of_centre_crops"] is not None
    return Outcomes(
        first["protocol"],
        first["num_clips"],
        first["num_crops"],
        truth,
        column("index"),
        column("probability"),
        column("true_rank"),
        column("true_rank_by_views"),
        column("true_rank_of_centre_crops") if has_centre else None,
    )
