"""Runs over many videos: what `vswin label` and `vswin embed` do, without a word on a terminal."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from vswin_cli.api.model import VideoModel
from vswin_cli.api.options import RunOptions
from vswin_cli.errors import UsageError
from vswin_cli.features.embedder import Embedder, embedding_too
from vswin_cli.features.origin import FeatureType
from vswin_cli.features.target import FeaturesTarget
from vswin_cli.runs.finding import Found, Selection, find_videos
from vswin_cli.runs.journal import Entry, Journal
from vswin_cli.runs.records import why_again
from vswin_cli.runs.run import Answer, Plan, Run, RunWatcher, labelling, plan
from vswin_cli.runs.target import Target

Why = Callable[[Found], str | None]  # a reason to compute a video again


@dataclass(frozen=True)
class Outcome:
    """How a run ended, and what all runs into its output have come to.

    Attributes:
        found: The videos.
        entries: Of the records, by the name of the video.
        num_failed: In this run.
        is_stopped: Whether this run ended early, by itself.
    """

    found: Sequence[Found]
    entries: Mapping[str, Entry]
    num_failed: int
    is_stopped: bool

    @property
    def names(self) -> list[str]:
        """The videos' names, in their order."""
        return [video.video for video in self.found]

    @property
    def is_complete(self) -> bool:
        """Whether every video is done, and well."""
        return all(name in self.entries and self.entries[name].is_ok for name in self.names)


def carry_out(
    model: VideoModel,
    found: Sequence[Found],
    journal: Journal,
    settings: str | Mapping[str, str],
    make_answer: Callable[[], Answer],
    run: RunOptions,
    watcher: RunWatcher,
    why_else: Why | None = None,
) -> Outcome:
    """Make the records that are missing; the model is loaded if there are some.

    Args:
        model: What decodes.
        found: The videos.
        journal: Where the records go, and those that hold are.
        settings: What the records have to carry, of all videos, or by the name of each.
        make_answer: Makes what gives a decoded video its record.
        run: How.
        watcher: Is told what happens.
        why_else: Gives a reason to compute a video whose record holds, if there is one.

    Raises:
        VswinError: The run cannot go on. A video that fails is recorded instead.
    """
    planned = plan(found, journal, settings, retry_failed=run.retry_failed, why_else=why_else)
    watcher.on_plan(planned)
    num_failed = 0
    if planned.todo:
        pool = model.decoding_pool(run)
        with watcher.following(planned.todo, pool.busy_with):
            computing = Run(make_answer(), pool, journal, watcher, run.max_failures)
            with watcher.interruptible(pool.stop):
                computing.label(planned.todo)
        num_failed = computing.num_failed
    is_stopped = run.max_failures is not None and num_failed >= run.max_failures
    return Outcome(found, journal.entries, num_failed, is_stopped)


