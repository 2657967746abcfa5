"""The events of a training."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

from vswin_cli.errors import VswinError
from vswin_cli.runs.task import RunWatcher


class StoppedError(VswinError):
    """The training was stopped; the same command continues it."""

    kind = "stopped"


class TrainingWatcher:
    """Gets the events of a training; this base class ignores them."""

    def run(self) -> RunWatcher:
        """Make the watcher of a run over clips: the inspection, or the test."""
        return RunWatcher()

    def stopped(self) -> StoppedError:
        """Make the error that ends a training after a stop was requested."""
        return StoppedError("stopped; run the same command to continue")

    def on_note(self, text: str) -> None:
        """The user may want to know something."""

    def on_share(self, what: str, share: float) -> None:
        """A long step has finished a share, from 0 to 1."""

    def on_step(self, step: int, num_steps: int, loss: float, right: float) -> None:
        """A step is done; `loss` and `right` are means of the epoch so far."""

    def on_epoch(self, row: dict[str, float]) -> None:
        """A row of the log is ready."""

    def training(self, stop: Callable[[], None]) -> AbstractContextManager[None]:
        """Make a context for the steps; `stop` ends them after the current one."""
        return nullcontext()
