"""The results of a shard, as counts that can be added."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from vswin_cli.runs.records import Entry


@dataclass(frozen=True)
class ShardEvent:
    """A video is done."""

    video: str
    summary: str  # the most probable label, or the error message
    is_failure: bool


@dataclass(frozen=True)
class ShardReport:
    """The results of a shard.

    Attributes:
        name: Name of the shard.
        num_ok: Videos without an error.
        failures: Counts of failed videos, by error kind.
        num_skipped: Skipped files, which contain only sound.
        labels: Counts of the most probable labels.
        num_warnings: Videos with warnings.
        is_finished: Whether the shard is in the folder; False if the run was stopped.
    """

    name: str
    num_ok: int = 0
    failures: Mapping[str, int] = field(default_factory=dict)
    num_skipped: int = 0
    labels: Mapping[str, int] = field(default_factory=dict)
    num_warnings: int = 0
    is_finished: bool = True

    @classmethod
    def of(cls, name: str, entries: Sequence[Entry], *, is_finished: bool = True) -> "ShardReport":
        """Count the records of a shard."""
        return cls(
            name,
            sum(entry.is_ok for entry in entries),
            Counter(entry.summary for entry in entries if entry.has_failed),
            sum(entry.status == "skipped" for entry in entries),
            Counter(entry.summary for entry in entries if entry.is_ok and entry.summary),
            sum(entry.has_warnings for entry in entries),
            is_finished,
        )

    @classmethod
    def parsed(cls, name: str, content: object) -> "ShardReport | None":
        """Make a report from the dictionary of `to_dict`; None if the content is not one."""
        if not isinstance(content, dict):
            return None
        try:
            return cls(
                name,
                int(content["num_ok"]),
                {str(kind): int(count) for kind, count in content["failures"].items()},
                int(content["num_skipped"]),
                {str(label): int(count) for label, count in content["labels"].items()},
                int(content["num_with_warnings"]),
            )
        except (KeyError, TypeError, ValueError, AttributeError):
            return None

    @property
    def num_failed(self) -> int:
        """Number of failed videos."""
        return sum(self.failures.values())

    def __add__(self, other: "ShardReport") -> "ShardReport":
        return ShardReport(
            self.name,
            self.num_ok + other.num_ok,
            Counter(self.failures) + Counter(other.failures),
            self.num_skipped + other.num_skipped,
            Counter(self.labels) + Counter(other.labels),
            self.num_warnings + other.num_warnings,
            self.is_finished and other.is_finished,
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the counts as plain values."""
        return {
            "num_ok": self.num_ok,
            "num_failed": self.num_failed,
            "num_skipped": self.num_skipped,
            "num_with_warnings": self.num_warnings,
            "failures": dict(self.failures),
            "labels": dict(self.labels),
        }
