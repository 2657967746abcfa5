"""What a run returns: predictions and failures, as plain values."""

from dataclasses import dataclass


@dataclass(frozen=True)
class ScoredLabel:
    """One class of one video's answer."""

    rank: int  # 1 is the most probable
    label: str
    index: int  # in the model's label set
    probability: float


@dataclass(frozen=True)
class Prediction:
    """The answer for one video, with what was computed to get it."""

    video: str  # as the user wrote it
    model: str
    protocol: str
    num_frames: int  # frames that decode
    clips: tuple[tuple[int, ...], ...]  # frame indices, one tuple a clip
    num_crops: int
    num_distinct_views: int
    backend: str
    precision: str
    labels: tuple[ScoredLabel, ...]  # most probable first
    elapsed_seconds: float

    @property
    def num_views(self) -> int:
        """Views of the protocol: clips × crops."""
        return len(self.clips) * self.num_crops


@dataclass(frozen=True)
class Failure:
    """Why a video has no answer."""

    video: str
    model: str
    kind: str
    message: str


Result = Prediction | Failure
