"""`vswin embed`: the features of the videos of folders, in a run that survives anything."""

from typing import Annotated, Literal

import typer

from vswin_cli.api.options import EngineOptions, ViewOptions
from vswin_cli.cli.options import (
    OUTPUT,
    NoTopOption,
    OutputOption,
    PathsArgument,
    QuietOption,
    VerboseOption,
)
from vswin_cli.runs.options import RunOptions
from vswin_cli.runs.videos import Selection


def embed(
    paths: PathsArgument,
    output: OutputOption,
    engine: EngineOptions,
    views: ViewOptions,
    selection: Selection,
    run: RunOptions,
    no_top: NoTopOption = False,
    dtype: Annotated[
        Literal["float32", "float16"],
        typer.Option("--dtype", help="Of the numbers in the file.", rich_help_panel=OUTPUT),
    ] = "float32",
    per_view: Annotated[
        bool,
        typer.Option(
            "--per-view",
            help="A row for each view, not for the mean of a video's.",
            rich_help_panel=OUTPUT,
        ),
    ] = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Compute the features of all videos of folders: what the backbone makes of them, averaged.

    The file is .npz, or .parquet (extra `parquet`). A run that was stopped, by whatever, is
    continued by the same command. The exit code is 0 if every video has features, 1 if one has
    not, 2 for wrong usage, 130 after Ctrl-C.
    """
    from vswin_cli.api.model import VideoModel
    from vswin_cli.api.runs import embed_run
    from vswin_cli.cli.display import RunDisplay
    from vswin_cli.cli.progress import fetch_shown
    from vswin_cli.cli.tables import print_summary

    model = VideoModel(engine, views, top=False if no_top else None, fetch=fetch_shown)
    display = RunDisplay(quiet=quiet, verbose=verbose)
    embedding = embed_run(
        model, paths, output, selection=selection, run=run, dtype=dtype, per_view=per_view
    )
    outcome = embedding.carry_out(display)
    if not quiet:
        print_summary(outcome, display, output, done="embedded")
    display.end(outcome, is_complete=outcome.is_complete)
