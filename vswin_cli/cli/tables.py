"""The final output of commands: summaries of runs, estimates, rows of features files."""

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
from vswin_cli.cli.messages import print_warning, what_features_mean
from vswin_cli.features.files import open_features
from vswin_cli.formats.csv_rows import CsvRows
from vswin_cli.formats.tables import print_table, result_console
from vswin_cli.runs.output import STANDARD_OUTPUT
from vswin_cli.runs.plan import Plan
from vswin_cli.runs.run import Outcome
from vswin_cli.system.terminal import counted, printable

_NUM_LABELS = 10
_BAR_WIDTH = 20


def print_summary(
    outcome: Outcome, display: RunDisplay, output: Path, done: str = "labelled", note: str = ""
) -> None:
    """Print the summary of all videos that were found, from this run and earlier ones.

    Args:
        outcome: Videos and their records.
        display: Display with the results of this run.
        output: Path of the output; if it is standard output, the summary goes to stderr.
        done: Word for finished videos.
        note: Line to add.
    """
    is_stdout = output == STANDARD_OUTPUT
    console = result_console(sys.stderr if is_stdout else None)
    entries = [outcome.entries[name] for name in outcome.names if name in outcome.entries]
    failures = Counter(entry.summary for entry in entries if entry.has_failed)
    skipped = Counter(entry.summary for entry in entries if entry.status == "skipped")
    labels = Counter(entry.summary for entry in entries if entry.is_ok)
    counts = Counter({done: labels.total(), "failed": failures.total()})
    counts.update(skipped=skipped.total(), **{"not yet done": len(outcome.found) - len(entries)})
    counts.update({"with warnings": sum(entry.has_warnings for entry in entries)})
    always = (done, "failed")
    print_counts(console, "", {k: n for k, n in counts.items() if n or k in always})
    del labels[""]  # for records with features only, or without a probable label
    print_labels(console, labels)
    print_counts(console, "failures", dict(failures.most_common()), style="red")
    if display.num_done:
        seconds = display.wall_seconds
        videos = counted(display.num_done, "video")
        took = f"{videos} in {duration(seconds)}, {seconds / display.num_done:.2f} s per video"
        console.print(f"\n{took}")
    if note:
        console.print(Text(note, style="dim"), soft_wrap=True)
    if not is_stdout:
        console.print(Text(f"output: {printable(str(output))}"), soft_wrap=True)
    sys.stdout.flush()


def print_labels(console: Console, labels: Counter[str]) -> None:
    """Print how often each label was the best: the most frequent labels, and the rest."""
    shown = dict(labels.most_common(_NUM_LABELS))
    if len(labels) > _NUM_LABELS:
        shown["other labels"] = labels.total() - sum(shown.values())
    print_counts(console, "labels", shown, total=labels.total())


def print_counts(
    console: Console, title: str, counts: dict[str, int], total: int = 0, style: str = ""
) -> None:
    """Print names and numbers under a title, if there are any; bars show shares of a total."""
    if not counts:
        return
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(overflow="fold")
    table.add_column(justify="right", no_wrap=True)
    table.add_column(no_wrap=True)
    for name, count in counts.items():
        bar = _bar(console, count, total) if total else ""
        table.add_row(Text(printable(name), style=style), str(count), bar)
    if title:
        console.print(Text(f"\n{title}", style="bold"))
    print_table(console, table, drop=(2, 1) if total else (2,))


def _bar(console: Console, count: int, total: int) -> Text:
    block = "━" if console.encoding.startswith("utf") else "#"
    return Text(block * round(count / total * _BAR_WIDTH), style="cyan")


def print_plan(plan: Plan) -> None:
    """List the videos to label, one per line, then their number and the reasons."""
    for found in plan.todo:
        print(printable(found.video) + (": no such file" if found.is_missing else ""))
    print(f"{counted(plan.num_found, 'video')} found: {plan.summary}", flush=True)


def print_estimate(estimate: Estimate, model: str, num_videos: int) -> None:
    """Print the time of each choice for all videos."""
    table = Table(box=None, pad_edge=False)
    for title in ("model", "clips × crops"):
        table.add_column(title)
    for title in ("s/video", counted(num_videos, "video")):
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
    print_table(console, table, drop=(4, 2, 1))
    console.print(
        f"timed here: {estimate.view_seconds:.2f} s per view of {model}, "
        f"{estimate.video_seconds:.2f} s to decode a video"
    )


def print_records(records: Sequence[dict[str, Any]], form: str, columns: Sequence[str]) -> None:
    """Print records to standard output; numbers have six digits."""
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
        names = (
            "video",
            "label",
            "option",
            "value",
        )  # shown even on a narrow terminal
        drop = [number for number, column in enumerate(columns) if column not in names]
        print_table(result_console(), _table(rounded, columns), drop=drop[::-1])


def say_what_features_mean(features: Path, *, quiet: bool) -> None:
    """Print a warning if the features are those of the bundled model."""
    meaning = what_features_mean(open_features(features).origin.model)
    if meaning and not quiet:
        print_warning(meaning)


def _table(records: Sequence[dict[str, Any]], columns: Sequence[str]) -> Table:
    table = Table(box=None, pad_edge=False)
    for column in columns:
        is_text = any(isinstance(record.get(column), str) for record in records)
        table.add_column(
            column, justify="left" if is_text else "right", overflow="fold", no_wrap=not is_text
        )
    for record in records:
        values = [record.get(column, "") for column in columns]
        table.add_row(*(Text(_shown(value)) for value in values))
    return table


def _shown(value: object) -> str:
    return f"{value:.4f}" if isinstance(value, float) else printable(str(value))
