"""Tables on standard output: fitted to a terminal or COLUMNS, whole and not padded elsewhere."""

import os
from collections.abc import Sequence
from typing import TextIO

from rich.console import Console
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

_NARROW = 60  # columns of a terminal that has none for what only looks good
_PIPED_WIDTH = 1000  # text stays whole where no terminal limits the line


def result_console(stream: TextIO | None = None) -> Console:
    """Make a console that prints text as it is; standard output's unless a stream is given."""
    console = Console(file=stream, highlight=False, markup=False, emoji=False)
    if console.is_terminal:
        return console
    return Console(file=stream, highlight=False, markup=False, emoji=False, width=_PIPED_WIDTH)


def print_table(console: Console, table: Table, drop: Sequence[int] = ()) -> None:
    """Print a table; without the spaces at the ends of its lines where there is no terminal.

    If the environment variable COLUMNS is set, it is the width there.

    Args:
        console: Console to print to.
        table: The complete table.
        drop: Columns to leave out on a narrow terminal, in this order.
    """
    if console.is_terminal:
        _narrow(console, table, drop)
        console.print(table)
        return
    width, columns = console.width, os.environ.get("COLUMNS", "")
    if columns.isdigit() and 0 < int(columns) < width:
        console.width = int(columns)
        _narrow(console, table, drop)
    with console.capture() as captured:
        console.print(table)
    console.width = width
    for line in captured.get().splitlines():
        console.print(Text(line.rstrip()))


def _narrow(console: Console, table: Table, drop: Sequence[int]) -> None:
    """Remove columns from a table until it fits, so that no text is cut."""
    unlimited = console.options.update(max_width=_PIPED_WIDTH)
    left = list(table.columns)
    for place, column in enumerate([left[number] for number in drop]):
        is_first = place == 0 and console.width < _NARROW
        width = Measurement.get(console, unlimited, table).maximum
        if not is_first and width <= console.width:
            return
        table.columns = [other for other in table.columns if other is not column]
        for number, other in enumerate(table.columns):
            other._index = number  # by which Rich pads them
