"""`vswin embed`: the features of the videos of folders, in a run that survives anything."""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vswin_cli.cli.carrying_out import carry_out, end
from vswin_cli.cli.embed_options import DtypeOption, FeaturesOutputOption, PerViewOption
from vswin_cli.cli.label_display import LabelDisplay
from vswin_cli.cli.label_options import (
    ExcludeOption,
    IncludeOption,
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
    NoTopOption,
    OfflineOption,
    PrecisionOption,
    ProtocolOption,
    ReaderOption,
    ThreadsOption,
    VerboseOption,
)
from vswin_cli.zoo.catalog import find_model
from vswin_cli.zoo.models import DEFAULT_MODEL

if TYPE_CHECKING:  # they import NumPy and OpenCV
    from vswin_cli.cli.label_setup import LabelSetup
    from vswin_cli.features.origin import Origin
    from vswin_cli.features.target import FeaturesTarget
    from vswin_cli.runs.finding import Found


def embed(
    paths: PathsArgument,
    output: FeaturesOutputOption,
    model: ModelOption = DEFAULT_MODEL.name,
    weights: Annotated[
        Path | None,
        typer.Option(
            "--weights",
            metavar="FILE",
            help="With top or without. Default: the model's file in the cache.",
        ),
    ] = None,
    no_top: NoTopOption = False,
    dtype: DtypeOption = "float32",
    per_view: PerViewOption = False,
    recursive: RecursiveOption = True,
    include: IncludeOption = None,
    exclude: ExcludeOption = None,
    resume: ResumeOption = True,
    retry_failed: RetryFailedOption = False,
    workers: WorkersOption = None,
    timeout: TimeoutOption = 300.0,
    max_failures: MaxFailuresOption = None,
    protocol: ProtocolOption = None,
    clips: ClipsOption = None,
    crops: CropsOption = None,
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
    """Compute the features of all videos of folders: what the backbone makes of them, averaged.

    A run that was stopped, by whatever, is continued by the same command. The exit code is 0 if
    every video has features, 1 if one has not, 2 for wrong usage, 130 after Ctrl-C.
    """
    chosen = find_model(model, cache_dir)
    chosen_protocol = chosen.protocol.adapted(protocol, clips, crops)
    if verbose:
        logging.getLogger("vswin_cli").setLevel(logging.INFO)

    from vswin_cli.features.target import FeaturesTarget
    from vswin_cli.runs.finding import Selection, find_videos

    target = FeaturesTarget(output, resume=resume)
    selection = Selection(recursive, tuple(include or ()), tuple(exclude or ()))
    found = find_videos(paths, selection, target.is_own)

    from vswin_cli.cli.engine_setup import set_up_engine

    engine = set_up_engine(
        chosen, weights, backend=backend, precision=precision, threads=threads,
        cache_dir=cache_dir, mirror=mirror, offline=offline, features=True, no_top=no_top,
    )  # fmt: skip

    from vswin_cli.cli.features_origin import origin_of
    from vswin_cli.cli.label_setup import LabelSetup, default_workers

    setup = LabelSetup(
        engine=engine,
        protocol=chosen_protocol,
        reader=reader,
        top_k=0,
        num_workers=workers or default_workers(threads),
        timeout_seconds=timeout,
    )
    origin = origin_of(setup, dtype=dtype, per_view=per_view)
    display = LabelDisplay(quiet=quiet, verbose=verbose)
    _embed(
        setup, origin, found, target, display,
        resume=resume, retry_failed=retry_failed, max_failures=max_failures,
    )  # fmt: skip


def _embed(
    setup: "LabelSetup",
    origin: "Origin",
    found: "Sequence[Found]",
    target: "FeaturesTarget",
    display: LabelDisplay,
    *,
    resume: bool,
    retry_failed: bool,
    max_failures: int | None,
) -> None:
    """Compute what has no features that hold, then write the file."""
    from vswin_cli.cli.label_summary import print_summary
    from vswin_cli.features.embedder import Embedder
    from vswin_cli.runs.run import plan

    names = [video.video for video in found]
    with target.locked(), target.opened(origin, resume=resume) as embeddings:
        journal = embeddings.journal
        todo = plan(
            found,
            journal,
            origin.settings,
            retry_failed=retry_failed,
            why_else=lambda video: embeddings.why_again(video, retry_failed=retry_failed),
        )
        display.say_plan(todo)
        num_failed = carry_out(
            todo.todo,
            setup.make_pool,
            lambda: Embedder(setup.make_classifier(), embeddings),
            journal,
            display,
            max_failures,
        )
        target.finish(embeddings, names)
        if not display.quiet:
            print_summary(found, journal, display, target.output, done="embedded")
        is_complete = all(name in journal.entries and journal.entries[name].is_ok for name in names)
        end(display, num_failed, max_failures, is_complete=is_complete)
