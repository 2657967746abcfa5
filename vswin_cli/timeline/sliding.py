"""The placement of windows on a film."""

from dataclasses import dataclass

from vswin_cli.films.pace import Pace
from vswin_cli.views.sampling import TORCHVISION_RATE
from vswin_cli.zoo.protocols import Sampling, ViewProtocol


@dataclass(frozen=True)
class Sliding:
    """The placement of windows on a film.

    Attributes:
        protocol: Protocol; one of its clips is a window.
        stride_seconds: Time between the starts of two windows.
        window_seconds: Length of a window if the protocol spreads its clip evenly.
        finds_shots: Keep each window within a shot.
    """

    protocol: ViewProtocol
    stride_seconds: float
    window_seconds: float
    finds_shots: bool = True

    @property
    def clip_span(self) -> int | None:
        """Frames from the first to the last of a window; None if seconds determine it."""
        if self.protocol.sampling is Sampling.UNIFORM:
            return None
        return (self.protocol.clip_len - 1) * self.interval + 1

    @property
    def interval(self) -> int:
        """Distance of neighbouring frames of a window; frames already have torchvision's rate."""
        return 1 if self.protocol.sampling is Sampling.TORCHVISION else self.protocol.frame_interval

    @property
    def alignment(self) -> int:
        """Distance of frames at which a window may start, so that most windows share frames."""
        return 1 if self.clip_span is None else self.interval

    def pace(self, usual_seconds: float | None) -> Pace:
        """Return how frames are shown; see `Pace`.

        Args:
            usual_seconds: Usual duration of a frame in the film.
        """
        if self.protocol.sampling is Sampling.TORCHVISION:
            return Pace(1 / TORCHVISION_RATE, is_strict=True)
        return Pace(usual_seconds)
