"""`vswin label`: label the videos of folders into one file, in a run that survives anything."""

import logging
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vswin_cli.cli import view_choice
from vswin_cli.cli.carrying_out import carry_out, end
from vswin_cli.cli.embed_options import EmbeddingsOption
from vswin_cli.cli.label_display import LabelDisplay
from vswin_cli.cli.label_options import (
    DryRunOption,
    ExcludeOption,
    IncludeOption,
    LabelOutputOption,
    MaxFailuresOption,
    PathsArgument,
    QuietOption,
    RecursiveOption,
    ResumeOption,
    RetryFailedOption,
    TimeoutOption,
    WorkersOption,
)
from vswin_cli.cli.options import (
    BackendOption,
    CacheDirOption,
    ClipsOption,
    CropsOption,
    MirrorOption,
    ModelOption,
    OfflineOption,
    PrecisionOption,
    ProtocolOption,
    ReaderOption,
    ThreadsOption,
    VerboseOption,
    ViewsOption,
)
from vswin_cli.cli.top_k import TopKOption, chosen_top_k
from vswin_cli.errors import UsageError
from vswin_cli.zoo.catalog import find_classifier
from vswin_cli.zoo.models import DEFAULT_MODEL

if TYPE_CHECKING:  # they import NumPy and OpenCV
    from vswin_cli.cli.label_setup import LabelSetup
    from vswin_cli.features.target import FeaturesTarget
    from vswin_cli.runs.finding import Found
    from vswin_cli.runs.target import Target


