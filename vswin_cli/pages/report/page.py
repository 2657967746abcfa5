"""The page of a run: a card per video, with its labels or failure and a strip of frames."""

import base64
from collections.abc import Iterable, Mapping
from typing import Any

from vswin_cli.pages.page import fill_page
from vswin_cli.system.terminal import printable

_NUM_LABELS = 5


def build_page(records: Iterable[Mapping[str, Any]], strips: Mapping[str, bytes | None]) -> str:
    """Make the HTML of a page that needs nothing else.

    Args:
        records: Of `vswin label`.
        strips: JPEG images by video; a video may have none.
    """
    return fill_page("report", [_card(record, strips.get(record["video"])) for record in records])


def _card(record: Mapping[str, Any], strip: bytes | None) -> dict[str, Any]:
    error = record["error"]
    return {
        "video": printable(record["video"]),
        "model": record["model"],
        "frames": record["num_frames"],
        "labels": [
            [printable(prediction["label"]), round(prediction["probability"], 4)]
            for prediction in record["predictions"][:_NUM_LABELS]
        ],
        "warnings": [printable(warning) for warning in record["warnings"]],
        "error": error and [error["kind"], printable(error["message"])],
        "strip": strip and "data:image/jpeg;base64," + base64.b64encode(strip).decode("ascii"),
    }
