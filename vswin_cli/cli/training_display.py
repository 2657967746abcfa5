"""The display of a training: first its data, then steps and epochs, then the results."""

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from time import monotonic
from types import TracebackType
from typing import Self

import typer
from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from vswin_cli.api.training import TrainingRun
from vswin_cli.api.training_report import Trained
from vswin_cli.cli.bars import progress_on_terminal
from vswin_cli.cli.display import RunDisplay, duration
from vswin_cli.cli.interrupts import INTERRUPTED, heard_interrupts, say_how_to_continue
from vswin_cli.cli.messages import print_above, print_warning
from vswin_cli.formats.tables import print_table, result_console
from vswin_cli.system.terminal import printable
from vswin_cli.training.checks import Checked
from vswin_cli.training.watcher import TrainingWatcher

_NUM_LISTED = 10
_LINE_SECONDS = 30.0  # between two lines about steps, if stderr is not a terminal


class TrainingDisplay(TrainingWatcher):
    """Follows a training on stderr: live on a terminal, a line per epoch elsewhere.

    Args:
        quiet: Show only failures.
        verbose: Show how each clip was read.
    """

    def __init__(self, *, quiet: bool, verbose: bool) -> None:
        self._quiet, self._verbose = quiet, verbose
        self._run = RunDisplay(quiet=quiet, verbose=verbose)
        self._progress = progress_on_terminal(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=20),
            TimeRemainingColumn(compact=True),
            quiet=quiet,
        )
        self._task = self._progress.add_task("", total=1.0)
        self._told = monotonic()
        self._is_stopping = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._progress.stop()

    def run(self) -> RunDisplay:
        """Follow a run over clips, as `vswin label` does."""
        self._progress.stop()
        self._run = RunDisplay(quiet=self._quiet, verbose=self._verbose)
        return self._run

    def stopped(self) -> typer.Exit:  # type: ignore[override]  # what ends a command
        """End the command, and say how to continue."""
        self._progress.stop()
        say_how_to_continue()
        is_asked = self._is_stopping or self._run.stopping
        return typer.Exit(INTERRUPTED if is_asked else 1)

    def on_note(self, text: str) -> None:
        """Print a line that stays on the screen."""
        if not self._quiet:
            print_above(self._progress, text)

    def on_share(self, what: str, share: float) -> None:
        """Advance the bar."""
        self._progress.start()
        self._progress.update(self._task, description=what, completed=share)
        if share >= 1:
            self._progress.reset(self._task)

    def on_step(self, step: int, num_steps: int, loss: float, right: float) -> None:
        """Advance the bar; without a terminal, print a line from time to time."""
        text = f"step {step}/{num_steps}  loss {loss:.3f}  {right:.0%} right"
        self._progress.start()
        self._progress.update(self._task, description=text, completed=step / num_steps)
        if self._progress.disable and not self._quiet and monotonic() - self._told > _LINE_SECONDS:
            self._told = monotonic()
            print(text, file=sys.stderr, flush=True)

    def on_epoch(self, row: dict[str, float]) -> None:
        """Print the metrics of an epoch, or of a head."""
        self._told = monotonic()
        name = (
            f"epoch {row['epoch']:.0f}" if "epoch" in row else f"regularisation {row['strength']:g}"
        )
        parts = [name]
        if "train_loss" in row:
            parts += [f"loss {row['train_loss']:.3f}", f"train {row['train_accuracy']:.1%}"]
        if "validation_accuracy" in row:
            parts.append(f"validation {row['validation_accuracy']:.1%}")
        self.on_note("  ".join(parts))

    @contextmanager
    def training(self, stop: Callable[[], None]) -> Iterator[None]:
        """Stop after the current step at the first Ctrl-C."""

        def stop_and_say() -> None:
            self._is_stopping = True
            print("stopping after this step; press Ctrl-C again to stop at once", file=sys.stderr)
            stop()

        with heard_interrupts(stop_and_say):
            yield


def say_checked(run: TrainingRun, checked: Checked, *, quiet: bool) -> None:
    """Print a description of the data, the problems found, and an estimate for the training."""
    examples = checked.examples
    for row in examples.unmatched[:_NUM_LISTED]:
        print_warning(f"row {row.place}, {row.video}: {row.message}")
    for clip in checked.broken[:_NUM_LISTED]:
        print_warning(f"{clip.video}: {clip.kind}: {clip.message}")
    for one, other in checked.alike[:_NUM_LISTED]:
        print_warning(f"{one} and {other} show the same, but are in different splits")
    for listed in (examples.unmatched, checked.broken, checked.alike):
        if len(listed) > _NUM_LISTED:
            print_warning(f"and {len(listed) - _NUM_LISTED} more of these")
    for line in checked.warnings:
        print_warning(line)
    if quiet:
        return
    _print(("class", "train", "validation", "test"), checked.table)
    for line in checked.notes:
        print(printable(line), flush=True)
    estimate = run.estimate(checked)
    parts = [f"memory: about {estimate.memory_bytes / 1e9:.1f} GB"]
    if estimate.disk_bytes:
        parts.append(f"disk for decoded clips: {estimate.disk_bytes / 1e9:.1f} GB")
    if estimate.seconds is not None:
        parts.insert(0, f"time: about {duration(estimate.seconds)}")
    print("; ".join(parts), flush=True)


def print_trained(trained: Trained, *, quiet: bool) -> None:
    """Print the results."""
    metrics = trained.metrics
    for remark in trained.remarks:
        print_warning(remark)
    accuracy = metrics["accuracy"]
    is_share = "low" in accuracy
    if not quiet:
        rows = [(row["label"], row["clips"], _share(row)) for row in metrics["classes"]]
        _print(("class", "clips", "right" if is_share else "average precision"), rows)
    between = f" ({accuracy['low']:.1%} to {accuracy['high']:.1%})" if is_share else ""
    what = "accuracy" if is_share else "mean average precision"
    value = "unknown" if accuracy["value"] is None else f"{accuracy['value']:.1%}"
    print(f"{what} on {metrics['split']}: {value}{between}")
    print(trained.folder)


def _print(titles: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print a table whose columns but the first are numbers."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for number, title in enumerate(titles):
        table.add_column(title, justify="right" if number else "left")
    for row in rows:
        table.add_row(*(Text(printable(str(cell))) for cell in row))
    print_table(result_console(), table)


def _share(row: dict[str, float]) -> str:
    if "right" in row:
        return f"{row['right'] / row['clips']:.0%}"
    precision = row["average_precision"]
    return "" if precision is None else f"{precision:.0%}"
