"""`vswin evaluate`: measure the accuracy of a model on videos whose labels are known."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from vswin_cli.api.options import EngineOptions, ViewOptions
from vswin_cli.cli.options import (
    VIDEOS,
    AnnotationFormatOption,
    DryRunOption,
    FileFormatOption,
    LabelColumnOption,
    OptionalOutputOption,
    PathColumnOption,
    QuietOption,
    ReportOption,
    StripsOption,
    TopKOption,
    VerboseOption,
    VideosOption,
)
from vswin_cli.errors import UsageError
from vswin_cli.runs.options import RunOptions


def evaluate(
    engine: EngineOptions,
    views: ViewOptions,
    run: RunOptions,
    annotations: Annotated[
        Path | None,
        typer.Argument(
            metavar="ANNOTATIONS",
            show_default=False,
            help="A list (a path and an index per line), a CSV, Kinetics' CSV, "
            "Something-Something's JSON, or a folder with a folder per class.",
        ),
    ] = None,
    output: OptionalOutputOption = None,
    timeline: Annotated[
        Path | None,
        typer.Option(
            "--timeline",
            metavar="TRUTH",
            help="Evaluate timelines against TRUTH, a CSV of video, label, start and end. "
            "ANNOTATIONS is then an output of `vswin timeline`; without it, the timelines are "
            "made first.",
            rich_help_panel=VIDEOS,
        ),
    ] = None,
    videos: VideosOption = None,
    annotations_format: AnnotationFormatOption = "auto",
    path_column: PathColumnOption = None,
    label_column: LabelColumnOption = None,
    first_index: Annotated[
        Literal[0, 1],
        typer.Option(
            "--first-index",
            help="Index of the first class in ANNOTATIONS.",
            rich_help_panel=VIDEOS,
        ),
    ] = 0,
    output_format: FileFormatOption = None,
    report: ReportOption = None,
    strips: StripsOption = True,
    top_k: TopKOption = None,
    dry_run: DryRunOption = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Measure the accuracy of a model on videos whose labels are known.

    The output is .jsonl, .json, .csv or .parquet; --dry-run lists the rows that match no video.
    Several protocols, separated by commas, are compared in one run. The same command continues a
    run that was stopped for any reason, and makes the report again if nothing is left to do. The
    exit code is 0 if every row was evaluated, 1 if any was not, 2 for wrong usage, 130 after
    Ctrl-C.

    Examples:
        vswin evaluate val.txt --videos set -o results.jsonl --report report
        vswin evaluate classes/ -o results.csv --report results.html
        vswin evaluate kinetics.csv -o results.jsonl --protocol official,mmaction2
    """
    from vswin_cli.api.evaluation import AnnotationOptions, EvaluationRun
    from vswin_cli.api.model import VideoModel
    from vswin_cli.cli.display import EvaluationDisplay
    from vswin_cli.cli.evaluation_tables import (
        print_briefly,
        print_matches,
        print_summary,
        say_matches,
    )
    from vswin_cli.cli.messages import what_it_knows
    from vswin_cli.cli.progress import fetch_shown, track_shown

    if timeline is not None:
        from vswin_cli.cli.timeline_evaluation import evaluate_timelines

        evaluate_timelines(
            timeline,
            annotations,
            videos,
            output,
            engine,
            views,
            run,
            report=report,
            dry_run=dry_run,
            quiet=quiet,
        )
        return
    if annotations is None or output is None:
        missing = "ANNOTATIONS" if annotations is None else "--output"
        raise UsageError(f"{missing} is missing; see `vswin evaluate --help`")
    evaluation = EvaluationRun(
        VideoModel(
            engine, views, head=True, compares_protocols=True, fetch=fetch_shown(quiet=quiet)
        ),
        AnnotationOptions(
            annotations, videos, annotations_format, path_column, label_column, first_index
        ),
        output,
        output_format=output_format,
        report=report,
        strips=strips,
        top_k=top_k,
        run=run,
    )
    if not quiet:
        say_matches(evaluation.form, evaluation.matched)
    if dry_run:
        print_matches(evaluation.matched)
        raise typer.Exit(bool(evaluation.matched.unmatched))
    display = EvaluationDisplay(
        evaluation.matched.truth, evaluation.labels, quiet=quiet, verbose=verbose
    )
    evaluated = evaluation.carry_out(display, track_shown("reading frames", quiet=quiet))
    if quiet:
        print_briefly(evaluated)
    else:
        print_summary(evaluated, display, what_it_knows(evaluation.model.model))
    display.end(evaluated.outcome, is_complete=evaluated.is_complete)
