"""`vswin embed`: compute the features of all videos in folders, in a run that can continue."""

from collections import Counter
from pathlib import Path
from typing import Annotated, Literal

import typer

from vswin_cli.api.options import EngineOptions, ViewOptions
from vswin_cli.cli.options import (
    OUTPUT,
    NoHeadOption,
    PathsArgument,
    QuietOption,
    VerboseOption,
    format_option,
)
from vswin_cli.cli.shard_options import ShardableOutputOption
from vswin_cli.runs.options import RunOptions
from vswin_cli.runs.videos import Selection
from vswin_cli.shards.options import ShardOptions


def embed(
    paths: PathsArgument,
    output: ShardableOutputOption,
    engine: EngineOptions,
    views: ViewOptions,
    selection: Selection,
    run: RunOptions,
    shards: ShardOptions,
    no_head: NoHeadOption = False,
    output_format: Annotated[
        Literal["npz", "parquet"] | None,
        format_option(help="Output format. Default: from --output's extension."),
    ] = None,
    dtype: Annotated[
        Literal["float32", "float16"],
        typer.Option("--dtype", help="Data type of the features.", rich_help_panel=OUTPUT),
    ] = "float32",
    per_view: Annotated[
        bool,
        typer.Option(
            "--per-view",
            help="Write a row per view instead of a row per video.",
            rich_help_panel=OUTPUT,
        ),
    ] = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Compute the features of all videos in folders: backbone outputs, averaged over views.

    The file is .npz, or .parquet (extra `parquet`). The same command continues a run that was
    stopped for any reason. The exit code is 0 if every video has features, 1 if any failed, 2 for
    wrong usage, 130 after Ctrl-C.

    Examples:
        vswin embed videos -o features.npz --model swin-t-k400
        vswin embed videos -o features.parquet --model swin-b-k600 --views fast
    """
    from vswin_cli.api.model import VideoModel
    from vswin_cli.api.runs import embed_run
    from vswin_cli.api.shards import embed_shards
    from vswin_cli.cli.display import RunDisplay
    from vswin_cli.cli.messages import print_warning, what_features_mean
    from vswin_cli.cli.progress import fetch_shown
    from vswin_cli.cli.shards import run_shards, takes_shards
    from vswin_cli.cli.tables import print_summary
    from vswin_cli.features.files import features_format

    head = False if no_head else None
    model = VideoModel(engine, views, head=head, fetch=fetch_shown(quiet=quiet))
    if takes_shards(output, shards, ("--format npz", output_format == "npz")):
        skipped = Counter[str]()
        sharded = embed_shards(
            model,
            paths,
            output,
            selection=selection,
            run=run,
            shards=shards,
            dtype=dtype,
            per_view=per_view,
            head=False if no_head else None,
            skipped=skipped,
        )
        note = what_features_mean(model.model.name)
        run_shards(sharded, skipped, done="embedded", note=note, quiet=quiet, verbose=verbose)
        return
    display = RunDisplay(quiet=quiet, verbose=verbose)
    embedding = embed_run(
        model,
        paths,
        Path(output),
        selection=selection,
        run=run,
        output_format=None if output_format is None else features_format(output_format),
        dtype=dtype,
        per_view=per_view,
    )
    if (meaning := what_features_mean(model.model.name)) and not quiet:
        print_warning(meaning)
    outcome = embedding.carry_out(display)
    if not quiet:
        print_summary(outcome, display, Path(output), done="embedded")
    display.end(outcome, is_complete=outcome.is_complete)
