"""What a run has to do: which videos have no record that holds, and why."""

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
# Settings whose records are replaced without being asked, and why.
_PERMITTED = {"top_k": "for more labels", "truth": "of another class"}
# Settings that are called as the options that they are given by.
_OPTIONS = {
    name: f"--{name.replace('_', '-')}"
    for name in (
        "model", "protocol", "clips", "crops", "backend", "precision", "reader", "stride", "window",
        "min_probability", "min_seconds", "smooth",
    )
} | {"compared": "--protocol"}  # fmt: skip


@dataclass(frozen=True)
class Plan:
    """What a run has to do."""

    todo: list[Found]
    reasons: Counter[str]  # why, by number of videos
    num_kept: int  # videos whose record holds
    num_missing: int = 0  # paths of lists that are not there, counted in none of the others

    @property
    def num_found(self) -> int:
        """Videos in all."""
        return self.reasons.total() + self.num_kept

    @property
    def summary(self) -> str:
        """How many are computed for which reason, and how many are skipped."""
        parts = [f"{count} {reason}" for reason, count in self.reasons.items()]
        if self.num_kept:
            parts.append(f"{self.num_kept} skipped, done before with the same settings")
        missing = (
            f"; {counted(self.num_missing, 'listed path')} missing" if self.num_missing else ""
        )
        return (", ".join(parts) or "nothing to do") + missing


class PlanWatcher:
    """Is told what a run begins with; this one does nothing about it."""

    def on_plan(self, plan: Plan) -> None:
        """It is known what there is to do."""

    def on_skipped(self, skipped: Counter[str]) -> None:
        """Files were found that no one means: by what they are known."""

    def on_warning(self, text: str) -> None:
        """Something about the run or its output is odd; the user should know."""


def begun(
    found: Sequence[Found],
    journal: Journal,
    settings: Callable[[Found], Settings],
    watcher: PlanWatcher,
    *,
    retry_failed: bool,
    why_else: Callable[[Found], str | None] = lambda video: None,
) -> Plan:
    """Plan a run into a journal that is open, and tell what it begins with; see `plan`."""
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
    """Decide what is to be computed: what has no record that holds.

    Args:
        found: The videos.
        journal: The records; None has none.
        settings: What the record of a video has to be made with.
        retry_failed: Whether those of failures do not hold.
        why_else: Gives a reason to compute a video whose record holds, if there is one.

    Raises:
        UsageError: Records that are done would be replaced by some of other settings, or are of
            another folder, or of another command.
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
            f"{journal.path} holds {counted(len(replaced), 'video')} with other settings: "
            f"{listed(changes)}; choose another --output, or give --no-resume to replace "
            "everything in it"
        )
    return Plan(todo, reasons, num_kept, num_missing)


def why_again(
    found: Found, journal: Journal | None, settings: Settings, *, retry_failed: bool
) -> str | None:
    """Why a video is to be computed, or None where its record holds; without a journal, all are.

    Returns:
        `OTHER_SETTINGS` where the record of a video that was done would be replaced.

    Raises:
        UsageError: The record is of another file of that name, in another folder.
    """
    if journal is None or (entry := journal.entries.get(found.video)) is None:
        return "new"
    if entry.path != found.place and _is_another_file(entry.path, found.path):
        raise UsageError(
            f"{journal.path.name} holds {found.video} from another folder, {entry.path}; choose "
            "another file for this one, or name both folders in one run"
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
    """Which settings differ, each with what it was and what it is; None is not there."""
    return {
        name: (old.get(name), new.get(name))
        for name in {**new, **old}
        if old.get(name) != new.get(name)
    }


def listed(changes: Mapping[str, tuple[object, object]]) -> str:
    """Say what differs, old → new."""
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
    """Make sure that timelines and labels do not get into one file."""
    is_timeline = "stride" in settings
    for entry in journal.entries.values():
        if ("stride" in entry.settings) != is_timeline:
            command = "label" if is_timeline else "timeline"
            raise UsageError(
                f"{journal.path} is an output of `vswin {command}`; choose another --output, or "
                "give --no-resume to replace it"
            )


def _has_enough(recorded: object, wanted: object) -> bool:
    return isinstance(recorded, int) and isinstance(wanted, int) and recorded >= wanted


def _is_another_file(recorded: str, path: str) -> bool:
    """Whether a record is of another file that is still there; one that is not, was moved."""
    try:
        return not os.path.samefile(recorded, path)  # noqa: PTH121
    except (OSError, ValueError):
        return False