def label(
    paths: PathsArgument,
    output: LabelOutputOption,
    model: ModelOption = DEFAULT_MODEL.name,
    weights: Annotated[
        Path | None,
        typer.Option("--weights", metavar="FILE", help="Default: the model's file in the cache."),
    ] = None,
    top_k: TopKOption = None,
    recursive: RecursiveOption = True,
    include: IncludeOption = None,
    exclude: ExcludeOption = None,
    resume: ResumeOption = True,
    retry_failed: RetryFailedOption = False,
    workers: WorkersOption = None,
    timeout: TimeoutOption = 300.0,
    max_failures: MaxFailuresOption = None,
    embeddings: EmbeddingsOption = None,
    dry_run: DryRunOption = False,
    protocol: ProtocolOption = None,
    clips: ClipsOption = None,
    crops: CropsOption = None,
    views: ViewsOption = None,
    backend: BackendOption = "auto",
    precision: PrecisionOption = "float32",
    reader: ReaderOption = "auto",
    threads: ThreadsOption = None,
    cache_dir: CacheDirOption = None,
    mirror: MirrorOption = None,
    offline: OfflineOption = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Label all videos of folders into one file that grows as they are done.

    A run that was stopped, by whatever, is continued by the same command. What you leave out of
    protocol, clips and crops comes from the model's own test protocol. The exit code is 0 if every
    video was labelled, 1 if one was not, 2 for wrong usage, 130 after Ctrl-C.
    """
    chosen = find_classifier(model, cache_dir)
    num_labels = chosen_top_k(top_k, chosen)
    chosen_protocol = view_choice.chosen_protocol(chosen.protocol, views, protocol, clips, crops)
    is_adaptive = views is view_choice.ViewChoice.ADAPTIVE
    if is_adaptive and embeddings is not None:
        raise UsageError("--embeddings needs all views; leave --views adaptive out")
    if verbose:
        logging.getLogger("vswin_cli").setLevel(logging.INFO)

    from vswin_cli.runs.finding import Selection, find_videos
    from vswin_cli.runs.target import Target

    target = Target(output, resume=resume)
    features = _features_target(embeddings, target, resume=resume)
    selection = Selection(recursive, tuple(include or ()), tuple(exclude or ()))
    found = find_videos(
        paths,
        selection,
        lambda path: target.is_own(path) or bool(features and features.is_own(path)),
    )

    from vswin_cli.cli.engine_setup import set_up_engine

    engine = set_up_engine(
        chosen, weights, backend=backend, precision=precision, threads=threads,
        cache_dir=cache_dir, mirror=mirror, offline=offline,
    )  # fmt: skip

    from vswin_cli.cli.label_setup import LabelSetup, default_workers

    setup = LabelSetup(
        engine=engine,
        protocol=chosen_protocol,
        reader=reader,
        top_k=num_labels,
        num_workers=workers or default_workers(threads),
        timeout_seconds=timeout,
        adaptive=is_adaptive,
    )
    if dry_run:
        _estimate(setup, found, target, features, resume=resume, retry_failed=retry_failed)
        return
    display = LabelDisplay(quiet=quiet, verbose=verbose)
    _label(setup, found, target, features, display, resume, retry_failed, max_failures)


def _features_target(
    path: Path | None, target: "Target", *, resume: bool
) -> "FeaturesTarget | None":
    if path is None:
        return None
    from vswin_cli.features.target import FeaturesTarget

    features = FeaturesTarget(path, resume=resume, option="--embeddings")
    if target.is_own(str(path)) or features.is_own(str(target.output)):
        raise UsageError(f"--embeddings {path} is the --output too; choose another file")
    return features


def _label(
    setup: "LabelSetup",
    found: "Sequence[Found]",
    target: "Target",
    features: "FeaturesTarget | None",
    display: LabelDisplay,
    resume: bool,
    retry_failed: bool,
    max_failures: int | None,
) -> None:
    """Label what has no record that holds, or no features that are wanted; complete the output."""
    from vswin_cli.cli.features_origin import origin_of
    from vswin_cli.cli.label_summary import print_summary
    from vswin_cli.features.embedder import Embedder, embedding_too
    from vswin_cli.runs.journal import Journal
    from vswin_cli.runs.run import Answer, labelling, plan

    names = [video.video for video in found]
    with ExitStack() as stack:
        stack.enter_context(target.locked())
        journal = stack.enter_context(closing(Journal(target.journal_path, resume=resume)))
        embeddings, why_else = None, None
        if features is not None:
            stack.enter_context(features.locked())
            origin = origin_of(setup, dtype="float32", per_view=False)
            embeddings = stack.enter_context(features.opened(origin, resume=resume))
            why_else = _why_without_features(
                partial(embeddings.why_again, retry_failed=retry_failed)
            )
        settings = setup.settings()

        def make_answer() -> Answer:
            classifier = setup.make_classifier()
            if embeddings is None:
                return labelling(classifier, settings)
            return embedding_too(Embedder(classifier, embeddings), embeddings, settings)

        todo = plan(found, journal, settings, retry_failed=retry_failed, why_else=why_else)
        display.say_plan(todo)
        num_failed = carry_out(
            todo.todo, setup.make_pool, make_answer, journal, display, max_failures
        )
        target.finish(journal, names, setup.top_k)
        if features is not None and embeddings is not None:
            features.finish(embeddings, names)
        if not display.quiet:
            print_summary(found, journal, display, target.output)
        is_complete = all(name in journal.entries and journal.entries[name].is_ok for name in names)
        end(display, num_failed, max_failures, is_complete=is_complete)


def _why_without_features(
    why_again: "Callable[[Found], str | None]",
) -> "Callable[[Found], str | None]":
    """Why a video is to be labelled again for its features, of why these are to be computed."""

    def why_else(video: "Found") -> str | None:
        reason = why_again(video)
        return f"without features ({reason})" if reason else None

    return why_else


def _estimate(
    setup: "LabelSetup",
    found: "Sequence[Found]",
    target: "Target",
    features: "FeaturesTarget | None",
    *,
    resume: bool,
    retry_failed: bool,
) -> None:
    """List what would be done, and how long it would take; make and lock nothing."""
    from vswin_cli.cli.features_origin import origin_of
    from vswin_cli.cli.label_estimate import print_estimates, print_todo
    from vswin_cli.runs.journal import Journal
    from vswin_cli.runs.records import why_again
    from vswin_cli.runs.run import plan

    with ExitStack() as stack:

        def opened(path: Path) -> Journal | None:
            if not (resume and path.exists()):
                return None
            return stack.enter_context(closing(Journal(path, resume=True, read_only=True)))

        why_else = None
        if features is not None:
            embedded = opened(features.journal_path)
            wanted = origin_of(setup, dtype="float32", per_view=False).settings
            why_else = _why_without_features(
                lambda video: why_again(video, embedded, wanted, retry_failed=retry_failed)
            )
        todo = plan(
            found,
            opened(target.journal_path),
            setup.settings(),
            retry_failed=retry_failed,
            why_else=why_else,
        )
    print_todo(todo)
    if todo.todo:
        print_estimates(setup, todo.todo)
