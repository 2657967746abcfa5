"""Reads records back from tables: CSV and Parquet as `vswin label` writes them, and JSON lists."""

import json
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from vswin_cli.errors import UsageError
from vswin_cli.formats.csv_rows import read_cells
from vswin_cli.system.extras import pip_command
from vswin_cli.system.files import open_regular
from vswin_cli.system.text import read_text

_NUM_SHOWN = 10  # frames of a video whose table does not say which the model saw
_ROWS_A_BATCH = 1000
_INTEGERS = ("schema_version", "bytes", "num_frames", "width", "height", "num_views")
_NUMBERS = ("duration_seconds", "frames_per_second", "elapsed_seconds")
_FAULTS = (OSError, ValueError, KeyError, TypeError, RecursionError)  # pyarrow's are of these
_TIMELINES = {"start", "end"}  # columns of timelines
NO_LABELS = (
    "is an output of `vswin timeline`, which has no labels of whole videos; its page is made by "
    "`vswin timeline --report`"
)
_KINETICS = {"label", "youtube_id", "time_start"}  # columns of `--format kinetics`


def read_records(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the records of a file or a folder of shards, with every key of a journal's records.

    What a table leaves out is empty, except for the frames: some of them are listed.

    Raises:
        UsageError: It cannot be read, or is something else.
    """
    if path.is_dir():
        shards = sorted(path.glob("part-*"))
        if not shards:
            raise UsageError(f"{path} contains no shard part-…; give an output of `vswin label`")
        for shard in shards:
            yield from read_records(shard)
        return
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        raise UsageError(f"{path} must end in {', '.join(_READERS)}")
    try:
        for record in reader(path):
            yield _completed(record)
    except _TimelinesError:
        raise UsageError(f"{path} {NO_LABELS}") from None
    except _FAULTS as exc:
        reason = getattr(exc, "strerror", None) or (
            f"it has no {exc}" if isinstance(exc, KeyError) else exc
        )
        raise UsageError(
            f"{path} is not an output of `vswin label`: {reason}; give the file that it wrote"
        ) from exc


class _TimelinesError(Exception):
    """They are timelines."""


def _read_csv(path: Path) -> Iterator[dict[str, Any]]:
    (_, header), *lines = read_cells(read_text(path, errors="surrogateescape")) or [(1, [])]
    if _TIMELINES.issubset(header):
        raise _TimelinesError
    if _KINETICS.issubset(header):
        raise ValueError("it is of --format kinetics, which contains only one label per video")
    for _, cells in lines:
        filled = [cell.removeprefix("'") for cell in cells] + [""] * (len(header) - len(cells))
        row = dict(zip(header, filled, strict=False))
        record: dict[str, Any] = {key: value or None for key, value in row.items()}
        record |= {key: int(row[key]) for key in _INTEGERS if row.get(key)}
        record |= {key: float(row[key]) for key in _NUMBERS if row.get(key)}
        record["predictions"] = list(_predictions(row))
        record["warnings"] = row["warnings"].split("; ") if row["warnings"] else []
        record["clip_seconds"] = []
        yield record


def _predictions(row: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    rank = 1
    while row.get(f"label_{rank}"):
        probability, index = row[f"probability_{rank}"], row[f"index_{rank}"]
        yield {
            "rank": rank,
            "label": row[f"label_{rank}"],
            "index": int(index),
            "probability": float(probability),
        }
        rank += 1


def _read_parquet(path: Path) -> Iterator[dict[str, Any]]:
    try:
        import pyarrow.parquet as pq  # noqa: PLC0415 - of an extra
    except ImportError as exc:
        raise UsageError(f"{path} needs pyarrow: run `{pip_command('parquet')}`") from exc
    with pq.ParquetFile(path) as file:
        if file.metadata.num_rows > path.stat().st_size:  # each has a name of its own
            raise ValueError("it declares more rows than it has bytes")
        for batch in file.iter_batches(_ROWS_A_BATCH):
            for row in batch.to_pylist():
                modified = row["modified"]
                row["video"] = os.fsdecode(row.pop("video_bytes"))
                row["modified"] = modified and modified.isoformat().replace("+00:00", "Z")
                yield row


def _read_json(path: Path) -> Iterator[dict[str, Any]]:
    records = json.loads(read_text(path))
    if not isinstance(records, list) or not all(isinstance(each, dict) for each in records):
        raise ValueError("it is not a list of records")
    if any("segments" in record for record in records):
        raise _TimelinesError
    yield from records


def _read_json_lines(path: Path) -> Iterator[dict[str, Any]]:
    with open_regular(path) as lines:
        for record in map(json.loads, lines):
            if not isinstance(record, dict):
                raise ValueError("a line of it is not a record")  # noqa: TRY004 - a fault of files
            yield record


def _completed(row: Mapping[str, Any]) -> dict[str, Any]:
    kind, message = row.get("error_kind"), row.get("error_message")
    error = {"kind": kind, "message": message or ""} if kind else row.get("error")
    num_frames = row.get("num_frames") or 0
    step = max(num_frames // _NUM_SHOWN, 1)
    return {
        "settings": {},
        "bytes": None,
        "modified": None,
        **row,
        "video": row["video"],
        "path": row.get("path") or row["video"],
        "status": row["status"],
        "elapsed_seconds": row["elapsed_seconds"] or 0.0,
        "predictions": row["predictions"],
        "clips": row.get("clips") or [list(range(0, num_frames, step))],
        "warnings": row["warnings"],
        "error": error,
    }


_READERS: dict[str, Callable[[Path], Iterator[dict[str, Any]]]] = {
    ".csv": _read_csv,
    ".parquet": _read_parquet,
    ".json": _read_json,
    ".jsonl": _read_json_lines,
}
