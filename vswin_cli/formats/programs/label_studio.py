"""Label Studio's tasks, each with its prediction: a JSON list to import.

The project's labeling interface has a `Video` named `video`, which shows `$video`, and `Choices`
named `label`; videos are found below the folder that Label Studio serves local files from.
"""

from typing import Any
from urllib.parse import quote

from vswin_cli.formats.format import Format
from vswin_cli.formats.json_writer import JsonWriter

FORMAT = Format("label-studio", f"{__name__}:LabelStudioWriter", ".json")
_LOCAL_FILES = "/data/local-files/?d="


class LabelStudioWriter(JsonWriter):
    """A task per video; one that has no label is a task without a prediction."""

    def write(self, record: dict[str, Any]) -> None:
        """Write one task and flush it."""
        super().write(_task(record))


def video_shown(video: str) -> str:
    """Return where Label Studio finds a video: its address, or below the folder that it serves."""
    if "://" in video:
        return video
    return _LOCAL_FILES + quote(video, errors="surrogateescape")


def _task(record: dict[str, Any]) -> dict[str, Any]:
    task: dict[str, Any] = {"data": {"video": video_shown(record["video"])}}
    if record["predictions"]:
        best = record["predictions"][0]
        choice = {
            "from_name": "label",
            "to_name": "video",
            "type": "choices",
            "value": {"choices": [best["label"]]},
            "score": best["probability"],
        }
        version = f"vswin {record['model']} {record['protocol']}"
        task["predictions"] = [
            {"model_version": version, "score": best["probability"], "result": [choice]}
        ]
    return task
