"""The display of a run: live on a terminal, one line per video elsewhere."""

import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from time import monotonic

import typer
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from vswin_cli.cli.interrupts import (
    INTERRUPTED,
    STOPPING,
    heard_interrupts,
    say,
    say_how_to_continue,
)
from vswin_cli.cli.messages import left_out, print_error, print_warning
from vswin_cli.results import Failure, Result, ScoredLabel
from vswin_cli.runs.plan import Plan
from vswin_cli.runs.run import Outcome
from vswin_cli.runs.task import RunWatcher
from vswin_cli.runs.videos import Found
from vswin_cli.sources.addresses import without_credentials
from vswin_cli.system.terminal import counted, printable

_NUM_TALLIED = 5
_WIDE = 60  # columns, the least for a bar


class RunDisplay(RunWatcher):
    """Follows a run, and ends the command with its exit code.

    Args:
        quiet: Show only failures.
        verbose: Show how each video was read.
    """

    def __init__(self, *, quiet: bool, verbose: bool) -> None:
        self.quiet = quiet
        self.stopping = False
        self.num_done = 0
        self.wall_seconds = 0.0  # without loading the model
        self._verbose = verbose
        self._total = 0
        self._busy_with: Callable[[], Sequence[Found]] = tuple
        self._num_failed = 0
        self._tally = Counter[str]()
        self._current, self._views = "loading", ""
        self._has_started = False
        self._start = monotonic()
        console = Console(stderr=True, highlight=False, markup=False, emoji=False)
        self._is_wide = console.width >= _WIDE
        self._live = Live(
            console=console,
            get_renderable=self._picture,
            refresh_per_second=4,
            transient=True,
        )
        self._is_live = console.is_terminal and not quiet
        self._prints = not console.is_terminal and not quiet

    @contextmanager
    def following(
        self, todo: Sequence[Found], busy_with: Callable[[], Sequence[Found]]
    ) -> Iterator[None]:
        """Show a run, live if possible.

        Args:
            todo: Videos to label.
            busy_with: Returns the videos that are being decoded.
        """
        self._total, self._busy_with, self._start = len(todo), busy_with, monotonic()
        if self._is_live:
            self._live.start()
        try:
            yield
        finally:
            self._live.stop()
            self.wall_seconds = monotonic() - self._start

    def interruptible(self, stop: Callable[[], None]) -> AbstractContextManager[None]:
        """Stop the run at the first Ctrl-C, and the process at the second."""

        def stop_and_say() -> None:
            self.stopping = True
            stop()
            if not self._is_live:
                say(STOPPING)

        return heard_interrupts(stop_and_say)

    def on_plan(self, plan: Plan) -> None:
        """Print the work to do."""
        if not self.quiet:
            found = counted(plan.num_found, "video")
            print(f"{found} found: {plan.summary}", file=sys.stderr, flush=True)

    def on_skipped(self, skipped: Counter[str]) -> None:
        """Print what was left out, other than the user's videos."""
        if skipped and not self.quiet:
            print(left_out(skipped), file=sys.stderr, flush=True)

    def on_warning(self, text: str) -> None:
        """Print a warning, also with --quiet."""
        print_warning(text)

    def say(self, text: str) -> None:
        """Print a line that stays on the screen."""
        if self._is_live:
            self._live.console.print(Text(printable(text)))
        elif self._prints:
            print(printable(text), file=sys.stderr, flush=True)

    def on_start(self, found: Found) -> None:
        """Show the video that the model works on."""
        if not self._has_started:
            self._has_started, self._start = True, monotonic()
        self._current, self._views = printable(found.video), ""

    def on_view(self, done: int, total: int) -> None:
        """Show the progress."""
        self._views = f"{done}/{total} views of "

    def on_result(self, found: Found, result: Result, notes: Sequence[str]) -> None:
        """Count a video, and print its line if the display is not live."""
        self.num_done += 1
        self._current = self._views = ""
        if self._verbose:
            for note in notes:
                self.say(note)
        place = f"[{self.num_done}/{self._total}] {found.video}"
        if isinstance(result, Failure):
            reason = result.message.removeprefix(f"cannot read {without_credentials(found.path)}: ")
            if result.is_skipped:
                self.say(f"{place}: skipped, {result.kind}: {reason}")
                return
            self._num_failed += 1
            if self.quiet:
                print_error(f"{found.video}: {result.kind}: {reason}")
            self.say(f"{place}: failed, {result.kind}: {reason}")
            return
        for warning in result.warnings:
            self.say(f"warning: {found.video}: {warning}")
        described = "done"
        if result.scored_labels:
            best = result.scored_labels[0]
            self._tally[self.counted_as(found, best)] += 1
            described = self.described(found, best)
        if self._prints:
            self.say(f"{place}: {described}")

    def counted_as(self, found: Found, best: ScoredLabel) -> str:
        """Return the word under which the live display counts a video."""
        return best.label

    def described(self, found: Found, best: ScoredLabel) -> str:
        """Describe the result of a video in its line."""
        return f"{best.label} {best.probability:.4f}"

    def end(self, outcome: Outcome, *, is_complete: bool) -> None:
        """Print why the run stopped early, if it did, and set the exit code.

        Raises:
            typer.Exit: Something failed or is not done.
        """
        if outcome.is_stopped:
            print(f"stopped after {counted(outcome.num_failed, 'failure')}", file=sys.stderr)
        if outcome.num_left and (outcome.is_stopped or self.stopping) and not outcome.is_stdout:
            say_how_to_continue()
        if self.stopping:
            raise typer.Exit(INTERRUPTED)
        if outcome.is_stopped or not is_complete:
            raise typer.Exit(1)

    def _picture(self) -> RenderableType:
        seconds = max(monotonic() - self._start, 1e-3)
        rate = self.num_done / seconds  # videos per second
        left = (self._total - self.num_done) / rate if rate else None
        head = Table.grid(padding=(0, 2))
        cells: list[RenderableType] = [
            Text(f"{self.num_done}/{self._total}"),
            Text(f"{self._num_failed} failed", style="red" if self._num_failed else "dim"),
            Text(f"{duration(left)} left" if left is not None else ""),
        ]
        if self._is_wide:
            cells.insert(0, ProgressBar(self._total, self.num_done, width=24))
            cells.insert(3, Text(f"{rate * 60:.1f} videos/min"))
        head.add_row(*cells)
        decoding = ", ".join(printable(found.video) for found in self._busy_with())
        rows: list[RenderableType] = [head]
        if self.stopping:
            rows.append(Text(STOPPING, style="yellow"))
        for title, text in (
            ("model", self._views + self._current),
            ("decoding", decoding),
            (
                "so far",
                printable(
                    " · ".join(f"{name} {n}" for name, n in self._tally.most_common(_NUM_TALLIED))
                ),
            ),
        ):
            rows.append(Text(f"{title:9}{text}", style="dim", no_wrap=True, overflow="ellipsis"))
        return Group(*rows)


