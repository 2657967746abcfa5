"""The display of a run over films: a bar on a terminal, one line per film elsewhere."""

import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path

import typer
from rich.progress import (
    BarColumn,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from vswin_cli.cli.bars import progress_on_terminal
from vswin_cli.cli.interrupts import INTERRUPTED, heard_interrupts, say_how_to_continue
from vswin_cli.cli.messages import left_out, print_error, print_warning
from vswin_cli.formats.tables import result_console
from vswin_cli.runs.plan import Plan
from vswin_cli.runs.run import Outcome
from vswin_cli.runs.videos import Found
from vswin_cli.system.terminal import counted, printable
from vswin_cli.timeline.result import Record
from vswin_cli.timeline.runs import TimelineWatcher


class TimelineDisplay(TimelineWatcher):
    """Follows a run over films.

    Args:
        quiet: Show only errors.
        keeps: Whether the run has an output that another run can continue.
    """

    def __init__(self, *, quiet: bool, keeps: bool) -> None:
        self._quiet = quiet
        self._keeps = keeps
        self._total = self._num_done = self.num_failed = 0
        self.stopping = False
        self._progress = progress_on_terminal(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=20),
            TaskProgressColumn(),
            TimeRemainingColumn(),
            quiet=quiet,
        )
        self._is_live = not self._progress.disable
        self._task = self._progress.add_task("loading", total=None)

    def on_plan(self, plan: Plan) -> None:
        """Print the work to do."""
        self._say(f"{counted(plan.num_found, 'video')} found: {plan.summary}")

    def on_skipped(self, skipped: Counter[str]) -> None:
        """Print what was left out, other than the user's films."""
        if skipped:
            self._say(left_out(skipped))

    def on_warning(self, text: str) -> None:
        """Print a warning, also with --quiet."""
        print_warning(text)

    @contextmanager
    def following(self, todo: Sequence[Found]) -> Iterator[None]:
        """Show a run."""
        self._total = len(todo)
        self._progress.start()
        try:
            yield
        finally:
            self._progress.stop()

    def interruptible(self, stop: Callable[[], None]) -> AbstractContextManager[None]:
        """Stop the run at the first Ctrl-C, and the process at the second."""
        if not self._keeps:
            return nullcontext()

        def stop_and_note() -> None:
            self.stopping = True
            stop()

        return heard_interrupts(stop_and_note)

    def on_start(self, found: Found) -> None:
        """Show the current film."""
        name = Text(printable(found.video))
        name.truncate(self._progress.console.width // 2, overflow="ellipsis")
        self._progress.reset(self._task, total=None, description=name.plain)

    def on_progress(self, done_seconds: float, all_seconds: float | None) -> None:
        """Advance the bar."""
        self._progress.update(self._task, completed=done_seconds, total=all_seconds)

    def on_record(self, found: Found, record: Record) -> None:
        """Print the result of a film."""
        self._num_done += 1
        place = f"[{self._num_done}/{self._total}] {found.video}"
        if error := record["error"]:
            if record["status"] == "skipped":
                self._say(f"{place}: skipped, {error['kind']}: {error['message']}")
                return
            self.num_failed += 1
            if self._keeps:
                self._write(f"{place}: failed, {error['kind']}: {error['message']}")
            else:
                self._progress.stop()
                print_error(error["message"])
            return
        for warning in record["warnings"]:
            self._say(f"warning: {found.video}: {warning}")
        if self._keeps and not self._is_live:
            self._say(f"{place}: {counted(len(record['segments']), 'segment')}")

    def say_page(self, page: Path) -> None:
        """Print the path of the page."""
        self._say(f"report: {page}")

    def end(
        self, outcome: Outcome, output: str, page: Path | None = None, *, note: str = ""
    ) -> None:
        """Print a summary of the run, and set the exit code.

        Raises:
            typer.Exit: Something failed or is not done.
        """
        if not self._quiet:
            entries = [outcome.entries[name] for name in outcome.names if name in outcome.entries]
            counts = Counter(entry.status for entry in entries)
            console = result_console()
            console.print(f"timelines  {counts['ok']}")
            console.print(f"failed     {counts['failed']}")
            if counts["skipped"]:
                console.print(f"skipped    {counts['skipped']}")
            if missing := len(outcome.found) - len(entries):
                console.print(f"not yet done  {missing}")
            if note:
                console.print(Text(note, style="dim"), soft_wrap=True)
            console.print(Text(f"output: {printable(output)}"), soft_wrap=True)
            if page is not None:
                console.print(Text(f"report: {printable(str(page))}"), soft_wrap=True)
            sys.stdout.flush()
        if outcome.is_stopped:
            print(f"stopped after {counted(outcome.num_failed, 'failure')}", file=sys.stderr)
            say_how_to_continue()
        self.raise_if_stopped()
        if not outcome.is_complete:
            raise typer.Exit(1)

    def raise_if_stopped(self) -> None:
        """End the command if Ctrl-C stopped the run.

        Raises:
            typer.Exit: It stopped the run.
        """
        if self.stopping:
            say_how_to_continue()
            raise typer.Exit(INTERRUPTED)

    def _say(self, text: str) -> None:
        if not self._quiet:
            self._write(text)

    def _write(self, text: str) -> None:
        """Print a line that stays on the screen."""
        if self._progress.live.is_started and self._is_live:
            self._progress.console.print(Text(printable(text)))
        else:
            print(printable(text), file=sys.stderr, flush=True)
