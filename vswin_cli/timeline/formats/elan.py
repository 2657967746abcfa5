"""ELAN: a tier of annotations per label set, in milliseconds."""

import mimetypes
import tempfile
from pathlib import Path
from typing import Any, TextIO

from vswin_cli.formats.registry import Format
from vswin_cli.formats.writer import RecordWriter
from vswin_cli.system.terminal import printable

FORMAT = Format(
    "elan",
    "vswin_cli.timeline.formats.elan:ElanTiers",
    ".eaf",
    library="pympi",
    extra="elan",
    holds_one=True,
)


class ElanTiers(RecordWriter):
    """The annotations of one film, in tiers without overlaps."""

    stream: TextIO

    def write(self, record: dict[str, Any]) -> None:
        """Write a film's annotations."""
        import pympi  # noqa: PLC0415 - an extra

        name = printable(record.get("media", record["video"]))
        kind = mimetypes.guess_type(name)[0] or ""
        document = pympi.Eaf(author="vswin")
        document.remove_tier("default")
        document.add_linked_file(
            name, relpath=name, mimetype=kind if kind.startswith("video/") else "unknown"
        )
        ends: list[int] = []  # of each tier's last annotation, in milliseconds
        for segment in record["segments"]:
            start, end = (round(segment[f"{each}_seconds"] * 1000) for each in ("start", "end"))
            tier = next((n for n, last in enumerate(ends) if last <= start), len(ends))
            if tier == len(ends):
                ends.append(0)
                document.add_tier(_name(record, tier))
            ends[tier] = end
            document.add_annotation(_name(record, tier), start, end, segment["label"])
        if not ends:
            document.add_tier(_name(record, 0))
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "film.eaf"
            document.to_file(str(path))
            self.stream.write(path.read_text(encoding="utf-8"))
        self.stream.flush()


def _name(record: dict[str, Any], tier: int) -> str:
    return record["model"] if not tier else f"{record['model']} {tier + 1}"
