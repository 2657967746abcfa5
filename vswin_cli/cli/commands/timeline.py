"""`vswin timeline`: find out what happens in films, and when."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from vswin_cli.api.options import EngineOptions
from vswin_cli.cli.options import (
    OUTPUT,
    VIDEOS,
    PathsArgument,
    QuietOption,
    ReportOption,
    StripsOption,
    VerboseOption,
    format_option,
)
from vswin_cli.errors import UsageError
from vswin_cli.runs.videos import Selection
from vswin_cli.sources.live_names import is_live_name
from vswin_cli.timeline.formats import timeline_format, timeline_formats
from vswin_cli.timeline.options import FilmRunOptions, TimelineOptions


def timeline(
    paths: PathsArgument,
    engine: EngineOptions,
    options: TimelineOptions,
    selection: Selection,
    run: FilmRunOptions,
    output: Annotated[
        str | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE|DIR",
            help="File or folder to write, and to continue from. Default, and -: standard output.",
            rich_help_panel=OUTPUT,
        ),
    ] = None,
    form: Annotated[
        str | None,
        format_option(
            metavar="|".join(each.name for each in timeline_formats()),
            help="Output format. Default: from --output's extension, else table.",
        ),
    ] = None,
    probabilities: Annotated[
        bool,
        typer.Option(
            "--probabilities",
            help="Add the probabilities of each step to records; implied by --report.",
            rich_help_panel=OUTPUT,
        ),
    ] = False,
    probabilities_file: Annotated[
        Path | None,
        typer.Option(
            "--probabilities-file",
            metavar="FILE",
            help="Also write the probabilities of each step: .npz or .parquet.",
            rich_help_panel=OUTPUT,
        ),
    ] = None,
    live: Annotated[
        bool,
        typer.Option(
            "--live",
            help="Follow PATH, a growing file or an http address, as a stream. Cameras "
            "(/dev/video0), rtsp, rtp, rtmp, udp and tcp are always followed.",
            rich_help_panel=VIDEOS,
        ),
    ] = False,
    idle: Annotated[
        float,
        typer.Option(
            "--idle",
            metavar="SECONDS",
            min=0.1,
            help="Time without new frames that ends a stream.",
            rich_help_panel=VIDEOS,
        ),
    ] = 10.0,
    report: ReportOption = None,
    strips: StripsOption = True,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Find out what happens in films of any length, and when.

    A window of one clip moves over each film and never crosses a cut. The probabilities of
    windows are averaged per time step, and steps with the same label become segments; where no
    label is probable, there is no segment. With --output, the same command
    continues a run that was stopped for any reason. The exit code is 0 if every film was read, 1
    if any failed, 2 for wrong usage, 130 after Ctrl-C.

    Examples:
        vswin timeline film.mp4
        vswin timeline films/ -o timelines.jsonl --model swin-t-k400
        vswin timeline films/ -o subtitles/ --format srt
    """
    from vswin_cli.api.report import page_path
    from vswin_cli.api.timelines import timeline_model, timeline_run
    from vswin_cli.cli.messages import what_it_knows
    from vswin_cli.cli.progress import fetch_shown
    from vswin_cli.cli.timeline_display import TimelineDisplay
    from vswin_cli.formats.writer import open_writer

    output = None if output == "-" else output
    is_live = live or any(map(is_live_name, paths))
    if is_live and (probabilities or probabilities_file or report is not None):
        what = "--report" if report is not None else "--probabilities"
        raise UsageError(f"{what} is for films with an end, not for streams; remove it")
    model = timeline_model(engine, options, fetch_shown(quiet=quiet))
    note = "" if quiet else what_it_knows(model.model)
    if is_live:
        from vswin_cli.cli.timeline_live import follow_paths

        follow_paths(
            paths, model, options, output, form,
            idle_seconds=idle, resume=run.resume, quiet=quiet,
        )  # fmt: skip
        return
    films = timeline_run(
        model, paths, output, options=options, format_name=form, selection=selection, run=run,
        probabilities=probabilities, probabilities_file=probabilities_file,
        is_reported=report is not None,
    )  # fmt: skip
    if report is not None and films.output is not None:
        films.output.refuse_report(report)
    display = TimelineDisplay(quiet=quiet, keeps=films.output is not None)
    page = page_path(report) if report is not None else None
    if output is not None and films.output is not None:
        outcome = films.carry_out(display)
        films.write_probabilities(films.output.records(outcome.names))
        if page is not None:
            films.report(page, films.output.records(outcome.names), strips=strips)
        display.end(outcome, output, page, note=note)
        return
    chosen = timeline_format(form or "table")
    if chosen.holds_one and len(films.videos) > 1:
        what = f"{chosen.name} contains one film, but there are {len(films.videos)}"
        raise UsageError(f"{what}; give a folder with --output")
    records = []
    with open_writer(chosen, sys.stdout, top_k=1, note=note) as writer:
        for record in films.records(display):
            if record["error"] is None or not chosen.holds_one:
                writer.write(record if probabilities else {**record, "probabilities": None})
            records += [record] if page is not None or probabilities_file else []
    films.write_probabilities(records)
    if page is not None:
        films.report(page, records, strips=strips)
        display.say_page(page)
    if display.num_failed:
        raise typer.Exit(1)
