"""CSV: a row per video, its best labels side by side."""

from collections.abc import Sequence
from typing import Any, TextIO

from vswin_cli.formats.csv_rows import CsvRows
from vswin_cli.formats.writer import RecordWriter

_BEFORE = ("video", "path", "schema_version", "status", "bytes", "modified")
_AFTER = (
    "model",
    "protocol",
    "num_frames",
    "duration_seconds",
    "frames_per_second",
    "width",
    "height",
    "num_views",
    "num_distinct_views",
    "num_views_used",
    "backend",
    "precision",
    "elapsed_seconds",
)
_PREDICTION_COLUMNS = ("label", "probability", "index")
_ERROR_COLUMNS = ("kind", "message")


class CsvWriter(RecordWriter):
    """A header, then a row per video; unknown values are empty.

    Columns `label_1` … `label_k`, with `probability_1` and `index_1` likewise; warnings are joined
    by a semicolon, and so are the clips' times, as `0.0-2.6`.
    """

    def __init__(
        self, stream: TextIO, *, top_k: int, note: str = "", more_columns: Sequence[str] = ()
    ) -> None:
        super().__init__(stream, top_k=top_k, note=note, more_columns=more_columns)
        self._rows = CsvRows(stream)
        self._ranks = range(1, top_k + 1)
        self._rows.write(
            [
                *_BEFORE,
                *(f"{column}_{rank}" for rank in self._ranks for column in _PREDICTION_COLUMNS),
                *_AFTER,
                "clip_seconds",
                "warnings",
                *(f"error_{column}" for column in _ERROR_COLUMNS),
                *more_columns,
            ]
        )

    def write(self, record: dict[str, Any]) -> None:
        """Write one row and flush it."""
        by_rank = {prediction["rank"]: prediction for prediction in record["predictions"]}
        best = [by_rank.get(rank, {}) for rank in self._ranks]
        error = record["error"] or {}
        self._rows.write(
            [
                *(record.get(column) for column in _BEFORE),
                *(scored.get(column) for scored in best for column in _PREDICTION_COLUMNS),
                *(record.get(column) for column in _AFTER),
                "; ".join(f"{start}-{end}" for start, end in record["clip_seconds"]),
                "; ".join(record["warnings"]),
                *(error.get(column) for column in _ERROR_COLUMNS),
                *(record.get(column) for column in self.more_columns),
            ]
        )
        self.stream.flush()
