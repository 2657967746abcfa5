"""Puts records and strips into the page; names and labels are text there, whatever they hold.

The records are JSON in a script element that is not executed, with every `<` escaped; the page's
own script writes them with `textContent`. A content security policy allows that script alone, by
its digest.
"""

import base64
import hashlib
import json
from collections.abc import Iterable, Mapping
from importlib.resources import files
from typing import Any

from vswin_cli.formats.text import printable

_NUM_LABELS = 5


def build_page(records: Iterable[Mapping[str, Any]], strips: Mapping[str, bytes | None]) -> str:
    """Make the HTML of a page that needs nothing else.

    Args:
        records: Of `vswin label`.
        strips: JPEG images by video; a video may have none.
    """
    cards = [_card(record, strips.get(record["video"])) for record in records]
    return fill_page(_asset("page.html"), page_style(), _asset("page.js"), cards)


def fill_page(html: str, style: str, script: str, content: object) -> str:
    """Put a style, a script and what the script shows into their places.

    Args:
        html: With `%%STYLE%%`, `%%SCRIPT%%`, their digests `%%STYLE_SHA256%%` and
            `%%SCRIPT_SHA256%%`, and `%%RECORDS%%`.
        style: CSS.
        script: JavaScript.
        content: What JSON can say.
    """
    parts = {
        "STYLE_SHA256": _sha256(style),
        "SCRIPT_SHA256": _sha256(script),
        "STYLE": style,
        "SCRIPT": script,
        "RECORDS": json.dumps(content, separators=(",", ":")).replace("<", "\\u003c"),
    }
    pieces = html.split("%%")  # text and names in turn
    return "".join(parts[piece] if number % 2 else piece for number, piece in enumerate(pieces))


def page_style() -> str:
    """The style of every page: colours, light and dark, and the elements that pages share."""
    return _asset("page.css")


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
        "error": error and [error["kind"], printable(error["message"])],
        "strip": strip and "data:image/jpeg;base64," + base64.b64encode(strip).decode("ascii"),
    }


def _asset(name: str) -> str:
    return files("vswin_cli.pages.report").joinpath(name).read_text(encoding="utf-8")


def _sha256(text: str) -> str:
    """The digest of an element's text, as a content security policy spells it."""
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode("ascii")
