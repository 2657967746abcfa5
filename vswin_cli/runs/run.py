"""The whole run: a decoded video comes in, the model answers, its record is written, and so on."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, closing, nullcontext
from dataclasses import dataclass
from itertools import chain

from vswin_cli.classify import Classifier, OnView
from vswin_cli.errors import VideoError
from vswin_cli.results import Failure, Result, Setup
from vswin_cli.runs.finding import Found
from vswin_cli.runs.journal import Journal, Record
from vswin_cli.runs.pool import Decoded, DecodingPool
from vswin_cli.runs.records import label_record, why_again

Answer = Callable[[Decoded, OnView], tuple[Result, Record]]


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


class RunWatcher:
    """Is told what happens, in the thread of the run; this one does nothing about it."""

    def on_plan(self, plan: Plan) -> None:
        """It is known what there is to do."""

    def following(
        self, todo: Sequence[Found], busy_with: Callable[[], Sequence[Found]]
    ) -> AbstractContextManager[None]:
        """Lasts as long as the run, the loading of the model included.

        Args:
            todo: The videos.
            busy_with: Gives those that are being decoded.
        """
        return nullcontext()

    def interruptible(self, stop: Callable[[], None]) -> AbstractContextManager[None]:
        """Lasts as long as `stop` ends the run after what is in flight; it takes any thread."""
        return nullcontext()

    def on_start(self, found: Found) -> None:
        """The model starts on a video."""

    def on_view(self, done: int, total: int) -> None:
        """The model has computed another view of it."""

    def on_result(self, found: Found, result: Result, notes: Sequence[str]) -> None:
        """A video's record is on disk."""


def plan(
    found: Sequence[Found],
    journal: Journal | None,
    settings: str | Mapping[str, str],
    *,
    retry_failed: bool,
    why_else: Callable[[Found], str | None] | None = None,
) -> Plan:
    """Decide what is to be labelled: what has no record that holds.

    Args:
        found: The videos.
        journal: The records; None has none.
        settings: What they have to carry, of all videos, or by the name of each.
        retry_failed: Whether those of failures do not hold.
        why_else: Gives a reason to label a video whose record holds, if there is one.
    """
    todo = []
    reasons = Counter[str]()
    for video in found:
        expected = settings if isinstance(settings, str) else settings[video.video]
        reason = why_again(video, journal, expected, retry_failed=retry_failed)
        if reason is None and why_else is not None:
            reason = why_else(video)
        if reason is not None:
            todo.append(video)
            reasons[reason] += 1
    return Plan(todo, reasons, len(found) - len(todo))


class Run:
    """Labels videos into a journal.

    Args:
        answer: Makes of a decoded video its result and its record, in this process.
        pool: What decodes, meanwhile, in others.
        journal: Where each record goes before the next video.
        watcher: Is told what happens.
        max_failures: Stop after so many; None never does.
    """

    def __init__(
        self,
        answer: Answer,
        pool: DecodingPool,
        journal: Journal,
        watcher: RunWatcher,
        max_failures: int | None = None,
    ) -> None:
        self._answer = answer
        self._pool = pool
        self._journal = journal
        self._watcher = watcher
        self._max_failures = max_failures
        self.num_failed = 0

    def label(self, videos: Sequence[Found]) -> None:
        """Label every video, or until the pool is stopped; one that fails stops no other.

        Raises:
            OutputError: A record cannot be written.
            BackendError: Decoding processes do not start.
        """
        unreadable = (
            Decoded(video, None, video.error, 0.0)
            for video in videos
            if video.error is not None and self.num_failed != self._max_failures
        )
        readable = (v for v in videos if v.error is None)
        with closing(self._pool.decode_each(readable)) as decoded_each:
            for decoded in chain(unreadable, decoded_each):
                self._watcher.on_start(decoded.found)
                result, record = self._answer(decoded, self._watcher.on_view)
                self._journal.append(record)
                self._watcher.on_result(decoded.found, result, decoded.notes)
                if isinstance(result, Failure):
                    self.num_failed += 1
                    if self.num_failed == self._max_failures:
                        self._pool.stop()


def failure_of(decoded: Decoded, setup: Setup) -> Failure:
    """The result of a video that has no views."""
    error = decoded.error or VideoError("no views")
    return Failure(decoded.found.video, setup, error.kind, str(error), decoded.seconds)


def labelling(classifier: Classifier, settings: str) -> Answer:
    """Make what answers a decoded video by its best labels.

    Args:
        classifier: What computes; it runs in this process.
        settings: The digest that the records carry.
    """

    def answer(decoded: Decoded, on_view: OnView) -> tuple[Result, Record]:
        result: Result
        if decoded.views is None:
            result = failure_of(decoded, classifier.setup)
        else:
            video = decoded.found.video
            result = classifier.predict(video, decoded.views, decoded.seconds, on_view)
        return result, label_record(decoded.found, result, settings)

    return answer
