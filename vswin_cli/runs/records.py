"""The record of a video: the object that predict prints, its file, and its settings."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zlib import crc32

from vswin_cli.results import Result, Setup
from vswin_cli.runs.videos import Found
from vswin_cli.zoo.protocols import ViewProtocol

Record = dict[str, Any]
Settings = Mapping[str, Any]  # everything that records depend on except the video, by name

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NUMBER = (int, float)
_SHAPES: dict[str, tuple[type, ...]] = {
    "video": (str,),
    "path": (str,),
    "status": (str,),
    "bytes": (int, type(None)),
    "modified": (str, type(None)),
    "settings": (dict,),
    "elapsed_seconds": _NUMBER,
    "warnings": (list,),
    "predictions": (list,),
    "error": (dict, type(None)),
}
_PREDICTION_SHAPES: dict[str, tuple[type, ...]] = {
    "rank": (int,),
    "label": (str,),
    "index": (int,),
    "probability": _NUMBER,
}
_OUTCOME_SHAPES: dict[str, tuple[type, ...]] = {
    "protocol": (str,),
    "num_clips": (int,),
    "num_crops": (int,),
    "index": (int,),
    "probability": _NUMBER,
    "true_rank": (int,),
    "true_rank_by_views": (list,),
    "true_rank_of_centre_crops": (int, type(None)),
}


@dataclass(frozen=True)
class Entry:
    """The summary of a record that is kept in memory."""

    start: int  # in the file
    length: int  # bytes
    crc: int  # CRC-32 of the line
    status: str  # ok, failed or skipped
    num_bytes: int | None  # size of the video file
    modified: str | None
    settings: Settings
    path: str  # absolute path of the video file when it was recorded
    summary: str  # the most probable label if there is one, or the error kind
    elapsed_seconds: float
    has_warnings: bool = False
    features: tuple[int, ...] = ()  # place of the features, in records of `vswin embed`

    @property
    def is_ok(self) -> bool:
        """Whether the command succeeded for this video."""
        return self.status == "ok"

    @property
    def has_failed(self) -> bool:
        """Whether the video could not be read."""
        return self.status == "failed"


def settings_of(
    setup: Setup,
    protocol: ViewProtocol,
    weights_sha256: str,
    reader: str,
    **others: object,
) -> dict[str, Any]:
    """Collect everything that a prediction depends on, except the video.

    Args:
        setup: Setup of the run.
        protocol: Protocol of the run.
        weights_sha256: SHA-256 of the weights file.
        reader: The chosen reader.
        others: Other settings, as JSON values.
    """
    views = asdict(protocol)
    return {
        "model": setup.model,
        "weights": weights_sha256[:16],
        "protocol": str(views.pop("sampling")),
        "clips": views.pop("num_clips"),
        "crops": views.pop("num_crops"),
        **views,
        "backend": setup.backend,
        "precision": setup.precision,
        "reader": reader,
        **others,
    }


def video_record(found: Found, result: Result, settings: Settings) -> Record:
    """Extend the object that predict prints by the file's path, size and time, and the settings."""
    return {
        **result.to_dict(),
        "path": found.place,
        "bytes": found.num_bytes,
        "modified": modified(found),
        "settings": settings,
    }


def modified(found: Found) -> str | None:
    """Modification time of the file, ISO 8601 in UTC, in whole microseconds."""
    if found.modified_ns is None:
        return None
    try:
        moment = _EPOCH + timedelta(microseconds=found.modified_ns // 1000)
    except OverflowError:  # file systems can have years that `datetime` cannot
        return None
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")


def parsed(line: bytes) -> Record | None:
    """Parse the record in a line; None if the line is damaged or is not a record."""
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return record if _is_record(record) else None


def entry_of(record: Record, settings: Settings, start: int, line: bytes) -> Entry:
    """Summarise a record whose line starts at a position in a file.

    `settings` are equal to those of the record, so that many entries share one object.
    """
    summary = ""
    if record["error"]:
        summary = str(record["error"]["kind"])
    elif record["predictions"]:
        summary = str(record["predictions"][0]["label"])
    return Entry(
        start,
        len(line),
        crc32(line),
        status=record["status"],
        num_bytes=record["bytes"],
        modified=record["modified"],
        settings=settings,
        path=record["path"],
        summary=summary,
        elapsed_seconds=record["elapsed_seconds"],
        has_warnings=bool(record["warnings"]),
        features=tuple(record.get("features") or ()),
    )


def _is_record(value: object) -> bool:
    """Whether a value has the structure of a record."""
    if not isinstance(value, dict) or not _has_shapes(value, _SHAPES):
        return False
    clips, features = value.get("clips", []), value.get("features")
    return (
        all(_has_shapes(each, _PREDICTION_SHAPES) for each in value["predictions"])
        and all(isinstance(warning, str) for warning in value["warnings"])
        and _is_text_of(value["error"], ("kind", "message"))
        and isinstance(clips, list)
        and all(map(_are_whole, clips))
        and (features is None or _are_whole(features))
        and (value["modified"] is None or _is_time(value["modified"]))
        and _is_whole(value["bytes"] or 0)
        and ("compared" not in value["settings"] or _is_evaluated(value))
    )


def _is_evaluated(value: Record) -> bool:
    """Whether a record of `vswin evaluate` has an outcome per protocol, unless it failed."""
    outcomes, compared = value.get("outcomes"), value["settings"]["compared"]
    if value["status"] != "ok":
        return True
    return (
        _is_whole(value.get("true_index"))
        and isinstance(compared, str)
        and isinstance(outcomes, list)
        and len(outcomes) == len(compared.split(", "))
        and all(_has_shapes(each, _OUTCOME_SHAPES) and _has_ranks(each) for each in outcomes)
    )


def _has_ranks(outcome: Record) -> bool:
    ranks, centre = outcome["true_rank_by_views"], outcome["true_rank_of_centre_crops"]
    return (
        len(ranks) == outcome["num_clips"] * outcome["num_crops"]
        and all(map(_is_whole, [*ranks, outcome["true_rank"], outcome["index"]]))
        and (centre is None) == (outcome["num_crops"] == 1)
    )


def _has_shapes(value: object, shapes: Mapping[str, tuple[type, ...]]) -> bool:
    return isinstance(value, dict) and all(
        isinstance(value.get(key, ...), types) for key, types in shapes.items()
    )


def _is_text_of(value: object, keys: tuple[str, ...]) -> bool:
    return value is None or (
        isinstance(value, dict) and all(isinstance(value.get(key), str) for key in keys)
    )


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and 0 <= value < 2**63


def _are_whole(values: object) -> bool:
    """Whether `_is_whole` is true for each value of a list, in a tenth of the time."""
    if not isinstance(values, list) or not set(map(type, values)) <= {int}:
        return False
    return not values or (min(values) >= 0 and max(values) < 2**63)


def _is_time(text: str) -> bool:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True
