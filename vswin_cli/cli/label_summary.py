"""What is printed when a run has ended: how much was labelled, what failed, which labels."""

import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from vswin_cli.cli.label_display import LabelDisplay, duration
from vswin_cli.formats.tables import print_table, result_console
from vswin_cli.formats.text import printable
from vswin_cli.runs.finding import Found
from vswin_cli.runs.journal import Journal

_NUM_LABELS = 10
_BAR_WIDTH = 20


def print_summary(
    found: Sequence[Found],
    journal: Journal,
    display: LabelDisplay,
    output: Path,
    done: str = "labelled",
) -> None:
    """Print the summary of all videos that were found, whichever run labelled them.

    Args:
        found: The videos.
        journal: Their records.
        display: Knows what this run did.
        output: Where it all is.
        done: What was done with them.
    """
    console = result_console()
    entries = [journal.entries[video.video] for video in found if video.video in journal.entries]
    kinds = Counter(entry.summary for entry in entries if not entry.is_ok)
    labels = Counter(entry.summary for entry in entries if entry.is_ok)
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column()
    table.add_column(justify="right")
    table.add_column(no_wrap=True)
    table.add_row(done, str(labels.total()))
    table.add_row("failed", str(kinds.total()))
    for kind, count in kinds.most_common():
        table.add_row(Text(f"  {kind}", style="red"), str(count))
    if missing := len(found) - len(entries):
        table.add_row("not yet done", str(missing))
    del labels[""]  # of what has features only
    for label, count in labels.most_common(_NUM_LABELS):
        table.add_row(Text(f"  {label}"), str(count), _bar(console, count, labels.total()))
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
