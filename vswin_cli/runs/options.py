"""What can be asked of a run over many videos."""

from dataclasses import dataclass

from vswin_cli.errors import UsageError


@dataclass(frozen=True)
class RunOptions:
    """How a run over many videos goes about it.

    Attributes:
        resume: Keep the records of files and settings that have not changed; False starts over.
        retry_failed: Try again what failed in an earlier run.
        workers: Processes that decode; None is half the processors, from 2 to 8, or with a GPU all
            but one.
        timeout: Seconds to decode one video; then it has failed.
        max_failures: Stop after so many; None never does.
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
                raise UsageError(f"{name} {value} is not more than 0")
