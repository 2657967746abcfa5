"""JSON: one list, or one object a line."""

import json
from typing import TextIO

from vswin_cli.formats.records import to_record
from vswin_cli.results import Result


class JsonLinesWriter:
    """One object a line; ASCII, so that any file name survives any stream."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, result: Result) -> None:
        """Write one line and flush it."""
        self._stream.write(json.dumps(to_record(result)) + "\n")
        self._stream.flush()

    def close(self) -> None:
        """Nothing to complete: every line stands for itself."""


class JsonWriter:
    """One list, an object a line; complete only once closed."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._separator = "[\n"

    def write(self, result: Result) -> None:
        """Write one element and flush it."""
        self._stream.write(self._separator + json.dumps(to_record(result)))
        self._stream.flush()
        self._separator = ",\n"

    def close(self) -> None:
        """Close the list."""
        self._stream.write("[]\n" if self._separator == "[\n" else "\n]\n")
        self._stream.flush()
