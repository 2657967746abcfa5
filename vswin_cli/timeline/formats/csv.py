"""CSV: a row per segment."""

from typing import Any, TextIO

from vswin_cli.formats.csv_rows import CsvRows
from vswin_cli.formats.registry import Format
from vswin_cli.formats.writer import RecordWriter

COLUMNS = ("video", "label", "start", "end", "probability")
FORMAT = Format("csv", "vswin_cli.timeline.formats.csv:SegmentRows", ".csv", grows=True)


class SegmentRows(RecordWriter):
    """A header, and a row per segment with start and end in seconds."""

    def __init__(self, stream: TextIO, **settings: Any) -> None:  # noqa: ANN401 - the base's
        super().__init__(stream, **settings)
        self._rows = CsvRows(stream)
        self._rows.write(COLUMNS)

    def write(self, record: dict[str, Any]) -> None:
        """Write a film's rows and flush them."""
        for segment in record["segments"]:
            self._rows.write(
                [
                    record["video"],
                    segment["label"],
                    f"{segment['start_seconds']:.3f}",
                    f"{segment['end_seconds']:.3f}",
                    f"{segment['probability']:.4f}",
                ]
            )
        self.stream.flush()
