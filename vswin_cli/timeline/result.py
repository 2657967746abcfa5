"""The result of a film: its segments, its shots, and how they were made."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from vswin_cli.results import SCHEMA_VERSION, Setup, rounded
from vswin_cli.system.terminal import printable

Record = dict[str, Any]

_MEASURED = (
    "num_frames", "width", "height", "duration_seconds", "frames_per_second", "step_seconds",
    "num_windows",
)  # fmt: skip


@dataclass(frozen=True)
class Segment:
    """A part of a film with one label.

    Attributes:
        start_seconds: When its first frame is shown, counted from the film's start as players do.
        end_seconds: When the first frame after it is shown, or the film ends.
        start_frame: Index of its first frame.
        end_frame: Index of the first frame after it.
        label: Name of the class.
        index: Index of the class in the model's labels.
        probability: Mean probability over its time steps, in [0, 1].
        shot: Index of its shot, from 0.
    """

    start_seconds: float
    end_seconds: float
    start_frame: int
    end_frame: int
    label: str
    index: int
    probability: float
    shot: int


@dataclass(frozen=True)
class ShotSpan:
    """The frames between two cuts.

    Attributes:
        start_seconds: As for `Segment`.
        end_seconds: As for `Segment`.
        start_frame: As for `Segment`.
        end_frame: As for `Segment`.
    """

    start_seconds: float
    end_seconds: float
    start_frame: int
    end_frame: int


@dataclass(frozen=True)
class Timeline:
    """The segments of a film.

    Attributes:
        video: Name of the film, as given.
        setup: Names of model, protocol, backend and precision.
        num_frames: Frames that decode.
        width: Width of the first frame in pixels, upright.
        height: Height of the first frame in pixels, upright.
        duration_seconds: Time from the film's start to the end of its last frame.
        frames_per_second: Mean frame rate of the film.
        segments: Segments, sorted by start.
        shots: Shots in order; a single one if cuts are ignored.
        step_seconds: Length of a time step.
        probabilities: float32 (steps, num_classes); NaN for a step outside all shots.
        num_windows: Positions of the model's clip in the film.
        elapsed_seconds: Time to read and compute the film.
        warnings: Anything unusual about the film, one line each.
    """

    video: str
    setup: Setup
    num_frames: int
    width: int
    height: int
    duration_seconds: float
    frames_per_second: float
    segments: tuple[Segment, ...]
    shots: tuple[ShotSpan, ...]
    step_seconds: float
    probabilities: np.ndarray
    num_windows: int
    elapsed_seconds: float
    warnings: tuple[str, ...] = ()

    def to_dict(self, *, probabilities: bool = False) -> Record:
        """Make the record that `--format json` prints: plain values, every key always present.

        Args:
            probabilities: Include the probabilities; otherwise the key is None.
        """
        return {
            "schema_version": SCHEMA_VERSION,
            "video": self.video,
            "status": "ok",
            "model": self.setup.model,
            "protocol": self.setup.protocol,
            "num_frames": self.num_frames,
            "width": self.width,
            "height": self.height,
            "duration_seconds": rounded(self.duration_seconds),
            "frames_per_second": rounded(self.frames_per_second),
            "segments": list(map(_span, self.segments)),
            "shots": list(map(_span, self.shots)),
            "step_seconds": self.step_seconds,
            "probabilities": _rows(self.probabilities) if probabilities else None,
            "num_windows": self.num_windows,
            "predictions": [],  # no label stands for a whole film
            "backend": self.setup.backend,
            "precision": self.setup.precision,
            "elapsed_seconds": self.elapsed_seconds,
            "warnings": list(map(printable, self.warnings)),
            "error": None,
        }


def _span(span: Segment | ShotSpan) -> Record:
    times = {key: rounded(getattr(span, key)) for key in ("start_seconds", "end_seconds")}
    return asdict(span) | times


def _rows(probabilities: np.ndarray) -> list[list[float] | None]:
    """Return one list per step; None for a step without a window."""
    return [None if np.isnan(row[0]) else row.tolist() for row in probabilities]


def failed_record(
    video: str,
    setup: Setup,
    kind: str,
    message: str,
    seconds: float,
    *,
    is_skipped: bool = False,
) -> Record:
    """Make the record of a film without a timeline; unknown values are None or empty.

    Args:
        video: Name of the film.
        setup: As for `Timeline`.
        kind: Error kind; see `VideoError`.
        message: Line for the user.
        seconds: Time until the failure.
        is_skipped: As for `Failure`.
    """
    nothing = Timeline(
        video, setup, 0, 0, 0, 0.0, 0.0, (), (), 0.0, np.zeros((0, 0)), 0, seconds
    ).to_dict()
    error = {"kind": kind, "message": printable(message)}
    status = "skipped" if is_skipped else "failed"
    return {**nothing, **dict.fromkeys(_MEASURED), "status": status, "error": error}
