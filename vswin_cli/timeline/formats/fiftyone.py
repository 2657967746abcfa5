"""FiftyOne's dataset, with a temporal detection per segment."""

from collections.abc import Mapping
from typing import Any, ClassVar

from vswin_cli.formats.programs.fiftyone import LabelledDataset
from vswin_cli.formats.registry import Format

FORMAT = Format("fiftyone", f"{__name__}:TimelineDataset", ".fiftyone", is_folder=True)


class TimelineDataset(LabelledDataset):
    """A sample per film; frames count from 1, and a segment includes its last frame."""

    fields: ClassVar[Mapping[str, str]] = {"segments": "TemporalDetections"}

    def answers(self, record: dict[str, Any]) -> dict[str, Any]:
        """Make the film's segments."""
        detections = [
            {
                **self.label(record, "TemporalDetection", number, segment),
                "support": [segment["start_frame"] + 1, segment["end_frame"]],
            }
            for number, segment in enumerate(record["segments"])
        ]
        return {"segments": {"_cls": "TemporalDetections", "detections": detections}}
