"""`vswin label`: label all videos in folders, in a run that survives any stop."""

from collections import Counter
from pathlib import Path
from typing import Annotated, Literal

import typer

from vswin_cli.api.options import EngineOptions, ViewOptions
from vswin_cli.cli.options import (
    OUTPUT,
    DryRunOption,
    FileFormatOption,
    MinProbabilityOption,
    PathsArgument,
    QuietOption,
    ReportOption,
    StripsOption,
    TopKOption,
    VerboseOption,
)
from vswin_cli.cli.shard_options import ShardableOutputOption
from vswin_cli.runs.options import RunOptions
from vswin_cli.runs.output import STANDARD_OUTPUT
from vswin_cli.runs.videos import Selection
from vswin_cli.shards.options import ShardOptions
from vswin_cli.system.terminal import printable


def label(
    paths: PathsArgument,
    output: ShardableOutputOption,
    engine: EngineOptions,
    views: ViewOptions,
    selection: Selection,
    run: RunOptions,
    shards: ShardOptions,
    top_k: TopKOption = None,
    min_probability: MinProbabilityOption = 0.0,
    output_format: FileFormatOption = None,
    report: ReportOption = None,
    strips: StripsOption = True,
    sidecar: Annotated[
        Literal["json", "txt"] | None,
        typer.Option(
            "--sidecar",
            help="Also write a file next to each video: clip.mp4.vswin.json or .txt.",
            rich_help_panel=OUTPUT,
        ),
    ] = None,
    embeddings: Annotated[
        Path | None,
        typer.Option(
            "--embeddings",
            metavar="FILE",
            help="Also write features, as `vswin embed` does: .npz or .parquet.",
            rich_help_panel=OUTPUT,
        ),
    ] = None,
    dry_run: DryRunOption = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Label all videos in folders and write one file of records.

    The file is .jsonl, .json, .csv, .parquet (extra `parquet`), or a folder for another program,
    .cvat or .fiftyone. The same command continues a run that was stopped for any reason. By
    default, the views are those of the model's test protocol; --dry-run estimates the time of other
    choices. The exit code is 0 if every video was labelled, 1 if any failed, 2 for wrong usage, 130
    after Ctrl-C.

    An --output that ends in / is a folder of shards, for any number of videos, on one machine or,
    with --cluster, on many (extra `ray`).

    Examples:
        vswin label videos -o labels.jsonl --model swin-t-k400
        vswin label @list.txt -o labels.csv --report labels.html
        vswin label s3://bucket/clips/ -o s3://bucket/labels/ --cluster auto
    """
    from vswin_cli.api.estimate import estimate
    from vswin_cli.api.model import VideoModel
    from vswin_cli.api.report import page_path, report_run
    from vswin_cli.api.runs import label_run
    from vswin_cli.api.shards import label_shards
    from vswin_cli.cli.display import RunDisplay
    from vswin_cli.cli.messages import what_it_knows
    from vswin_cli.cli.progress import fetch_shown, track_shown
    from vswin_cli.cli.shards import run_shards, takes_shards
    from vswin_cli.cli.tables import print_estimate, print_plan, print_summary

    model = VideoModel(engine, views, head=True, fetch=fetch_shown(quiet=quiet))
    files = ("--report", report), ("--sidecar", sidecar), ("--embeddings", embeddings)
    if takes_shards(output, shards, *files, chosen=output_format):
        skipped = Counter[str]()
        sharded = label_shards(
            model,
            paths,
            output,
            selection=selection,
            run=run,
            shards=shards,
            top_k=top_k,
            min_probability=min_probability,
            output_format=output_format,
            skipped=skipped,
        )
        note = what_it_knows(model.model)
        run_shards(
            sharded,
            skipped,
            done="labelled",
            note=note,
            dry_run=dry_run,
            quiet=quiet,
            verbose=verbose,
        )
        return
    labelling = label_run(
        model,
        paths,
        Path(output),
        selection=selection,
        run=run,
        top_k=top_k,
        min_probability=min_probability,
        output_format=output_format,
        sidecar=sidecar,
        embeddings=embeddings,
    )
    if report is not None:
        labelling.output.refuse_report(report)
    display = RunDisplay(quiet=quiet, verbose=verbose)
    if dry_run:
        plan = labelling.plan()
        display.on_skipped(labelling.skipped)
        print_plan(plan)
        if num_todo := plan.reasons.total():
            print_estimate(estimate(model, run, plan.todo), model.model.name, num_todo)
        return
    page = None if report is None else page_path(report)  # wrong usage is reported before the run
    outcome = labelling.carry_out(display)
    if page is not None:
        track = track_shown("reading frames", quiet=quiet)
        report_run(labelling, page, strips=strips, timeout=run.timeout, track=track)
    if not quiet:
        print_summary(outcome, display, Path(output), note=what_it_knows(model.model))
        if page is not None and Path(output) != STANDARD_OUTPUT:
            print(f"report: {printable(str(page))}", flush=True)
    display.end(outcome, is_complete=outcome.is_complete)
