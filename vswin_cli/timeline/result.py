"""What comes of a film: its segments, its shots, and what they were made of."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from vswin_cli.results import SCHEMA_VERSION, Setup
from vswin_cli.system.terminal import printable

Record = dict[str, Any]

_MEASURED = (
    "num_frames", "width", "height", "duration_seconds", "frames_per_second", "step_seconds",
    "num_windows",
)  # fmt: skip


@dataclass(frozen=True)
class Segment:
    """A stretch of a film under one label.

    Attributes:
        start_seconds: When its first frame is shown, from the film's start as players count.
        end_seconds: When the first frame after it is shown, or the film ends.
        start_frame: Its first frame.
        end_frame: The first frame after it.
        label: The class's name.
        index: The class's index in the model's labels.
        probability: The mean over its steps of time.
        shot: Number of the shot that it lies in, from 0.
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
    """What lies between two cuts.

    Attributes:
        start_seconds: As for `Segment`, like the next three.
        end_seconds: Likewise.
        start_frame: Likewise.
        end_frame: Likewise.
    """

    start_seconds: float
    end_seconds: float
    start_frame: int
    end_frame: int


@dataclass(frozen=True)
class Timeline:
    """What happens when in a film.

    Attributes:
        video: Its name, as it was given.
        setup: The names of model, protocol, backend and precision.
        num_frames: Frames that decode.
        width: Pixels of its first frame, upright.
        height: Likewise.
        duration_seconds: Until its last frame ends.
        frames_per_second: The mean over the film.
        segments: By their start.
        shots: In their order; one where cuts are not looked for.
        step_seconds: The length of the steps of time.
        probabilities: float32 (steps, num_classes); NaN where a step lies in no shot.
        num_windows: Places of the model's clip in the film.
        elapsed_seconds: To read and compute it.
        warnings: What is odd about the film, one line each.
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
        """Make the record that `--format json` prints: plain values, every key always there.

        Args:
            probabilities: Whether to put them in; without them the key is None.
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
            "duration_seconds": self.duration_seconds,
            "frames_per_second": self.frames_per_second,
            "segments": [asdict(segment) for segment in self.segments],
            "shots": [asdict(shot) for shot in self.shots],
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


def _rows(probabilities: np.ndarray) -> list[list[float] | None]:
    """A list a step; None for a step that no window covers."""
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
    """Make the record of a film without a timeline: None or nothing for what is not known.

    Args:
        video: Its name.
        setup: As for `Timeline`.
        kind: Of the error; see `VideoError`.
        message: Its line for the user.
        seconds: Until it failed.
        is_skipped: As for `Failure`.
    """
    nothing = Timeline(
        video, setup, 0, 0, 0, 0.0, 0.0, (), (), 0.0, np.zeros((0, 0)), 0, seconds
    ).to_dict()
    error = {"kind": kind, "message": printable(message)}
    status = "skipped" if is_skipped else "failed"
    return {**nothing, **dict.fromkeys(_MEASURED), "status": status, "error": error}
