"""Options of a timeline and their defaults; light to import."""

from dataclasses import dataclass
from typing import Literal

from vswin_cli.errors import UsageError


@dataclass(frozen=True)
class TimelineOptions:
    """How a film becomes segments.

    The defaults were the best ones on generated films; see `benchmarks/timeline.py`.

    Attributes:
        stride: Seconds between the starts of windows, and the length of a step.
        window: Seconds that a window spans, where the protocol spans its clip uniformly: as long
            as Something-Something's videos are on average.
        shots: Find hard cuts, and let no window cross one.
        crops: Crops per window, 1 or 3; None is 1, the centre crop.
        protocol: As for `ViewOptions`.
        min_probability: Probability at which a segment starts; it ends below 0.7 of it.
        min_seconds: Drop shorter segments, and bridge shorter gaps.
        smooth: Seconds over which probabilities are averaged before they are cut; windows that
            overlap are averages already.
        multi: Let segments of different labels overlap.
    """

    stride: float = 0.25
    window: float = 4.0
    shots: bool = True
    crops: Literal[1, 3] | None = None
    protocol: str | None = None
    min_probability: float = 0.5
    min_seconds: float = 1.5
    smooth: float = 0.0
    multi: bool = False

    def __post_init__(self) -> None:
        for name in ("stride", "window"):
            if not 0.01 <= (value := getattr(self, name)) <= 3600:
                raise UsageError(f"--{name} {value:g} is not from 0.01 to 3600 seconds")
        if not 0 < self.min_probability <= 1:
            raise UsageError(
                f"--min-probability {self.min_probability:g} is not greater than 0 and at most 1"
            )
        for name in ("min_seconds", "smooth"):
            if not 0 <= (value := getattr(self, name)) <= 3600:
                option = name.replace("_", "-")
                raise UsageError(f"--{option} {value:g} is not from 0 to 3600 seconds")


@dataclass(frozen=True)
class FilmRunOptions:
    """How a run over many films works; see `RunOptions`.

    Attributes:
        timeout: Time limit without a new frame, in seconds, after which a film has failed.
    """

    resume: bool = True
    retry_failed: bool = False
    max_failures: int | None = None
    timeout: float = 300.0
