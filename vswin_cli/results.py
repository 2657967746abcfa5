"""What a run returns: predictions and failures, as plain values and as records."""

from dataclasses import dataclass
from typing import Any

from vswin_cli.system.terminal import printable

TimeSpan = tuple[float, float]  # seconds from a video's first frame: start, end

SCHEMA_VERSION = 1  # of records; raised when a key is taken away, or means something else


@dataclass(frozen=True)
class Setup:
    """What every video of a run has in common."""

    model: str
    protocol: str
    backend: str
    precision: str


@dataclass(frozen=True)
class ScoredLabel:
    """One class of one video's answer.

    Attributes:
        rank: 1 is the most probable.
        label: The class's name.
        index: The class's index in the model's labels.
        probability: In [0, 1].
    """

    rank: int
    label: str
    index: int
    probability: float


@dataclass(frozen=True)
class VideoProperties:
    """What is known of a video apart from its pixels; None is not known.

    Attributes:
        width: Pixels of its frames, upright; of the first one, where they change.
        height: Likewise.
        duration_seconds: From its first frame to the end of its last.
        frames_per_second: The mean over the video.
        clip_seconds: When the first frame of each clip begins and the last one ends, from the
            video's first frame; none where frames have no times.
    """

    width: int | None = None
    height: int | None = None
    duration_seconds: float | None = None
    frames_per_second: float | None = None
    clip_seconds: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True)
class Prediction:
    """The answer for one video, and what was computed to get it.

    Attributes:
        video: Its name, as it was given.
        setup: The names of model, protocol, backend and precision.
        num_frames: Frames that decode.
        clips: Frame indices, clip_len per clip.
        num_crops: Crops per clip.
        num_distinct_views: Views of clips × crops that differ.
        num_views_used: Distinct views that the answer is the mean of.
        scored_labels: The most probable first.
        elapsed_seconds: To read and compute it.
        warnings: What is odd about the video, one line each.
        properties: What else is known of the video.
    """

    video: str
    setup: Setup
    num_frames: int
    clips: tuple[tuple[int, ...], ...]
    num_crops: int
    num_distinct_views: int
    num_views_used: int
    scored_labels: tuple[ScoredLabel, ...]
    elapsed_seconds: float
    warnings: tuple[str, ...] = ()
    properties: VideoProperties = VideoProperties()

    @property
    def num_views(self) -> int:
        """Views of the protocol: clips × crops."""
        return len(self.clips) * self.num_crops

    def to_dict(self) -> dict[str, Any]:
        """Make the record that `--format json` prints: plain values, every key always there."""
        return _record(self, self)


@dataclass(frozen=True)
class Failure:
    """Why a video has no answer.

    Attributes:
        video: Its name, as it was given.
        setup: The names of model, protocol, backend and precision.
        kind: The stable word of the error, such as `missing`; see `VideoError`.
        message: Its line for the user.
        elapsed_seconds: Until it failed.
        is_skipped: Whether it is a file of a folder with sound alone, which is not a failure.
    """

    video: str
    setup: Setup
    kind: str
    message: str
    elapsed_seconds: float
    is_skipped: bool = False

    def to_dict(self) -> dict[str, Any]:
        """Make the record that `--format json` prints: None for what is not known, and `error`."""
        error = {"kind": self.kind, "message": printable(self.message)}
        status = "skipped" if self.is_skipped else "failed"
        return {**_record(self, None), "status": status, "error": error}


Result = Prediction | Failure


def _record(result: Result, prediction: Prediction | None) -> dict[str, Any]:
    properties = prediction.properties if prediction else VideoProperties()
    return {
        "video": result.video,
        "schema_version": SCHEMA_VERSION,
        "status": "ok",
        "model": result.setup.model,
        "protocol": result.setup.protocol,
        "num_frames": prediction and prediction.num_frames,
        "duration_seconds": _rounded(properties.duration_seconds),
        "frames_per_second": _rounded(properties.frames_per_second),
        "width": properties.width,
        "height": properties.height,
        "clips": [list(clip) for clip in prediction.clips] if prediction else [],
        "clip_seconds": [list(map(_rounded, clip)) for clip in properties.clip_seconds],
        "num_views": prediction and prediction.num_views,
        "num_distinct_views": prediction and prediction.num_distinct_views,
        "num_views_used": prediction and prediction.num_views_used,
        "backend": result.setup.backend,
        "precision": result.setup.precision,
        "predictions": [dict(vars(scored)) for scored in prediction.scored_labels]
        if prediction
        else [],
        "elapsed_seconds": result.elapsed_seconds,
        "warnings": list(map(printable, prediction.warnings)) if prediction else [],
        "error": None,
    }


def _rounded(value: float | None) -> float | None:
    """To microseconds, which containers hardly know."""
    return value if value is None else round(float(value), 6)