class EvaluationDisplay(RunDisplay):
    """Counts right and wrong answers instead of labels.

    Args:
        truth: Class index by video name.
        labels: Labels in index order.
        quiet: Show only failures.
        verbose: Show how each video was read.
    """

    def __init__(
        self, truth: Mapping[str, int], labels: Sequence[str], *, quiet: bool, verbose: bool
    ) -> None:
        super().__init__(quiet=quiet, verbose=verbose)
        self._truth = truth
        self._labels = labels

    def counted_as(self, found: Found, best: ScoredLabel) -> str:
        """Return whether the answer is right, in a word."""
        return "right" if best.index == self._truth[found.video] else "wrong"

    def described(self, found: Found, best: ScoredLabel) -> str:
        """Add the true label if the answer is wrong."""
        answer = super().described(found, best)
        true_index = self._truth[found.video]
        return (
            answer if best.index == true_index else f"{answer}, but is {self._labels[true_index]}"
        )


def duration(seconds: float) -> str:
    """Format a duration for people: `12 s`, `3 min 20 s`, `2 h 05 min`, `3 d 4 h`."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02} s"
    if whole < 86400:
        return f"{whole // 3600} h {whole % 3600 // 60:02} min"
    return f"{whole // 86400} d {whole % 86400 // 3600} h"
