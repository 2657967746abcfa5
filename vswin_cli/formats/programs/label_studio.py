"""Label Studio's tasks, each with its prediction: a JSON list to import.

The project's labeling interface has a `Video` named `video`, which shows `$video`, and `Choices`
named `label`; videos are found below the folder that Label Studio serves local files from.
"""

import json
from typing import Any
from urllib.parse import quote

from vswin_cli.formats.format import Format
from vswin_cli.formats.writer import RecordWriter

FORMAT = Format("label-studio", f"{__name__}:LabelStudioWriter", ".json")
_LOCAL_FILES = "/data/local-files/?d="


class LabelStudioWriter(RecordWriter):
    """A task per video; one that has no label is a task without a prediction."""

    _separator = "[\n"

    def write(self, record: dict[str, Any]) -> None:
        """Write one task and flush it."""
        self.stream.write(self._separator + json.dumps(_task(record)))
        self.stream.flush()
        self._separator = ",\n"

    def close(self) -> None:
        """Close the list."""
        self.stream.write("[]\n" if self._separator == "[\n" else "\n]\n")
        super().close()


def _task(record: dict[str, Any]) -> dict[str, Any]:
    video = record["video"]
    is_address = "://" in video
    place = video if is_address else _LOCAL_FILES + quote(video, errors="surrogateescape")
    task: dict[str, Any] = {"data": {"video": place}}
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
