"""Label Studio: tasks with predictions, for a project with a TimelineLabels control.

The control is named `timelineLabels` and the video `video`, as in Label Studio's own template.
Frames count from 1, and a range includes its last frame.
"""

from typing import Any

from vswin_cli.formats.json_writer import JsonWriter
from vswin_cli.formats.programs.label_studio import video_shown
from vswin_cli.formats.registry import Format

FORMAT = Format("label-studio", "vswin_cli.timeline.formats.label_studio:LabelStudioTasks", ".json")


class LabelStudioTasks(JsonWriter):
    """One list, a task per film."""

    def write(self, record: dict[str, Any]) -> None:
        """Write a film's task."""
        if record["error"]:
            return
        segments = record["segments"]
        scores = [segment["probability"] for segment in segments]
        task = {
            "data": {"video": video_shown(record["video"])},
            "predictions": [
                {
                    "model_version": record["model"],
                    "score": sum(scores) / len(scores) if scores else 0.0,
                    "result": [_region(n, segment) for n, segment in enumerate(segments)],
                }
            ],
        }
        super().write(task)


def _region(number: int, segment: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": f"segment{number}",
        "type": "timelinelabels",
        "from_name": "timelineLabels",
        "to_name": "video",
        "score": segment["probability"],
        "value": {
            "ranges": [{"start": segment["start_frame"] + 1, "end": segment["end_frame"]}],
            "timelinelabels": [segment["label"]],
        },
    }
