"""The whole run: a decoded video comes in, the model answers, its record is written, and so on."""

from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import chain
from typing import Protocol

from vswin_cli.classify import Classifier
from vswin_cli.labelling.finding import Found
from vswin_cli.labelling.journal import Journal, Record
from vswin_cli.labelling.pool import Decoded, DecodingPool
from vswin_cli.labelling.records import label_record, why_again
from vswin_cli.results import Failure, Result


class Watcher(Protocol):
    """Is told what happens, in the thread of the run."""

    def on_start(self, found: Found) -> None:
        """The model starts on a video."""

    def on_view(self, done: int, total: int) -> None:
        """The model has computed another view of it."""

    def on_result(self, found: Found, result: Result, notes: Sequence[str]) -> None:
        """A video's record is on disk."""


@dataclass(frozen=True)
class Plan:
    """What a run has to do."""

    todo: list[Found]
    reasons: Counter[str]  # why, by number of videos
    num_kept: int  # videos whose record holds

    @property
    def num_found(self) -> int:
        """Videos in all."""
        return len(self.todo) + self.num_kept

    @property
    def summary(self) -> str:
        """How many are labelled for which reason, and how many are skipped."""
        parts = [f"{count} {reason}" for reason, count in self.reasons.items()]
        if self.num_kept:
            parts.append(f"{self.num_kept} skipped, done before with the same settings")
        return ", ".join(parts) or "nothing to do"


def plan(
    found: Sequence[Found], journal: Journal | None, settings: str, *, retry_failed: bool
) -> Plan:
    """Decide what is to be labelled: what has no record that holds."""
    todo = []
    reasons = Counter[str]()
    for video in found:
        reason: str | None = "new"
        if journal is not None:
            reason = why_again(video, journal, settings, retry_failed=retry_failed)
        if reason is not None:
            todo.append(video)
            reasons[reason] += 1
    return Plan(todo, reasons, len(found) - len(todo))


class Run:
    """Labels videos into a journal.

    Args:
        classifier: What computes; it runs in this process.
        pool: What decodes, meanwhile, in others.
        journal: Where each record goes before the next video.
        settings: The digest that the records carry.
        watcher: Is told what happens.
        max_failures: Stop after so many; None never does.
    """

    def __init__(
        self,
        classifier: Classifier,
        pool: DecodingPool,
        journal: Journal,
        settings: str,
        watcher: Watcher,
        max_failures: int | None = None,
    ) -> None:
        self._classifier = classifier
        self._pool = pool
        self._journal = journal
        self._settings = settings
        self._watcher = watcher
        self._max_failures = max_failures
        self.num_failed = 0

    def label(self, videos: Sequence[Found]) -> None:
        """Label every video, or until the pool is stopped; one that fails stops no other.

        Raises:
            OutputError: A record cannot be written.
            BackendError: Decoding processes do not start.
        """
        unreadable = (Decoded(v, None, v.error, 0.0) for v in videos if v.error is not None)
        readable = (v for v in videos if v.error is None)
        with closing(self._pool.decode_each(readable)) as decoded_each:
            for decoded in chain(unreadable, decoded_each):
                result = self._result(decoded)
                record: Record = label_record(decoded.found, result, self._settings)
                self._journal.append(record)
                self._watcher.on_result(decoded.found, result, decoded.notes)
                if isinstance(result, Failure):
                    self.num_failed += 1
                    if self.num_failed == self._max_failures:
                        self._pool.stop()

    def _result(self, decoded: Decoded) -> Result:
        video, error = decoded.found.video, decoded.error
        self._watcher.on_start(decoded.found)
        if decoded.views is None or error is not None:
            kind, message = (error.kind, str(error)) if error else ("unreadable", "no views")
            return Failure(video, self._classifier.setup, kind, message, decoded.seconds)
        on_view: Callable[[int, int], None] = self._watcher.on_view
        return self._classifier.predict(video, decoded.views, decoded.seconds, on_view)
