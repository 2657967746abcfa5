"""What commands print when they are done: summaries of runs, estimates, rows of features files."""

import json
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from vswin_cli.api.estimate import Estimate
from vswin_cli.cli.display import RunDisplay, duration
from vswin_cli.formats.csv_rows import CsvRows
from vswin_cli.formats.tables import print_table, result_console
from vswin_cli.runs.plan import Plan
from vswin_cli.runs.run import Outcome
from vswin_cli.system.terminal import printable

_NUM_LABELS = 10
_BAR_WIDTH = 20


def print_summary(
    outcome: Outcome, display: RunDisplay, output: Path, done: str = "labelled"
) -> None:
    """Print the summary of all videos that were found, whichever run computed them.

    Args:
        outcome: The videos and their records.
        display: Knows what this run did.
        output: Where it all is.
        done: What was done with them.
    """
    console = result_console()
    entries = [outcome.entries[name] for name in outcome.names if name in outcome.entries]
    kinds = Counter(entry.summary for entry in entries if not entry.is_ok)
    labels = Counter(entry.summary for entry in entries if entry.is_ok)
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column()
    table.add_column(justify="right")
    table.add_column(no_wrap=True)
    table.add_row(done, str(labels.total()))
    table.add_row("failed", str(kinds.total()))
    for kind, count in kinds.most_common():
        table.add_row(Text(f"  {printable(kind)}", style="red"), str(count))
    if num_warned := sum(entry.has_warnings for entry in entries):
        table.add_row(Text("with warnings", style="yellow"), str(num_warned))
    if missing := len(outcome.found) - len(entries):
        table.add_row("not yet done", str(missing))
    del labels[""]  # of what has features only
    for label, count in labels.most_common(_NUM_LABELS):
        table.add_row(
            Text(f"  {printable(label)}"), str(count), _bar(console, count, labels.total())
        )
    if len(labels) > _NUM_LABELS:
        table.add_row("  other labels", str(sum(sorted(labels.values())[:-_NUM_LABELS])))
    print_table(console, table)
    if display.num_done:
        console.print(
            Text(
                f"{display.num_done} videos in {duration(display.wall_seconds)}, "
                f"{display.wall_seconds / display.num_done:.2f} s a video"
            )
        )
    console.print(Text(f"output: {printable(str(output))}"), soft_wrap=True)
    sys.stdout.flush()


def _bar(console: Console, count: int, total: int) -> Text:
    block = "━" if console.encoding.startswith("utf") else "#"
    return Text(block * round(count / total * _BAR_WIDTH), style="cyan")


def print_plan(plan: Plan) -> None:
    """List the videos to label, a line each, then how many and why."""
    for found in plan.todo:
        print(printable(found.video))
    print(f"{plan.num_found} videos found: {plan.summary}", flush=True)


def print_estimate(estimate: Estimate, model: str, num_videos: int) -> None:
    """Print what each choice would take for all videos."""
    table = Table(box=None, pad_edge=False)
    for title in ("model", "clips × crops"):
        table.add_column(title)
    for title in ("s/video", f"{num_videos} videos"):
        table.add_column(title, justify="right")
    table.add_column("")
    for choice in estimate.choices:
        table.add_row(
            choice.model,
            f"{choice.protocol.num_clips} × {choice.protocol.num_crops}",
            f"{choice.seconds:.2f}",
            duration(choice.seconds * num_videos),
            "this command" if choice.is_asked_for else "",
        )
    console = result_console()
    print_table(console, table)
    console.print(
        f"timed here: {estimate.view_seconds:.2f} s a view of {model}, "
        f"{estimate.video_seconds:.2f} s to decode a video"
    )


def print_records(records: Sequence[dict[str, Any]], form: str, columns: Sequence[str]) -> None:
    """Print records to standard output, numbers with six digits."""
    rounded = [
        {key: round(value, 6) if isinstance(value, float) else value for key, value in r.items()}
        for r in records
    ]
    if form == "json":
        print(json.dumps(rounded, indent=2))
    elif form == "csv":
        rows = CsvRows(sys.stdout)
        rows.write(columns)
        for record in rounded:
            rows.write([record.get(column) for column in columns])
    else:
        print_table(result_console(), _table(rounded, columns))


def _table(records: Sequence[dict[str, Any]], columns: Sequence[str]) -> Table:
    table = Table(box=None, pad_edge=False)
    for column in columns:
        is_text = column in ("video", "label")
        table.add_column(
            column, justify="left" if is_text else "right", overflow="fold", no_wrap=not is_text
        )
    for record in records:
        values = [record.get(column, "") for column in columns]
        table.add_row(*(Text(_shown(value)) for value in values))
    return table


def _shown(value: object) -> str:
    return f"{value:.4f}" if isinstance(value, float) else printable(str(value))
