"""CVAT: annotations of a video task, one track per segment; see CVAT's format of the same name."""

from typing import Any

from vswin_cli.formats.programs.cvat import annotations
from vswin_cli.formats.registry import Format
from vswin_cli.formats.writer import RecordWriter

FORMAT = Format("cvat", f"{__name__}:CvatTracks", ".xml", holds_one=True)


class CvatTracks(RecordWriter):
    """The tracks of one film."""

    def write(self, record: dict[str, Any]) -> None:
        """Write a film's tracks."""
        self.stream.write(annotations(record, record["segments"]))
        self.stream.flush()
