"""Options of a run over many videos."""

from dataclasses import dataclass

from vswin_cli.errors import UsageError


@dataclass(frozen=True)
class RunOptions:
    """Options of a run over many videos.

    Attributes:
        resume: Continue an earlier run; False starts over.
        retry_failed: Retry videos that failed in an earlier run.
        workers: Decoding processes; None is half the processors, from 2 to 8, or with a GPU all
            but one.
        timeout: Time limit for decoding one video, in seconds.
        max_failures: Stop after this many failures; None never stops.
    """

    resume: bool = True
    retry_failed: bool = False
    workers: int | None = None
    timeout: float = 300.0
    max_failures: int | None = None

    def __post_init__(self) -> None:
        for name in ("workers", "timeout", "max_failures"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise UsageError(f"{name} {value} is not greater than 0")
