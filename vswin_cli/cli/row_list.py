"""Rows of a features file as a table, JSON or CSV, with what each was labelled."""

import csv
import json
import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from rich.table import Table
from rich.text import Text

from vswin_cli.errors import UsageError
from vswin_cli.features.files import FeaturesFile
from vswin_cli.formats.tables import print_table, result_console
from vswin_cli.formats.text import printable

Record = dict[str, Any]


def describe(
    file: FeaturesFile, rows: Sequence[int], labels: Mapping[str, str] | None
) -> list[Record]:
    """Say of each row which video it is of, which view where it is of one, and its label."""
    views = file.views(rows) if file.origin.per_view and rows else None
    records: list[Record] = []
    for place, (row, video) in enumerate(zip(rows, file.videos(rows), strict=True)):
        record: Record = {"row": row, "video": video}
        if views is not None:
            record |= {"clip": int(views[place, 0]), "crop": int(views[place, 1])}
        if labels is not None:
            record["label"] = labels.get(video, "")
        records.append(record)
    return records


def read_best_labels(path: Path | None) -> dict[str, str] | None:
    """Read the most probable label of each video that `vswin label` has labelled.

    Raises:
        UsageError: There is no such file, or it is none.
    """
    if path is None:
        return None
    if not path.is_file():
        raise UsageError(f"no file {path}: name the .jsonl output of `vswin label`")
    from vswin_cli.runs.journal import Journal

    with closing(Journal(path, resume=True, read_only=True)) as journal:
        return {name: entry.summary for name, entry in journal.entries.items() if entry.is_ok}


def print_records(records: Sequence[Record], form: str, columns: Sequence[str]) -> None:
    """Print records to standard output, numbers with six digits."""
    rounded = [
        {key: round(value, 6) if isinstance(value, float) else value for key, value in r.items()}
        for r in records
    ]
    if form == "json":
        print(json.dumps(rounded, indent=2))
    elif form == "csv":
        rows = csv.writer(sys.stdout, lineterminator=os.linesep)
        rows.writerow(columns)
        rows.writerows([record.get(column, "") for column in columns] for record in rounded)
    else:
        print_table(result_console(), _table(rounded, columns))


def _table(records: Sequence[Record], columns: Sequence[str]) -> Table:
    table = Table(box=None, pad_edge=False)
    for column in columns:
        is_text = column in ("video", "label")
        table.add_column(
            column, justify="left" if is_text else "right", overflow="fold", no_wrap=not is_text
        )
    for record in records:
        values = [record.get(column, "") for column in columns]
        table.add_row(*(Text(_shown(value)) for value in values))
    return table


def _shown(value: object) -> str:
    return f"{value:.4f}" if isinstance(value, float) else printable(str(value))
