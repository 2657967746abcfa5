"""Parquet: a row per video, typed."""

import os
from collections.abc import Sequence
from datetime import datetime
from typing import IO, Any

import pyarrow as pa
import pyarrow.parquet as pq

from vswin_cli.formats.writer import RecordWriter
from vswin_cli.system.text import utf8

_ROWS_A_GROUP = 1000

SCHEMA = pa.schema(
    [
        ("video", pa.string()),  # what is not UTF-8 in it as \xNN
        ("video_bytes", pa.binary()),  # the name as the file system has it
        ("path", pa.string()),
        ("schema_version", pa.int32()),
        ("status", pa.string()),
        ("bytes", pa.int64()),
        ("modified", pa.timestamp("us", tz="UTC")),
        ("model", pa.string()),
        ("protocol", pa.string()),
        ("num_frames", pa.int64()),
        ("duration_seconds", pa.float64()),
        ("frames_per_second", pa.float64()),
        ("width", pa.int32()),
        ("height", pa.int32()),
        ("clips", pa.list_(pa.list_(pa.int64()))),
        ("clip_seconds", pa.list_(pa.list_(pa.float64()))),
        ("num_views", pa.int32()),
        ("num_distinct_views", pa.int32()),
        ("num_views_used", pa.int32()),
        ("backend", pa.string()),
        ("precision", pa.string()),
        (
            "predictions",
            pa.list_(
                pa.struct(
                    [
                        ("rank", pa.int32()),
                        ("label", pa.string()),
                        ("index", pa.int32()),
                        ("probability", pa.float64()),
                    ]
                )
            ),
        ),
        ("elapsed_seconds", pa.float64()),
        ("warnings", pa.list_(pa.string())),
        ("error_kind", pa.string()),
        ("error_message", pa.string()),
    ]
)

_MORE_COLUMNS = {"true_index": pa.int32(), "true_label": pa.string()}


class ParquetWriter(RecordWriter):
    """A row per video; only a group of rows is in memory at a time."""

    def __init__(
        self, stream: IO[bytes], *, top_k: int, note: str = "", more_columns: Sequence[str] = ()
    ) -> None:
        super().__init__(stream, top_k=top_k, note=note, more_columns=more_columns)
        more = [(column, _MORE_COLUMNS[column]) for column in more_columns]
        self._schema = pa.schema([*SCHEMA, *(pa.field(*column) for column in more)])
        self._file = pq.ParquetWriter(stream, self._schema)
        self._rows: list[dict[str, Any]] = []

    def write(self, record: dict[str, Any]) -> None:
        """Take one row; all rows are in the file once the writer is closed."""
        self._rows.append(_row(record, self._schema.names))
        if len(self._rows) == _ROWS_A_GROUP:
            self._write_rows()

    def close(self) -> None:
        """Write the last rows, and the end of the file."""
        self._write_rows()
        self._file.close()

    def _write_rows(self) -> None:
        if self._rows:
            self._file.write_table(pa.Table.from_pylist(self._rows, self._schema))
            self._rows = []


def _row(record: dict[str, Any], names: Sequence[str]) -> dict[str, Any]:
    error = record["error"] or {}
    modified = record.get("modified")
    row = {
        **record,
        "warnings": [utf8(warning) for warning in record["warnings"]],
        "video_bytes": os.fsencode(record["video"]),
        "modified": modified and datetime.fromisoformat(modified),
        "error_kind": error.get("kind"),
        "error_message": error.get("message"),
    }
    return {
        name: utf8(value) if isinstance(value := row.get(name), str) else value for name in names
    }
