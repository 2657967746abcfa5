"""The CSV of Kinetics, which the dataset's tools and `vswin evaluate` read as annotations."""

import re
from collections.abc import Sequence
from pathlib import PurePath
from typing import Any, TextIO

from vswin_cli.formats.csv_rows import CsvRows
from vswin_cli.formats.format import Format
from vswin_cli.formats.writer import RecordWriter

FORMAT = Format("kinetics", f"{__name__}:KineticsWriter", ".csv")
_COLUMNS = ("label", "youtube_id", "time_start", "time_end", "split")
_SPLIT = "predicted"
_NAME = re.compile(r"(?P<id>.+)_(?P<start>\d{6})_(?P<end>\d{6})", re.ASCII)  # of its trimmed clips


class KineticsWriter(RecordWriter):
    """A row per labelled video, with its best label; one that has none has no row."""

    def __init__(
        self, stream: TextIO, *, top_k: int, note: str = "", more_columns: Sequence[str] = ()
    ) -> None:
        super().__init__(stream, top_k=top_k, note=note, more_columns=more_columns)
        self._rows = CsvRows(stream, guarded=False)  # IDs may begin with -
        self._rows.write(_COLUMNS)

    def write(self, record: dict[str, Any]) -> None:
        """Write one row and flush it."""
        if record["predictions"]:
            label = record["predictions"][0]["label"]
            self._rows.write((label, *_clip(record), _SPLIT))
        self.stream.flush()


def _clip(record: dict[str, Any]) -> tuple[str, float, float | None]:
    """Return the video's name, and the seconds of it that are in the file."""
    stem = PurePath(record["video"]).stem
    if match := _NAME.fullmatch(stem):
        return match["id"], int(match["start"]), int(match["end"])
    return stem, 0, record.get("duration_seconds")
