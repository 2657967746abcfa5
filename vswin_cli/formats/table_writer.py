"""A table for people: label, probability, bar, and a line about the computation."""

from collections.abc import Sequence
from typing import Any, TextIO

from rich import box
from rich.table import Table
from rich.text import Text

from vswin_cli.formats.tables import print_table, result_console
from vswin_cli.formats.writer import RecordWriter
from vswin_cli.system.terminal import counted, length, printable

_BAR_WIDTH = 20


class TableWriter(RecordWriter):
    """One table per video, one note per run; plain text where it is not a terminal."""

    def __init__(
        self, stream: TextIO, *, top_k: int, note: str = "", more_columns: Sequence[str] = ()
    ) -> None:
        super().__init__(stream, top_k=top_k, note=note, more_columns=more_columns)
        self._console = result_console(stream)
        self._started = False

    def write(self, record: dict[str, Any]) -> None:
        """Print the table of a prediction; a failure has none, its message goes to stderr."""
        if record["error"]:
            return
        if self._started:
            self._console.print()
        self._started = True
        self._console.print(Text(printable(record["video"]), style="bold"))
        print_table(self._console, self._table(record), drop=(3, 2, 0))
        self._console.print(Text(summary(record), style="dim"))

    def close(self) -> None:
        """Print the note below the last table."""
        if self.note and self._started:
            self._console.print(Text(self.note, style="dim"))
        super().close()

    def _table(self, record: dict[str, Any]) -> Table:
        table = Table(box=box.SIMPLE_HEAD if self._console.is_terminal else None, pad_edge=False)
        table.add_column("rank", justify="right")
        table.add_column("label", overflow="fold")
        table.add_column("probability", justify="right", no_wrap=True)
        table.add_column("", no_wrap=True)
        for scored in record["predictions"]:
            table.add_row(
                str(scored["rank"]),
                Text(printable(scored["label"])),
                f"{scored['probability']:.4f}",
                Text(self._bar(scored["probability"]), style="cyan"),
            )
        return table

    def _bar(self, probability: float) -> str:
        block = "━" if self._console.encoding.startswith("utf") else "#"
        return block * round(probability * _BAR_WIDTH)


def summary(record: dict[str, Any]) -> str:
    """What was computed, in one line."""
    num_frames, num_clips = record["num_frames"], len(record["clips"])
    views = f"{num_clips}×{record['num_views'] // num_clips} views ({_counts(record)})"
    return " · ".join(
        (
            printable(record["model"]),
            counted(num_frames, "frame"),
            views,
            f"{record['backend']} {record['precision']}",
            length(record["elapsed_seconds"]),
        )
    )


def _counts(record: dict[str, Any]) -> str:
    num_distinct, num_used = record["num_distinct_views"], record["num_views_used"]
    distinct = f"{num_distinct} distinct"
    return distinct if num_used == num_distinct else f"{distinct}, {num_used} used"
