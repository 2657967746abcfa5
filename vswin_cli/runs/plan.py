"""The plan of a run: which videos have no valid record, and why."""

import os
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from vswin_cli.errors import UsageError
from vswin_cli.runs.journal import Journal
from vswin_cli.runs.records import Settings, modified
from vswin_cli.runs.videos import Found
from vswin_cli.system.terminal import counted

OTHER_SETTINGS = "other settings"
_NUM_DIFFERENCES = 4  # in a message
# Settings whose records are replaced without a question, and why.
_PERMITTED = {"top_k": "for more labels", "truth": "of another class"}
# Settings whose options have another name.
_OPTIONS = {
    name: f"--{name.replace('_', '-')}"
    for name in (
        "model", "protocol", "clips", "crops", "backend", "precision", "reader", "stride", "window",
        "min_probability", "min_seconds", "smooth",
    )
} | {"compared": "--protocol"}  # fmt: skip


@dataclass(frozen=True)
class Plan:
    """The plan of a run."""

    todo: list[Found]
    reasons: Counter[str]  # number of videos by reason
    num_kept: int  # videos with a valid record
    num_missing: int = 0  # missing paths in lists, not counted in the other numbers

    @property
    def num_found(self) -> int:
        """Number of videos."""
        return self.reasons.total() + self.num_kept

    @property
    def summary(self) -> str:
        """A line that says how many videos are computed, by reason, and how many are skipped."""
        parts = [f"{count} {reason}" for reason, count in self.reasons.items()]
        if self.num_kept:
            parts.append(f"{self.num_kept} skipped, already done with the same settings")
        missing = (
            f"; {counted(self.num_missing, 'listed path')} missing" if self.num_missing else ""
        )
        return (", ".join(parts) or "nothing to do") + missing


class PlanWatcher:
    """Gets the plan of a run; this base class ignores it."""

    def on_plan(self, plan: Plan) -> None:
        """The plan is made."""

    def on_skipped(self, skipped: Counter[str]) -> None:
        """Files were skipped: counts by the pattern that they match."""

    def on_warning(self, text: str) -> None:
        """The user should know something about the run or its output."""


def begun(
    found: Sequence[Found],
    journal: Journal,
    settings: Callable[[Found], Settings],
    watcher: PlanWatcher,
    *,
    retry_failed: bool,
    why_else: Callable[[Found], str | None] = lambda video: None,
) -> Plan:
    """Plan a run into an open journal, and report the plan; see `plan`."""
    if journal.damage is not None:
        watcher.on_warning(journal.damage)
    planned = plan(found, journal, settings, retry_failed=retry_failed, why_else=why_else)
    watcher.on_plan(planned)
    return planned


def plan(
    found: Sequence[Found],
    journal: Journal | None,
    settings: Callable[[Found], Settings],
    *,
    retry_failed: bool,
    why_else: Callable[[Found], str | None] = lambda video: None,
) -> Plan:
    """Decide which videos to compute: those without a valid record.

    Args:
        found: The videos.
        journal: The records; None means that there are none.
        settings: The settings that the record of a video must have.
        retry_failed: Treat the records of failed videos as invalid.
        why_else: Returns another reason to compute a video with a valid record, or None.

    Raises:
        UsageError: Finished records have different settings, and would be replaced; or they are
            from another folder or command.
    """
    if journal is not None and found:
        _check_command(journal, settings(found[0]))
    todo, replaced = [], []
    reasons = Counter[str]()
    num_missing = num_kept = 0
    for video in found:
        reason = why_again(video, journal, settings(video), retry_failed=retry_failed)
        if reason == OTHER_SETTINGS:
            replaced.append(video)
        reason = reason or why_else(video)
        if reason is not None:
            todo.append(video)
        if video.is_missing:
            num_missing += 1
        elif reason is not None:
            reasons[reason] += 1
        else:
            num_kept += 1
    if replaced:
        assert journal is not None
        recorded = journal.entries[replaced[0].video].settings
        changes = {
            name: change
            for name, change in differences(recorded, settings(replaced[0])).items()
            if name not in _PERMITTED
        }
        raise UsageError(
            f"{journal.path} contains {counted(len(replaced), 'video')} with different settings: "
            f"{listed(changes)}; choose another --output, or use --no-resume to replace "
            "everything in it"
        )
    return Plan(todo, reasons, num_kept, num_missing)


def why_again(
    found: Found, journal: Journal | None, settings: Settings, *, retry_failed: bool
) -> str | None:
    """Say why a video must be computed; None if its record is valid.

    Returns:
        The reason; `OTHER_SETTINGS` if a finished record would be replaced.

    Raises:
        UsageError: The record is that of a file with the same name in another folder.
    """
    if journal is None or (entry := journal.entries.get(found.video)) is None:
        return "new"
    if entry.path != found.place and _is_another_file(entry.path, found.path):
        raise UsageError(
            f"{journal.path.name} contains {found.video} from another folder, {entry.path}; "
            "choose another file for this one, or give both folders in one run"
        )
    if (entry.num_bytes, entry.modified) != (found.num_bytes, modified(found)):
        return "changed"
    changes = differences(entry.settings, settings)
    if "top_k" in changes and _has_enough(*changes["top_k"]):
        changes = {name: change for name, change in changes.items() if name != "top_k"}
    if not entry.is_ok:
        return "failed before" if changes or (retry_failed and entry.has_failed) else None
    if not changes:
        return None
    if not changes.keys() <= _PERMITTED.keys():
        return OTHER_SETTINGS
    return " and ".join(reason for name, reason in _PERMITTED.items() if name in changes)


def differences(old: Settings, new: Settings) -> Mapping[str, tuple[object, object]]:
    """List the settings that differ, with old and new value; None if a value is missing."""
    return {
        name: (old.get(name), new.get(name))
        for name in {**new, **old}
        if old.get(name) != new.get(name)
    }


def listed(changes: Mapping[str, tuple[object, object]]) -> str:
    """Describe differences as old → new."""
    parts = [
        f"{_OPTIONS.get(name, name)} {_told(old)} → {_told(new)}"
        for name, (old, new) in changes.items()
    ]
    if len(parts) > _NUM_DIFFERENCES:
        parts[_NUM_DIFFERENCES:] = [f"{len(parts) - _NUM_DIFFERENCES} more"]
    return ", ".join(parts)


def _told(value: object) -> str:
    return "none" if value is None else str(value)


def _check_command(journal: Journal, settings: Settings) -> None:
    """Check that timelines and labels do not go into the same file."""
    is_timeline = "stride" in settings
    for entry in journal.entries.values():
        if ("stride" in entry.settings) != is_timeline:
            command = "label" if is_timeline else "timeline"
            raise UsageError(
                f"{journal.path} is an output of `vswin {command}`; choose another --output, or "
                "use --no-resume to replace it"
            )


def _has_enough(recorded: object, wanted: object) -> bool:
    return isinstance(recorded, int) and isinstance(wanted, int) and recorded >= wanted


def _is_another_file(recorded: str, path: str) -> bool:
    """Whether a record is that of another file that still exists, so it was not moved."""
    try:
        return not os.path.samefile(recorded, path)  # noqa: PTH121
    except (OSError, ValueError):
        return False
