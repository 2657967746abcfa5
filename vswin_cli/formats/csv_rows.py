"""CSV as every command writes and reads it: rows stay rows, and no cell becomes a formula."""

import csv
import io
from collections.abc import Iterable
from typing import TextIO

_GUARDED = ("=", "+", "-", "@", "\t", "\r", "'")
_QUOTED = frozenset(',"\r\n')
_DELIMITERS = ",;\t|"

Lines = list[tuple[int, list[str]]]  # number of the first line, cells


class CsvRows:
    """Writes rows.

    Text that a spreadsheet would compute, because it begins with = + - @, a tab or a carriage
    return, gets a ' in front, which spreadsheets do not show. So does text that begins with ', so
    that removing one ' always restores the text. Python's `csv` leaves a carriage return unquoted,
    which splits the row in other programs.

    Args:
        stream: Text stream to write to.
        guarded: Whether text gets this '; programs other than spreadsheets treat it as text.
    """

    def __init__(self, stream: TextIO, *, guarded: bool = True) -> None:
        self._stream = stream
        self._guarded = guarded

    def write(self, cells: Iterable[object]) -> None:
        """Write one row; None is empty."""
        self._stream.write(",".join(_cell(each, guarded=self._guarded) for each in cells) + "\n")


def read_cells(text: str) -> Lines:
    """Read the cells of every line that is not empty; the first line shows the separator.

    Args:
        text: CSV from any program; Excel's may begin with a line `sep=;`.

    Raises:
        ValueError: It is not CSV.
    """
    first, _, rest = text.lstrip("\r\n").partition("\n")
    if first.lower().startswith("sep=") and len(first) == len("sep=") + 1:
        delimiter, text = first[-1], "\n" + rest
    else:
        delimiter = max(_DELIMITERS, key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True)
    found, place = [], 1
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                found.append((place, cells))
            place = reader.line_num + 1
    except csv.Error as exc:
        raise ValueError(f"line {place}: {exc}") from exc
    return found


def unguarded(cell: str) -> str:
    """Return the text of a cell without the ' that `CsvRows` put before it."""
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(_GUARDED) else cell


def _cell(value: object, *, guarded: bool) -> str:
    if value is None:
        return ""
    text = str(value)
    if guarded and isinstance(value, str) and text.startswith(_GUARDED):
        text = f"'{text}"
    if _QUOTED.isdisjoint(text) and not text.startswith(" "):  # which readers may drop
        return text
    return '"' + text.replace('"', '""') + '"'
