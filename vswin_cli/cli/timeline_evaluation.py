"""`vswin evaluate --timeline`: compare outputs of `vswin timeline` with the truth."""

import sys
from collections.abc import Container, Iterable, Sequence
from dataclasses import fields
from pathlib import Path
from typing import NoReturn

import typer
from rich.table import Table
from typer._click.core import ParameterSource
from typer._click.globals import get_current_context

from vswin_cli.api.options import EngineOptions, ViewOptions
from vswin_cli.api.report import page_path
from vswin_cli.api.timelines import timeline_model, timeline_run, write_report
from vswin_cli.cli.messages import print_warning
from vswin_cli.cli.progress import fetch_shown
from vswin_cli.cli.timeline_display import TimelineDisplay
from vswin_cli.errors import UsageError
from vswin_cli.formats.tables import print_table, result_console
from vswin_cli.runs.options import RunOptions
from vswin_cli.runs.videos import Selection
from vswin_cli.system.terminal import printable
from vswin_cli.timeline.metrics import Films, Metrics, measure
from vswin_cli.timeline.options import FilmRunOptions, TimelineOptions
from vswin_cli.timeline.truth import matched, predicted_of, read_predicted, read_truth


def evaluate_timelines(
    truth_path: Path,
    results: Path | None,
    videos: Path | None,
    output: Path | None,
    engine: EngineOptions,
    views: ViewOptions,
    run: RunOptions,
    *,
    report: Path | None,
    dry_run: bool,
    quiet: bool,
) -> None:
    """Print the accuracy of timelines; make them first unless `results` are given.

    Raises:
        UsageError: A file is of another kind, or an option is missing.
        typer.Exit: A film has not been compared.
    """
    _refuse_what_does_not_apply(is_made=results is None)
    truth = read_truth(truth_path)
    root = videos or truth_path.parent
    if results is None:
        if output is None:
            raise UsageError(
                "--timeline needs an output of `vswin timeline`, or --output to make one"
            )
        if dry_run:
            _list_films(truth, {name for name in truth if not (root / name).is_file()}, "no file")
        model_options = TimelineOptions(crops=views.crops, protocol=views.protocol)
        films = timeline_run(
            timeline_model(engine, model_options, fetch_shown(quiet=quiet)),
            [str(root / name) for name in truth],
            str(output),
            options=model_options,
            selection=Selection(),
            run=FilmRunOptions(run.resume, run.retry_failed, run.max_failures, run.timeout),
        )
        if report is not None and films.output is not None:
            films.output.refuse_report(report)
            page_path(report)  # wrong usage is reported before the run
        display = TimelineDisplay(quiet=quiet, keeps=True)
        outcome = films.carry_out(display)
        display.raise_if_stopped()
        assert films.output is not None
        made = predicted_of(films.output.records(outcome.names))
    elif report is not None and not dry_run:
        if report.exists() and report.samefile(results):
            raise UsageError(f"--report {report} is also the input; choose another place")
        page_path(report)
    found = made if results is None else read_predicted(results)
    predicted, missing = matched(truth, found, root)
    if dry_run:
        _list_films(truth, set(missing), "no timeline")
    compared = {name: film for name, film in truth.items() if name not in missing}
    _tell_missing(missing, results)
    if compared:
        _warn_of_other_labels(truth_path, compared, predicted.films)
        metrics = measure(compared, predicted.films, predicted.durations)
        _print(metrics)
        if report is not None:
            page = write_report(report, metrics, compared, predicted, root)
            if not quiet:
                print(f"report: {printable(str(page))}", flush=True)
    if missing:
        raise typer.Exit(1)


def _tell_missing(missing: Sequence[str], results: Path | None) -> None:
    for name in missing:
        print(f"not evaluated, no timeline: {printable(name)}", file=sys.stderr)
    if missing and results is not None and results.suffix.lower() == ".csv":
        what = f"{results} does not have films without segments"
        print(printable(f"{what}; evaluate a .jsonl, which has them"), file=sys.stderr)


def _warn_of_other_labels(truth_path: Path, truth: Films, predicted: Films) -> None:
    """Warn about true labels that no timeline has: the model may have other names for them."""
    true, found = (
        {segment.label for film in films.values() for segment in film}
        for films in (truth, predicted)
    )
    if found and (unknown := sorted(true - found)):
        more = f" and {len(unknown) - 1} more" if len(unknown) > 1 else ""
        print_warning(
            f"no timeline has the label {unknown[0]!r}{more} of {truth_path}; check the spelling"
        )


def _list_films(films: Iterable[str], missing: Container[str], why: str) -> NoReturn:
    """List the films, and end the command.

    Raises:
        typer.Exit: Always; with 1 if a film cannot be evaluated.
    """
    lacking = [name for name in films if name in missing]
    for name in films:
        print(printable(f"{name}: {why}" if name in missing else name))
    raise typer.Exit(bool(lacking))


def _refuse_what_does_not_apply(*, is_made: bool) -> None:
    """Refuse options of the command line that have no effect on timelines.

    Raises:
        UsageError: There is one.
    """
    applies = _OF_ALL | (_OF_MADE if is_made else set())
    context = get_current_context()
    given = [
        max(param.opts, key=len)
        for param in context.command.params
        if param.name not in applies
        and context.get_parameter_source(param.name or "") is ParameterSource.COMMANDLINE
    ]
    if given:
        what = "" if is_made else " if ANNOTATIONS are timelines"
        raise UsageError(f"--timeline does not use {', '.join(given)}{what}; remove it")


_OF_ALL = {"annotations", "timeline", "report", "dry_run", "quiet"}
_OF_MADE = {
    *(field.name for field in fields(EngineOptions)), "output", "videos", "protocol", "crops",
    "resume", "retry_failed", "max_failures", "timeout",
}  # fmt: skip


def _print(metrics: Metrics) -> None:
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column()
    table.add_column(justify="right")
    for row in metrics.rows():
        table.add_row(*row)
    print_table(result_console(), table)
