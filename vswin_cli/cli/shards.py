"""`vswin label` and `vswin embed` into a folder of shards: display and exit codes."""

import sys
from collections import Counter
from contextlib import nullcontext
from time import monotonic

import typer
from rich.console import Console, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from vswin_cli.api.shards import ShardedRun, is_shard_folder
from vswin_cli.cli.display import duration
from vswin_cli.cli.interrupts import (
    INTERRUPTED,
    STOPPING,
    heard_interrupts,
    say,
    say_how_to_continue,
)
from vswin_cli.cli.messages import left_out, print_error, print_warning
from vswin_cli.cli.tables import print_counts, print_labels
from vswin_cli.errors import UsageError
from vswin_cli.formats.registry import Format
from vswin_cli.formats.tables import result_console
from vswin_cli.shards.options import ShardOptions
from vswin_cli.shards.report import ShardEvent, ShardReport
from vswin_cli.shards.run import ShardTotals, ShardWatcher
from vswin_cli.shards.workers import Workers
from vswin_cli.system.terminal import counted, printable


def takes_shards(
    output: str,
    shards: ShardOptions,
    *others: tuple[str, object],
    chosen: Format | None = None,
) -> bool:
    """Return whether an output is a folder of shards.

    Args:
        output: Value of --output.
        shards: Options of shards.
        others: Options that need a file as output, with their values.
        chosen: Format given by the user; None chooses it by the extension.

    Raises:
        UsageError: An option is for the other kind of output.
    """
    is_folder = is_shard_folder(output, chosen)
    if not is_folder and (given := [name for name, v in vars(shards).items() if v is not None]):
        option = given[0].replace("_", "-")
        raise UsageError(
            f"--{option} needs a folder of parquet or jsonl shards as --output, not {output}; end "
            "its name in /"
        )
    for option, value in others:
        if is_folder and value:
            raise UsageError(f"{option} needs an --output file; {output} is a folder")
    return is_folder


def run_shards(
    sharded: ShardedRun,
    skipped: Counter[str],
    *,
    done: str,
    note: str = "",
    dry_run: bool = False,
    quiet: bool = False,
    verbose: bool = False,
) -> None:
    """Carry out a run, print its summary, and end the command.

    Args:
        sharded: Run to carry out.
        skipped: What its inputs leave out, by pattern.
        done: Word for finished videos.
        note: Line to add.
        dry_run: Only print what there is to do.
        quiet: Show only failures.
        verbose: Show the output of Ray and its workers.

    Raises:
        typer.Exit: Something failed or is not done.
    """
    name = sharded.run.folder.name
    if dry_run:
        totals = sharded.run.plan()
        left = totals.num_shards - totals.num_skipped_shards
        print(
            f"{counted(totals.num_videos, 'video')} in {counted(totals.num_shards, 'shard')}: "
            f"{left} to do, {totals.num_skipped_shards} already done"
        )
        return
    display = _Display(quiet=quiet)
    with sharded.workers(print_warning, verbose=verbose) as workers:
        start = monotonic()
        with display.live, heard_interrupts(lambda: display.stop(workers)):
            totals = sharded.run.carry_out(workers, display)
        seconds = monotonic() - start
    if not quiet:
        if skipped:
            print(left_out(skipped), file=sys.stderr)
        _print_summary(totals, done, seconds, name, note)
    if not totals.report.is_finished or not totals.is_listed:
        if sharded.run.max_failures is not None and not display.is_stopping:
            print(f"stopped after {counted(totals.num_failed, 'failure')}", file=sys.stderr)
        say_how_to_continue()
        raise typer.Exit(INTERRUPTED if display.is_stopping else 1)
    if not totals.is_complete:
        raise typer.Exit(1)


