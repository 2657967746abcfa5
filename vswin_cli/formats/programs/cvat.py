"""CVAT: annotations of video tasks, "CVAT for video 1.1", in a folder with a file per video.

CVAT has no labels of whole videos or stretches of time, so each is a track of a box around the
whole picture.
"""

import re
from collections.abc import Sequence
from itertools import chain, count
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

from vswin_cli.formats.format import Format
from vswin_cli.formats.writer import RecordWriter
from vswin_cli.system.files import path_inside
from vswin_cli.system.terminal import printable

FORMAT = Format("cvat", f"{__name__}:CvatFolder", ".cvat", is_folder=True)
_FORBIDDEN = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # in XML 1.0


class CvatFolder(RecordWriter):
    """A file per labelled video, `a/clip.mp4.xml`, with one track: its best label."""

    def __init__(
        self, stream: Path, *, top_k: int, note: str = "", more_columns: Sequence[str] = ()
    ) -> None:
        super().__init__(stream, top_k=top_k, note=note, more_columns=more_columns)
        self._taken = set[Path]()

    def write(self, record: dict[str, Any]) -> None:
        """Write a video's file."""
        if not record["predictions"]:
            return
        plain = self.stream / path_inside(record["video"])
        numbers = chain([""], (f"-{number}" for number in count(2)))
        paths = (plain.with_name(f"{plain.name}{number}.xml") for number in numbers)
        path = next(path for path in paths if path not in self._taken)
        self._taken.add(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        best = record["predictions"][0]
        whole = {"label": best["label"], "start_frame": 0, "end_frame": record["num_frames"]}
        path.write_text(annotations(record, [whole]), encoding="utf-8")


def annotations(record: dict[str, Any], segments: Sequence[dict[str, Any]]) -> str:
    """Make the text of a task's file.

    Args:
        record: Record of the video.
        segments: Segments with `label`, `start_frame`, and `end_frame`, the frame after the last.
    """
    root = ET.Element("annotations")
    _add(root, "version", "1.1")
    task = ET.SubElement(ET.SubElement(root, "meta"), "task")
    _add(task, "name", printable(record["video"]))
    _add(task, "size", record["num_frames"])
    _add(task, "mode", "interpolation")
    _add(task, "start_frame", 0)
    _add(task, "stop_frame", record["num_frames"] - 1)
    labels = ET.SubElement(task, "labels")
    for name in dict.fromkeys(segment["label"] for segment in segments):
        label = ET.SubElement(labels, "label")
        _add(label, "name", name)
        _add(label, "type", "any")
        ET.SubElement(label, "attributes")
    size = ET.SubElement(task, "original_size")
    _add(size, "width", record["width"])
    _add(size, "height", record["height"])
    for number, segment in enumerate(segments):
        _add_track(root, number, segment, record)
    ET.indent(root)
    return f'<?xml version="1.0" encoding="utf-8"?>\n{ET.tostring(root, encoding="unicode")}\n'


def _add(parent: ET.Element, tag: str, value: object) -> None:
    ET.SubElement(parent, tag).text = _FORBIDDEN.sub("\ufffd", str(value))


def _add_track(
    root: ET.Element, number: int, segment: dict[str, Any], record: dict[str, Any]
) -> None:
    """Add a track that ends where the segment's last frame does: the box is outside after it."""
    label = _FORBIDDEN.sub("\ufffd", segment["label"])
    track = ET.SubElement(root, "track", id=str(number), label=label, source="auto")
    places = [(segment["start_frame"], 0)]
    if segment["end_frame"] < record["num_frames"]:
        places.append((segment["end_frame"], 1))
    else:
        places.append((segment["end_frame"] - 1, 0))
    for frame, outside in dict(places).items():
        ET.SubElement(
            track, "box", frame=str(frame), keyframe="1", outside=str(outside), occluded="0",
            xtl="0.00", ytl="0.00", xbr=f"{record['width']:.2f}", ybr=f"{record['height']:.2f}",
            z_order="0",
        )  # fmt: skip
