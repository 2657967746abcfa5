"""CSV of many videos: one row each, its best labels side by side."""

import csv
from collections.abc import Iterable
from pathlib import Path
from typing import Any

_BEFORE = ("video", "status", "bytes", "modified")
_AFTER = (
    "model",
    "protocol",
    "num_frames",
    "num_views",
    "num_distinct_views",
    "num_views_used",
    "backend",
    "precision",
    "elapsed_seconds",
)
_PREDICTION_COLUMNS = ("label", "probability", "index")
_ERROR_COLUMNS = ("kind", "message")


def write_label_csv(path: Path, records: Iterable[dict[str, Any]], top_k: int) -> None:
    """Write a file of one row a video; what is not known is empty.

    Names are written as their own bytes, so that those that are not UTF-8 survive.

    Args:
        path: The file to write.
        records: Of `vswin label`.
        top_k: Columns `label_1` … `label_k`, with `probability_1` and `index_1` likewise.
    """
    with path.open("w", encoding="utf-8", errors="surrogateescape", newline="") as stream:
        rows = csv.writer(stream, lineterminator="\n")
        ranks = range(1, top_k + 1)
        rows.writerow(
            [
                *_BEFORE,
                *(f"{column}_{rank}" for rank in ranks for column in _PREDICTION_COLUMNS),
                *_AFTER,
                *(f"error_{column}" for column in _ERROR_COLUMNS),
            ]
        )
        for record in records:
            by_rank = {prediction["rank"]: prediction for prediction in record["predictions"]}
            best = [by_rank.get(rank, {}) for rank in ranks]
            error = record["error"] or {}
            rows.writerow(
                [
                    *(record[column] for column in _BEFORE),
                    *(scored.get(column) for scored in best for column in _PREDICTION_COLUMNS),
                    *(record.get(column) for column in _AFTER),
                    *(error.get(column) for column in _ERROR_COLUMNS),
                ]
            )
