"""`vswin label`: label the videos of folders into one file, in a run that survives anything."""

from pathlib import Path
from typing import Annotated

import typer

from vswin_cli.api.options import EngineOptions, ViewOptions
from vswin_cli.cli.options import (
    OUTPUT,
    DryRunOption,
    OutputOption,
    PathsArgument,
    QuietOption,
    TopKOption,
    VerboseOption,
)
from vswin_cli.runs.options import RunOptions
from vswin_cli.runs.videos import Selection


def label(
    paths: PathsArgument,
    output: OutputOption,
    engine: EngineOptions,
    views: ViewOptions,
    selection: Selection,
    run: RunOptions,
    top_k: TopKOption = None,
    embeddings: Annotated[
        Path | None,
        typer.Option(
            "--embeddings",
            metavar="FILE",
            help="Write the features too, as `vswin embed` does: .npz or .parquet.",
            rich_help_panel=OUTPUT,
        ),
    ] = None,
    dry_run: DryRunOption = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Label all videos of folders into one file that grows as they are done.

    The file is .jsonl, .csv, or .parquet (extra `parquet`); --dry-run estimates the time of each
    choice. A run that was stopped, by whatever, is continued by the same command. What you
    leave out of protocol, clips and crops comes from the model's test protocol. The exit code
    is 0 if every video was labelled, 1 if one was not, 2 for wrong usage, 130 after Ctrl-C.
    """
    from vswin_cli.api.estimate import estimate
    from vswin_cli.api.model import VideoModel
    from vswin_cli.api.runs import label_run
    from vswin_cli.cli.display import RunDisplay
    from vswin_cli.cli.progress import fetch_shown
    from vswin_cli.cli.tables import print_estimate, print_plan, print_summary

    model = VideoModel(engine, views, top=True, fetch=fetch_shown)
    labelling = label_run(
        model, paths, output, selection=selection, run=run, top_k=top_k, embeddings=embeddings
    )
    if dry_run:
        plan = labelling.plan()
        print_plan(plan)
        if plan.todo:
            print_estimate(estimate(model, run, plan.todo), model.model.name, len(plan.todo))
        return
    display = RunDisplay(quiet=quiet, verbose=verbose)
    outcome = labelling.carry_out(display)
    if not quiet:
        print_summary(outcome, display, output)
    display.end(outcome, is_complete=outcome.is_complete)
