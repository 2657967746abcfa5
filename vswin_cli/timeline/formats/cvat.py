"""CVAT: annotations of a video task, "CVAT for video 1.1".

CVAT has no stretches of time, so each segment is a track of a box around the whole picture.
"""

import re
from typing import Any, TextIO
from xml.etree import ElementTree as ET

from vswin_cli.formats.registry import Format
from vswin_cli.formats.writer import RecordWriter
from vswin_cli.system.terminal import printable

FORMAT = Format("cvat", "vswin_cli.timeline.formats.cvat:CvatTracks", ".xml", holds_one=True)
_FORBIDDEN = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # in XML 1.0


class CvatTracks(RecordWriter):
    """The tracks of one film."""

    stream: TextIO

    def write(self, record: dict[str, Any]) -> None:
        """Write a film's tracks."""
        root = ET.Element("annotations")
        _add(root, "version", "1.1")
        task = ET.SubElement(ET.SubElement(root, "meta"), "task")
        _add(task, "name", printable(record["video"]))
        _add(task, "size", record["num_frames"])
        _add(task, "mode", "interpolation")
        _add(task, "start_frame", 0)
        _add(task, "stop_frame", record["num_frames"] - 1)
        labels = ET.SubElement(task, "labels")
        for name in dict.fromkeys(segment["label"] for segment in record["segments"]):
            label = ET.SubElement(labels, "label")
            _add(label, "name", name)
            _add(label, "type", "any")
            ET.SubElement(label, "attributes")
        size = ET.SubElement(task, "original_size")
        _add(size, "width", record["width"])
        _add(size, "height", record["height"])
        for number, segment in enumerate(record["segments"]):
            _add_track(root, number, segment, record)
        ET.indent(root)
        self.stream.write('<?xml version="1.0" encoding="utf-8"?>\n')
        self.stream.write(ET.tostring(root, encoding="unicode") + "\n")
        self.stream.flush()


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
