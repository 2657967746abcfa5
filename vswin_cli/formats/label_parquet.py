"""Parquet of many videos: one row each, typed."""

import os
from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

_ROWS_A_GROUP = 1000

SCHEMA = pa.schema(
    [
        ("video", pa.string()),  # what is not UTF-8 in it as \xNN
        ("video_bytes", pa.binary()),  # the name as the file system has it
        ("status", pa.string()),
        ("bytes", pa.int64()),
        ("modified", pa.timestamp("us", tz="UTC")),
        ("model", pa.string()),
        ("protocol", pa.string()),
        ("num_frames", pa.int64()),
        ("clips", pa.list_(pa.list_(pa.int64()))),
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
        ("error_kind", pa.string()),
        ("error_message", pa.string()),
    ]
)


def write_label_parquet(path: Path, records: Iterable[dict[str, Any]]) -> None:
    """Write a file of one row a video; memory holds a group of rows at a time."""
    with pq.ParquetWriter(path, SCHEMA) as writer:
        for rows in _groups(map(_row, records)):
            writer.write_table(pa.Table.from_pylist(rows, SCHEMA))


def _groups(rows: Iterator[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    while group := list(islice(rows, _ROWS_A_GROUP)):
        yield group


def _row(record: dict[str, Any]) -> dict[str, Any]:
    error = record["error"] or {}
    modified = record["modified"]
    row = {
        **record,
        "video_bytes": os.fsencode(record["video"]),
        "modified": modified and datetime.fromisoformat(modified),
        "error_kind": error.get("kind"),
        "error_message": error.get("message"),
    }
    return {
        name: _utf8(value) if isinstance(value := row.get(name), str) else value
        for name in SCHEMA.names
    }


def _utf8(text: str) -> str:
    """Make text valid UTF-8; bytes of names that are not appear as a backslash, x and digits."""
    return os.fsencode(text).decode("utf-8", "backslashreplace")
