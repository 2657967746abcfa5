"""Who is told what a training does."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

from vswin_cli.errors import VswinError
from vswin_cli.runs.task import RunWatcher


class StoppedError(VswinError):
    """The training was asked to stop; the same command goes on."""

    kind = "stopped"


class TrainingWatcher:
    """Is told what happens; this one does nothing about it."""

    def run(self) -> RunWatcher:
        """Make what follows a run over clips: the look at all, or the test."""
        return RunWatcher()

    def stopped(self) -> StoppedError:
        """Make the error that ends a training which was asked to stop."""
        return StoppedError("stopped; the same command goes on")

    def on_note(self, text: str) -> None:
        """Something is known that the user may want to."""

    def on_share(self, what: str, share: float) -> None:
        """Something that takes its time is done to a share, from 0 to 1."""

    def on_step(self, step: int, num_steps: int, loss: float, right: float) -> None:
        """A step is done; the means are the epoch's so far."""

    def on_epoch(self, row: dict[str, float]) -> None:
        """A row of the log is there."""

    def training(self, stop: Callable[[], None]) -> AbstractContextManager[None]:
        """Lasts as long as steps are taken; `stop` ends them after the one in hand."""
        return nullcontext()
