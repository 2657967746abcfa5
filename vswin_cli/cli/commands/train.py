"""`vswin train`: train a model on labelled videos, for use with every command."""

from pathlib import Path
from typing import Annotated

import typer

from vswin_cli.api.options import EngineOptions, ViewOptions
from vswin_cli.cli.options import (
    OUTPUT,
    RUN,
    AnnotationFormatOption,
    LabelColumnOption,
    PathColumnOption,
    QuietOption,
    VerboseOption,
    VideosOption,
    option,
)
from vswin_cli.runs.options import RunOptions
from vswin_cli.training.options import TrainingOptions


def train(
    annotations: Annotated[
        Path,
        typer.Argument(
            metavar="DATA",
            help="A folder with a folder per class, or annotations as `vswin evaluate` reads them; "
            "a CSV may have columns split, group, start and end.",
        ),
    ],
    output: Annotated[
        Path,
        typer.Option(
            "--output", "-o", metavar="DIR", help="Folder of the model.", rich_help_panel=OUTPUT
        ),
    ],
    options: TrainingOptions,
    engine: EngineOptions,
    views: ViewOptions,
    run: RunOptions,
    videos: VideosOption = None,
    annotations_format: AnnotationFormatOption = "auto",
    path_column: PathColumnOption = None,
    label_column: LabelColumnOption = None,
    dry_run: Annotated[
        bool,
        option(
            RUN,
            "--dry-run",
            help="Open every video, list problems, and estimate time and memory; train nothing.",
        ),
    ] = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Train a model on videos with labels.

    Every file is opened first, and problems are listed; --dry-run stops there. DIR will contain the
    model, split.csv, metrics.json, log.csv, a page and a card; give it to any command as --model.
    The same command continues a training that was stopped for any reason. The exit code is 0 if the
    model is ready, 1 if the training failed, 2 for wrong usage, 130 after Ctrl-C.

    Examples:
        vswin train classes -o mine
        vswin train clips.csv -o mine --model swin-t-k400 --how head
        vswin train clips.csv -o mine --dry-run
    """
    from vswin_cli.api.evaluation import AnnotationOptions
    from vswin_cli.api.train import carry_out
    from vswin_cli.api.training import TrainingRun
    from vswin_cli.cli.progress import fetch_shown
    from vswin_cli.cli.training_display import TrainingDisplay, print_trained, say_checked

    truth = AnnotationOptions(annotations, videos, annotations_format, path_column, label_column)
    training = TrainingRun(
        engine, views, truth, output, run=run, options=options, fetch=fetch_shown(quiet=quiet)
    )
    with TrainingDisplay(quiet=quiet, verbose=verbose) as display:
        checked = training.check(display)
        say_checked(training, checked, quiet=quiet)
        if dry_run:
            raise typer.Exit(bool(checked.broken or checked.examples.unmatched))
        trained = carry_out(training, checked, display)
    print_trained(trained, quiet=quiet)
