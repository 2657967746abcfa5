"""Results of a run: predictions and failures, as plain values and as records."""

from dataclasses import dataclass
from typing import Any

from vswin_cli.system.terminal import printable

TimeSpan = tuple[float, float]  # seconds, counted as players do: start, end

SCHEMA_VERSION = 1  # of records; raised when a key is removed or changes its meaning


@dataclass(frozen=True)
class Setup:
    """The setup that all videos of a run share."""

    model: str
    protocol: str
    backend: str
    precision: str


@dataclass(frozen=True)
class ScoredLabel:
    """One label of a prediction.

    Attributes:
        rank: 1 is the most probable.
        label: Name of the class.
        index: Index of the class in the model's labels.
        probability: Probability in [0, 1].
    """

    rank: int
    label: str
    index: int
    probability: float


@dataclass(frozen=True)
class VideoProperties:
    """Properties of a video apart from its pixels; None if unknown.

    Attributes:
        width: Width of the first frame in pixels, upright.
        height: Height of the first frame in pixels, upright.
        duration_seconds: Time from the first frame to the end of the last one.
        frames_per_second: Mean frame rate of the video.
        clip_seconds: Start of the first frame and end of the last frame of each clip, counted from
            the video's start as players do; empty if frames have no times.
    """

    width: int | None = None
    height: int | None = None
    duration_seconds: float | None = None
    frames_per_second: float | None = None
    clip_seconds: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True)
class Prediction:
    """The labels of one video, and how they were computed.

    Attributes:
        video: Name of the video, as given.
        setup: Names of model, protocol, backend and precision.
        num_frames: Frames that decode.
        clips: Frame indices, clip_len per clip.
        num_crops: Crops per clip.
        num_distinct_views: Number of views (clips × crops) that differ.
        num_views_used: Number of distinct views that were computed.
        scored_labels: Labels, the most probable first.
        elapsed_seconds: Time to read and compute the video.
        warnings: Anything unusual about the video, one line each.
        properties: Other properties of the video.
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
        """Number of views of the protocol: clips × crops."""
        return len(self.clips) * self.num_crops

    def to_dict(self) -> dict[str, Any]:
        """Make the record that `--format json` prints: plain values, every key always present."""
        return _record(self, self)


@dataclass(frozen=True)
class Failure:
    """Why a video has no labels.

    Attributes:
        video: Name of the video, as given.
        setup: Names of model, protocol, backend and precision.
        kind: Kind of the error, such as `missing`; see `VideoError`.
        message: One line for the user.
        elapsed_seconds: Time until the video failed.
        is_skipped: Whether the file has only sound and comes from a folder, so it is not a failure.
    """

    video: str
    setup: Setup
    kind: str
    message: str
    elapsed_seconds: float
    is_skipped: bool = False

    def to_dict(self) -> dict[str, Any]:
        """Make the record that `--format json` prints: unknown values are None, `error` is set."""
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
        "duration_seconds": rounded(properties.duration_seconds),
        "frames_per_second": rounded(properties.frames_per_second),
        "width": properties.width,
        "height": properties.height,
        "clips": [list(clip) for clip in prediction.clips] if prediction else [],
        "clip_seconds": [list(map(rounded, clip)) for clip in properties.clip_seconds],
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


def rounded(value: float | None) -> float | None:
    """Round to microseconds, finer than the times in most containers."""
    return value if value is None else round(float(value), 6)
