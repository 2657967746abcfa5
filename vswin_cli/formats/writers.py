"""Which writer makes which format."""

from enum import StrEnum
from typing import Protocol, TextIO

from vswin_cli.formats.csv_writer import CsvWriter
from vswin_cli.formats.json_writer import JsonLinesWriter, JsonWriter
from vswin_cli.formats.table_writer import TableWriter
from vswin_cli.results import Result


class Format(StrEnum):
    """The formats of a run's results."""

    TABLE = "table"
    JSON = "json"
    JSONL = "jsonl"
    CSV = "csv"


class Writer(Protocol):
    """Writes each result as soon as it is there; leaves its stream open."""

    def write(self, result: Result) -> None:
        """Write one result and flush it."""

    def close(self) -> None:
        """Complete the format, after an interrupted run too."""


def open_writer(output_format: Format, stream: TextIO, note: str = "") -> Writer:
    """Make the writer of a format on an open text stream; tables end with the note."""
    match output_format:
        case Format.TABLE:
            return TableWriter(stream, note)
        case Format.JSON:
            return JsonWriter(stream)
        case Format.JSONL:
            return JsonLinesWriter(stream)
        case Format.CSV:
            return CsvWriter(stream)