class _Display(ShardWatcher):
    def __init__(self, *, quiet: bool) -> None:
        console = Console(stderr=True, highlight=False, markup=False, emoji=False)
        self._is_live = console.is_terminal and not quiet
        self._quiet = quiet
        self._start = monotonic()
        self._totals = ShardTotals()
        self._workers: Workers | None = None
        self._tally = Counter[str]()
        self._num_failed = 0
        self._num_shards = 0
        self.is_stopping = False
        self._live = Live(
            console=console, get_renderable=self._picture, refresh_per_second=4, transient=True
        )
        self.live = self._live if self._is_live else nullcontext()

    def stop(self, workers: Workers) -> None:
        """Request the end, which takes a moment."""
        self.is_stopping = True
        workers.stop()
        if not self._is_live:
            say(STOPPING)

    def on_start(self, totals: ShardTotals, workers: Workers) -> None:
        """Show the start of a run."""
        self._totals, self._workers, self._start = totals, workers, monotonic()

    def on_video(self, event: ShardEvent) -> None:
        """Count a video; failures stay on the screen."""
        if not event.is_failure:
            self._tally[event.summary] += 1
            return
        self._num_failed += 1
        message = f"{event.video}: failed: {event.summary}"
        if self._is_live:
            self._live.console.print(Text(printable(message)))
        else:
            print_error(message)

    def on_shard(self, report: ShardReport) -> None:
        """Print a finished shard, if the display is not live."""
        self._num_shards += report.is_finished
        if not self._is_live and not self._quiet and report.is_finished:
            print(f"{report.name}: {self._so_far()}", file=sys.stderr, flush=True)

    def _so_far(self) -> str:
        seconds = max(monotonic() - self._start, 1e-3)
        return (
            f"{counted(self._totals.num_done, 'video')} done, {self._num_failed} failed, "
            f"{self._totals.num_done / seconds:.1f} per second"
        )

    def _picture(self) -> RenderableType:
        totals, workers = self._totals, self._workers
        head = Table.grid(padding=(0, 2))
        seconds = max(monotonic() - self._start, 1e-3)
        rate = totals.num_done / seconds
        cells: list[RenderableType] = []
        if totals.is_listed:
            num_left = totals.num_shards - totals.num_skipped_shards - self._num_shards
            cells.append(ProgressBar(totals.num_shards, totals.num_shards - num_left, width=24))
        listed = "" if totals.is_listed else "+"
        cells += [
            Text(
                f"{self._num_shards + totals.num_skipped_shards}/{totals.num_shards}{listed} shards"
            ),
            Text(f"{totals.num_done} videos"),
            Text(f"{rate:.1f} per second"),
            Text(f"{self._num_failed} failed", style="red" if self._num_failed else "dim"),
        ]
        head.add_row(*cells)
        grid = Table.grid()
        grid.add_row(head)
        if workers is not None:
            where = counted(workers.num_machines, "machine")
            grid.add_row(Text(f"{counted(workers.num_workers, 'worker')} on {where}", style="dim"))
        best = " · ".join(
            f"{printable(name)} {n}" for name, n in self._tally.most_common(5) if name
        )
        grid.add_row(Text(f"so far   {best}", style="dim", no_wrap=True, overflow="ellipsis"))
        if self.is_stopping:
            grid.add_row(Text(STOPPING, style="yellow"))
        return grid


def _print_summary(totals: ShardTotals, done: str, seconds: float, folder: str, note: str) -> None:
    console = result_console()
    report = totals.report
    counts = {done: report.num_ok, "failed": report.num_failed}
    more = {
        "skipped": report.num_skipped,
        "with warnings": report.num_warnings,
        "shards already done": totals.num_skipped_shards,
        "shards replaced": totals.num_replaced,
    }
    print_counts(console, "", counts | {name: n for name, n in more.items() if n})
    print_labels(console, Counter(report.labels))
    print_counts(console, "failures", dict(report.failures), style="red")
    if totals.num_done:
        videos = counted(totals.num_done, "video")
        rate = f"{totals.num_done / seconds:.1f} per second"
        console.print(f"\n{videos} in {duration(seconds)}, {rate}")
    if note:
        console.print(Text(note, style="dim"), soft_wrap=True)
    console.print(Text(f"output: {printable(folder)}"), soft_wrap=True)
    sys.stdout.flush()