class LabelRun:
    """A run of `vswin label`: its videos are found, its outputs known and not yet touched.

    Args:
        model: With classes.
        paths: As of `find_videos`.
        output: The file; its extension is its format.
        selection: What to take of folders.
        run: How.
        top_k: Labels per video; None is 5, or all where there are fewer.
        embeddings: A features file to write too.

    Raises:
        UsageError: The outputs cannot be made, or continued, or the paths make no sense.
    """

    def __init__(
        self,
        model: VideoModel,
        paths: Sequence[str],
        output: Path,
        *,
        selection: Selection,
        run: RunOptions,
        top_k: int | None = None,
        embeddings: Path | None = None,
    ) -> None:
        self.model = model
        self.options = run
        self.top_k = model.top_k(top_k)
        if embeddings is not None and model.views.is_adaptive:
            raise UsageError("--embeddings needs all views; leave --views adaptive out")
        self.target = Target(output, resume=run.resume)
        self._features = None
        if embeddings is not None:
            self._features = FeaturesTarget(embeddings, resume=run.resume, option="--embeddings")
            if self.target.is_own(str(embeddings)) or self._features.is_own(str(output)):
                raise UsageError(f"--embeddings {embeddings} is the --output too; choose another")
        self.found = find_videos(paths, selection, self._is_own)

    def _is_own(self, path: str) -> bool:
        features = self._features
        return self.target.is_own(path) or bool(features and features.is_own(path))

    def carry_out(self, watcher: RunWatcher) -> Outcome:
        """Label what has no record that holds, or no features that are wanted; write the outputs.

        Raises:
            VswinError: As `carry_out`.
        """
        with ExitStack() as stack:
            stack.enter_context(self.target.locked())
            journal = self._opened(stack, self.target.journal_path)
            settings = self.model.settings(self.top_k)
            embeddings, why_else = None, None
            if self._features is not None:
                stack.enter_context(self._features.locked())
                origin = self.model.features_origin()
                embeddings = stack.enter_context(
                    self._features.opened(origin, resume=self.options.resume)
                )
                why_else = _without_features(
                    partial(embeddings.why_again, retry_failed=self.options.retry_failed)
                )

            def make_answer() -> Answer:
                classifier = self.model.classifier(self.top_k)
                if embeddings is None:
                    return labelling(classifier, settings)
                return embedding_too(Embedder(classifier, embeddings), embeddings, settings)

            outcome = carry_out(
                self.model, self.found, journal, settings, make_answer, self.options, watcher,
                why_else,
            )  # fmt: skip
            self.target.finish(journal, outcome.names, self.top_k)
            if self._features is not None and embeddings is not None:
                self._features.finish(embeddings, outcome.names)
            return outcome

    def _opened(self, stack: ExitStack, path: Path) -> Journal:
        return stack.enter_context(closing(Journal(path, resume=self.options.resume)))

    def plan(self) -> Plan:
        """Say what would be done; make and lock nothing."""
        with ExitStack() as stack:

            def looked_at(path: Path) -> Journal | None:
                if not (self.options.resume and path.exists()):
                    return None
                return stack.enter_context(closing(Journal(path, resume=True, read_only=True)))

            why_else = None
            if self._features is not None:
                why_else = _without_features(
                    partial(
                        why_again,
                        journal=looked_at(self._features.journal_path),
                        settings=self.model.features_origin().settings,
                        retry_failed=self.options.retry_failed,
                    )
                )
            return plan(
                self.found,
                looked_at(self.target.journal_path),
                self.model.settings(self.top_k),
                retry_failed=self.options.retry_failed,
                why_else=why_else,
            )


def _without_features(why: Why) -> Why:
    """Why a video is to be labelled again for its features, of why these are to be computed."""

    def why_else(video: Found) -> str | None:
        reason = why(video)
        return f"without features ({reason})" if reason else None

    return why_else


def embed_videos(
    model: VideoModel,
    paths: Sequence[str],
    output: Path,
    *,
    selection: Selection,
    run: RunOptions,
    watcher: RunWatcher,
    dtype: FeatureType = "float32",
    per_view: bool = False,
) -> Outcome:
    """Compute the features of videos into one file, .npz or .parquet, in a run that is resumable.

    Args:
        model: With classes or without.
        paths: As of `find_videos`.
        output: The file.
        selection: What to take of folders.
        run: How.
        watcher: Is told what happens.
        dtype: Of the numbers in the file.
        per_view: A row for each distinct view, instead of one for the mean of a video's.

    Raises:
        VswinError: As `carry_out`.
    """
    if model.views.is_adaptive:
        raise UsageError("features are the mean of all views; leave --views adaptive out")
    target = FeaturesTarget(output, resume=run.resume)
    found = find_videos(paths, selection, target.is_own)
    origin = model.features_origin(dtype, per_view=per_view)
    with target.locked(), target.opened(origin, resume=run.resume) as embeddings:
        outcome = carry_out(
            model,
            found,
            embeddings.journal,
            origin.settings,
            lambda: Embedder(model.classifier(0), embeddings),
            run,
            watcher,
            partial(embeddings.why_again, retry_failed=run.retry_failed),
        )
        target.finish(embeddings, outcome.names)
        return outcome
