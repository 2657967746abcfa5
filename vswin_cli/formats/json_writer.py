"""JSON: one list, or one object per line; ASCII, so that any file name survives any stream."""

import json
from typing import Any

from vswin_cli.formats.writer import RecordWriter


class JsonLinesWriter(RecordWriter):
    """One object per line."""

    def write(self, record: dict[str, Any]) -> None:
        """Write one line and flush it."""
        self.stream.write(json.dumps(record) + "\n")
        self.stream.flush()


class JsonWriter(RecordWriter):
    """One list, an object per line; complete only once closed."""

    _separator = "[\n"

    def write(self, record: dict[str, Any]) -> None:
        """Write one element and flush it."""
        self.stream.write(self._separator + json.dumps(record))
        self.stream.flush()
        self._separator = ",\n"

    def close(self) -> None:
        """Close the list."""
        self.stream.write("[]\n" if self._separator == "[\n" else "\n]\n")
        super().close()
