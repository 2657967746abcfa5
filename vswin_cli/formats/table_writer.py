"""A table for people: label, probability, bar, and a line on what was computed."""

from typing import TextIO

from rich import box
from rich.table import Table
from rich.text import Text

from vswin_cli.formats.tables import print_table, result_console
from vswin_cli.formats.text import printable
from vswin_cli.results import Prediction, Result

_BAR_WIDTH = 20


class TableWriter:
    """One table a video, one note a run; plain text where it is not a terminal."""

    def __init__(self, stream: TextIO, note: str = "") -> None:
        self._note = note
        self._console = result_console(stream)
        self._started = False

    def write(self, result: Result) -> None:
        """Print the table of a prediction; a failure has none, its message goes to stderr."""
        if not isinstance(result, Prediction):
            return
        if self._started:
            self._console.print()
        self._started = True
        self._console.print(Text(printable(result.video), style="bold"))
        print_table(self._console, self._table(result))
        self._console.print(Text(summary(result), style="dim"))

    def close(self) -> None:
        """Print the note below the last table."""
        if self._note and self._started:
            self._console.print(Text(self._note, style="dim"))

    def _table(self, prediction: Prediction) -> Table:
        table = Table(box=box.SIMPLE_HEAD if self._console.is_terminal else None, pad_edge=False)
        table.add_column("rank", justify="right")
        table.add_column("label", overflow="fold")
        table.add_column("probability", justify="right", no_wrap=True)
        table.add_column("", no_wrap=True)
        for scored in prediction.scored_labels:
            table.add_row(
                str(scored.rank),
                Text(scored.label),
                f"{scored.probability:.4f}",
                Text(self._bar(scored.probability), style="cyan"),
            )
        return table

    def _bar(self, probability: float) -> str:
        block = "━" if self._console.encoding.startswith("utf") else "#"
        return block * round(probability * _BAR_WIDTH)


def summary(prediction: Prediction) -> str:
    """What was computed, in one line."""
    setup = prediction.setup
    frames = "1 frame" if prediction.num_frames == 1 else f"{prediction.num_frames} frames"
    return " · ".join(
        (
            setup.model,
            frames,
            f"{len(prediction.clips)}×{prediction.num_crops} views ({_counts(prediction)})",
            f"{setup.backend} {setup.precision}",
            f"{prediction.elapsed_seconds:.1f} s",
        )
    )


def _counts(prediction: Prediction) -> str:
    distinct = f"{prediction.num_distinct_views} distinct"
    if prediction.num_views_used == prediction.num_distinct_views:
        return distinct
    return f"{distinct}, {prediction.num_views_used} used"
