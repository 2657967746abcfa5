"""Something-Something's JSON: a list of objects with an `id` and the `template` of its label."""

import json
from pathlib import Path

from vswin_cli.errors import UsageError
from vswin_cli.evaluation.rows import Row


def read_templates(annotations: Path, text: str) -> list[Row]:
    """Read a row an item; brackets around the placeholders are left out of the label.

    Raises:
        UsageError: It is not a list of objects in JSON.
    """
    try:
        items = json.loads(text)
    except ValueError as exc:
        raise UsageError(f"{annotations} is no JSON: {exc}; check that it is complete") from exc
    if not isinstance(items, list):
        raise UsageError(
            f"{annotations} is no list of videos with `id` and `template`, as validation.json of "
            "Something-Something is"
        )
    return [_row(place, item) for place, item in enumerate(items, start=1)]


def _row(place: int, item: object) -> Row:
    if not isinstance(item, dict) or "id" not in item:
        return Row(place, json.dumps(item)[:80], None, problem="the item has no id")
    video = str(item["id"])
    template = item.get("template")
    if not isinstance(template, str):
        return Row(place, video, None, problem="the item has no template, as those of the test set")
    label = template.replace("[", "").replace("]", "")
    return Row(place, video, label, stems=(video,))
