"""A video's record: predict's object, and what tells whether it still holds."""

import hashlib
import json
import os
from dataclasses import asdict
from datetime import UTC, datetime, timedelta

from vswin_cli.errors import UsageError
from vswin_cli.formats.records import to_record
from vswin_cli.results import Prediction, Result, Setup
from vswin_cli.runs.finding import Found
from vswin_cli.runs.journal import Journal, Record
from vswin_cli.zoo.protocols import ViewProtocol

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def settings_digest(
    setup: Setup,
    protocol: ViewProtocol,
    weights_sha256: str,
    reader: str,
    top_k: int,
    *,
    adaptive: bool = False,
) -> str:
    """Sum up in 16 hexadecimal digits whatever a prediction depends on beside its video."""
    settings = {
        **asdict(setup),
        "protocol": asdict(protocol),
        "weights": weights_sha256,
        "reader": reader,
        "top_k": top_k,
        "adaptive": adaptive,
    }
    return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:16]


def _is_another_file(recorded: str, path: str) -> bool:
    """Whether a record is of another file that is still there; one that is not, was moved."""
    if recorded == os.path.abspath(path):  # noqa: PTH100 - as it was recorded
        return False
    try:
        return not os.path.samefile(recorded, path)  # noqa: PTH121
    except (OSError, ValueError):
        return False


def label_record(found: Found, result: Result, settings: str) -> Record:
    """Extend predict's object by the outcome, the file's place, size and time, and the settings."""
    return {
        **to_record(result),
        "status": "ok" if isinstance(result, Prediction) else "failed",
        "path": os.path.abspath(found.path),  # noqa: PTH100 - links keep names of their own
        "bytes": found.num_bytes,
        "modified": modified(found),
        "settings": settings,
    }


def modified(found: Found) -> str | None:
    """When the file was changed, ISO 8601 in UTC, whole microseconds."""
    if found.modified_ns is None:
        return None
    try:
        moment = _EPOCH + timedelta(microseconds=found.modified_ns // 1000)
    except OverflowError:  # file systems hold years that a calendar has not
        return None
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")


def why_again(
    found: Found, journal: Journal | None, settings: str, *, retry_failed: bool
) -> str | None:
    """Why a video is to be labelled, or None where its record holds; without a journal, all are.

    Raises:
        UsageError: The record is of another file of that name, in another folder.
    """
    if journal is None or (entry := journal.entries.get(found.video)) is None:
        return "new"
    if _is_another_file(entry.path, found.path):
        raise UsageError(
            f"{journal.path.name} holds {found.video} of another folder, {entry.path}; choose "
            "another file for this one, or name both folders in one run"
        )
    if (entry.num_bytes, entry.modified) != (found.num_bytes, modified(found)):
        return "changed"
    if entry.settings != settings:
        return "other settings"
    if retry_failed and not entry.is_ok:
        return "failed before"
    return None
