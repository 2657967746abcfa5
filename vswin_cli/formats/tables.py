"""Tables on standard output: fitted to a terminal, whole and without padding elsewhere."""

from typing import TextIO

from rich.console import Console
from rich.table import Table
from rich.text import Text

_PIPED_WIDTH = 1000  # text stays whole where no terminal limits the line


def result_console(stream: TextIO | None = None) -> Console:
    """Make a console that prints text as it is; standard output's unless a stream is given."""
    console = Console(file=stream, highlight=False, markup=False, emoji=False)
    if console.is_terminal:
        return console
    return Console(file=stream, highlight=False, markup=False, emoji=False, width=_PIPED_WIDTH)


def print_table(console: Console, table: Table) -> None:
    """Print a table; without the spaces at the ends of its lines where there is no terminal."""
    if console.is_terminal:
        console.print(table)
        return
    with console.capture() as captured:
        console.print(table)
    for line in captured.get().splitlines():
        console.print(Text(line.rstrip()))
