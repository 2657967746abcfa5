"""CSV as every command writes it: rows stay rows, and no cell becomes a formula."""

from collections.abc import Iterable
from typing import TextIO

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
_QUOTED = frozenset(',"\r\n')


class CsvRows:
    """Writes rows.

    Text that a spreadsheet would compute, as it begins with = + - @ or a tab or carriage return,
    gets a ' before it, which spreadsheets do not show; so does text that begins with ' itself, so
    that to take one ' away always gives the text back. Python's own `csv` leaves a carriage return
    unquoted, which splits the row in other programs.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, cells: Iterable[object]) -> None:
        """Write one row; None is empty."""
        self._stream.write(",".join(map(_cell, cells)) + "\n")


def _cell(value: object) -> str:
    if value is None:
        return ""
    text = str(value)
    if isinstance(value, str) and text.startswith((*_FORMULA_STARTS, "'")):
        text = f"'{text}"
    if _QUOTED.isdisjoint(text):
        return text
    return '"' + text.replace('"', '""') + '"'
