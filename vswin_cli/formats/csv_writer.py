"""CSV: one row a prediction."""

import csv
from typing import TextIO

from vswin_cli.formats.records import to_record
from vswin_cli.results import Result

_VIDEO_COLUMNS = (
    "video",
    "model",
    "protocol",
    "num_frames",
    "num_views",
    "num_distinct_views",
    "num_views_used",
    "backend",
    "precision",
)
_PREDICTION_COLUMNS = ("rank", "label", "index", "probability")
_ERROR_COLUMNS = ("kind", "message")

COLUMNS = (
    *_VIDEO_COLUMNS,
    *_PREDICTION_COLUMNS,
    "elapsed_seconds",
    *(f"error_{column}" for column in _ERROR_COLUMNS),
)


class CsvWriter:
    """A header, then a row a prediction; a failed video has one row with its error."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._rows = csv.writer(stream, lineterminator="\n")
        self._rows.writerow(COLUMNS)

    def write(self, result: Result) -> None:
        """Write the rows of one video and flush them; unknown values are empty."""
        record = to_record(result)
        error = record["error"] or {}
        for prediction in record["predictions"] or [{}]:
            self._rows.writerow(
                [
                    *(record[column] for column in _VIDEO_COLUMNS),
                    *(prediction.get(column) for column in _PREDICTION_COLUMNS),
                    record["elapsed_seconds"],
                    *(error.get(column) for column in _ERROR_COLUMNS),
                ]
            )
        self._stream.flush()

    def close(self) -> None:
        """Nothing to complete, but the header of an empty run may still be in the buffer."""
        self._stream.flush()
