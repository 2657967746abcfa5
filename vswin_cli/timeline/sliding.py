"""How windows lie on a film."""

from dataclasses import dataclass

from vswin_cli.films.pace import Pace
from vswin_cli.views.sampling import TORCHVISION_RATE
from vswin_cli.zoo.protocols import Sampling, ViewProtocol


@dataclass(frozen=True)
class Sliding:
    """How windows lie on a film.

    Attributes:
        protocol: One clip of it is a window.
        stride_seconds: From the start of a window to that of the next.
        window_seconds: What a window spans where the protocol spans its clip uniformly.
        finds_shots: Whether windows keep within shots.
    """

    protocol: ViewProtocol
    stride_seconds: float
    window_seconds: float
    finds_shots: bool = True

    @property
    def clip_span(self) -> int | None:
        """Frames from a window's first to its last; None where seconds say it."""
        if self.protocol.sampling is Sampling.UNIFORM:
            return None
        return (self.protocol.clip_len - 1) * self.interval + 1

    @property
    def interval(self) -> int:
        """Frames from one that a window has to the next; torchvision's are at its rate by then."""
        return 1 if self.protocol.sampling is Sampling.TORCHVISION else self.protocol.frame_interval

    @property
    def alignment(self) -> int:
        """Frames from one where a window may start to the next, so that most see the same ones."""
        return 1 if self.clip_span is None else self.interval

    def pace(self, usual_seconds: float | None) -> Pace:
        """How frames are shown; see `Pace`.

        Args:
            usual_seconds: For which the film usually shows one.
        """
        if self.protocol.sampling is Sampling.TORCHVISION:
            return Pace(1 / TORCHVISION_RATE, is_strict=True)
        return Pace(usual_seconds)
