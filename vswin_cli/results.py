"""What a run returns: predictions and failures, as plain values."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Setup:
    """What every video of a run has in common."""

    model: str
    protocol: str
    backend: str
    precision: str


@dataclass(frozen=True)
class ScoredLabel:
    """One class of one video's answer."""

    rank: int  # 1 is the most probable
    label: str
    index: int  # in the model's label set
    probability: float


@dataclass(frozen=True)
class Prediction:
    """The answer for one video, and what was computed to get it."""

    video: str  # as the user wrote it
    setup: Setup
    num_frames: int  # frames that decode
    clips: tuple[tuple[int, ...], ...]  # frame indices, one tuple a clip
    num_crops: int
    num_distinct_views: int
    num_views_used: int  # distinct views that the answer is the mean of
    scored_labels: tuple[ScoredLabel, ...]  # most probable first
    elapsed_seconds: float
    warnings: tuple[str, ...] = ()  # what was odd about the file, a line each

    @property
    def num_views(self) -> int:
        """Views of the protocol: clips × crops."""
        return len(self.clips) * self.num_crops


@dataclass(frozen=True)
class Failure:
    """Why a video has no answer."""

    video: str
    setup: Setup
    kind: str  # the stable word of the error
    message: str  # its line for the user
    elapsed_seconds: float


Result = Prediction | Failure
