"""The output of `vswin evaluate`: accuracies, the most frequent errors, and rows not evaluated."""

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from vswin_cli.api.evaluation import Evaluated
from vswin_cli.cli.display import RunDisplay, duration
from vswin_cli.cli.messages import print_error
from vswin_cli.evaluation.annotations import AnnotationFormat
from vswin_cli.evaluation.figures import Figures, ProtocolFigures
from vswin_cli.evaluation.matching import KINDS, Matched
from vswin_cli.evaluation.metrics import METHOD, NUM_BINS, Share
from vswin_cli.evaluation.report import is_page
from vswin_cli.formats.tables import print_table, result_console
from vswin_cli.system.terminal import counted, printable

_NUM_CLASSES = 10  # the worst; all if there are only a few more
_NUM_PAIRS = 10
_NUM_LISTED = 5


def say_matches(form: AnnotationFormat, matched: Matched) -> None:
    """Print on stderr the format of the annotations, and how many rows do not match."""
    line = f"{counted(matched.num_rows, 'row')} ({form}): {len(matched.found)} matched"
    for kind, count in matched.kinds().items():
        line += f", {count} {KINDS[kind]}"
    if not matched.found:
        line += "; check --videos and --model"
    print(line, file=sys.stderr, flush=True)


def print_matches(matched: Matched) -> None:
    """List every video with its class index, then every row that does not match."""
    for found in matched.found:
        print(f"{printable(found.video)}\t{matched.truth[found.video]}")
    for row in matched.unmatched:
        print(f"row {row.place}: {printable(row.video)}: {printable(row.message)}")
    sys.stdout.flush()


def print_summary(
    evaluated: Evaluated,
    display: RunDisplay,
    note: str,
) -> None:
    """Print the results of this and earlier runs.

    Args:
        evaluated: Figures of all videos that are done.
        display: Display with the duration of this run.
        note: Line to add.
    """
    figures, output, report = evaluated.figures, evaluated.output, evaluated.report
    console = result_console(sys.stderr if output.is_stdout else None)
    _print_accuracy(console, figures)
    if figures.protocols:
        _print_views(console, figures.protocols)
    for protocol in figures.protocols:
        if len(figures.protocols) > 1:
            console.print(f"\n{protocol.outcomes.name}")
        _print_classes(console, figures, protocol)
        _print_confused(console, figures, protocol)
    _print_rest(console, figures, evaluated.unmatched_path)
    if display.num_done:
        seconds = display.wall_seconds / display.num_done
        took = duration(display.wall_seconds)
        done = counted(display.num_done, "video")
        console.print(f"{done} in {took}, {seconds:.2f} s per video")
    if note:
        console.print(Text(note, style="dim"), soft_wrap=True)
    if not output.is_stdout:
        console.print(Text(f"output: {printable(str(output.path))}"), soft_wrap=True)
    if report is not None:
        page = report if is_page(report) else report / "index.html"
        console.print(Text(f"report: {printable(str(page))}"), soft_wrap=True)
    sys.stdout.flush()


def print_briefly(evaluated: Evaluated) -> None:
    """Print only the accuracies, and on stderr the rows that were not evaluated."""
    figures = evaluated.figures
    _print_accuracy(result_console(sys.stderr if evaluated.output.is_stdout else None), figures)
    sys.stdout.flush()
    rows = figures.matched.unmatched
    for row in rows[:_NUM_LISTED]:
        print_error(f"row {row.place}: {row.message}")
    if len(rows) > _NUM_LISTED:
        listed = evaluated.unmatched_path
        where = "" if listed is None else f"; all are in {listed}"
        print_error(f"{len(rows) - _NUM_LISTED} more rows were not evaluated{where}")


def _print_accuracy(console: Console, figures: Figures) -> None:
    evaluated = counted(figures.num_evaluated, "video")
    console.print(Text(f"{figures.model}, {evaluated} evaluated"))
    if not figures.protocols:
        return
    table = _table(("protocol", "", "%", "95 % interval"), numeric=(2, 3))
    published = figures.published
    if published:
        table.add_column("published", justify="right")
    for protocol in figures.protocols:
        name = protocol.outcomes.name
        for title, share, known in (
            ("top-1", protocol.top1, published and published.top1),
            ("top-5", protocol.top5, published and published.top5),
            ("mean class", protocol.mean_class, None),
        ):
            cells = [name, title, _percent(share.value), _interval(share)]
            table.add_row(*cells, *([f"{known:.1f}" if known else ""] if published else []))
            name = ""
        error = _percent(protocol.calibration.expected_error)
        confidence = _percent(protocol.calibration.mean_confidence)
        table.add_row("", "calibration error", error, f"mean confidence {confidence}")
    print_table(console, table, drop=range(len(table.columns) - 1, 2, -1))
    console.print(Text(METHOD, style="dim"))
    console.print(Text(f"calibration error: ECE, {NUM_BINS} bins of equal width", style="dim"))
    if published:
        console.print(Text(f"published figures: {published.protocol} protocol", style="dim"))


def _print_views(console: Console, protocols: Sequence[ProtocolFigures]) -> None:
    """Print the accuracies with fewer views; several protocols side by side."""
    table = _table(("views",), numeric=(0,))
    rows: dict[str, list[str]] = {}  # views -> cells
    for column, protocol in enumerate(protocols):
        name = f"{protocol.outcomes.protocol} " if len(protocols) > 1 else ""
        table.add_column(f"{name}top-1", justify="right")
        if len(protocols) == 1:
            table.add_column("95 % interval", justify="right")
        table.add_column(f"{name}top-5", justify="right")
        for each in protocol.by_views:
            cells = rows.setdefault(each.views, [])
            cells += [""] * (2 * column - len(cells))  # for protocols with fewer views
            interval = [_interval(each.top1)] if len(protocols) == 1 else []
            cells += [_percent(each.top1.value), *interval, _percent(each.top5.value)]
    if len(rows) < 2:
        return
    for views in sorted(rows, key=lambda views: "×" in views):  # centre crops last
        table.add_row(f"centre {views}" if "×" in views else views, *rows[views])
    console.print("\nrows: the first views in the protocol's order; centre: centre crops only")
    print_table(console, table, drop=range(len(table.columns) - 1, 1, -1))


def _print_classes(console: Console, figures: Figures, protocol: ProtocolFigures) -> None:
    rows = sorted(protocol.classes, key=lambda row: (row.num_top1 / row.num_videos, row.index))
    if len(rows) > 2 * _NUM_CLASSES:
        title, rows = f"the {_NUM_CLASSES} worst of {len(rows)} classes", rows[:_NUM_CLASSES]
    else:
        title = "classes, the worst first"
    table = _table(("class", "videos", "top-1", "top-5", "mistaken for"), numeric=(1, 2, 3))
    for row in rows:
        other = row.mistaken_for
        table.add_row(
            Text(printable(figures.labels[row.index])),
            str(row.num_videos),
            _percent(row.num_top1 / row.num_videos),
            _percent(row.num_top5 / row.num_videos),
            Text("" if other is None else printable(figures.labels[other])),
        )
    console.print(f"\n{title}")
    print_table(console, table, drop=(4, 3, 1, 2))


def _print_confused(console: Console, figures: Figures, protocol: ProtocolFigures) -> None:
    if not protocol.confused:
        return
    table = _table(("true class", "mistaken for", "videos", "% of class"), numeric=(2, 3))
    for pair in protocol.confused[:_NUM_PAIRS]:
        table.add_row(
            Text(printable(figures.labels[pair.true_index])),
            Text(printable(figures.labels[pair.predicted_index])),
            str(pair.num_videos),
            _percent(pair.num_videos / pair.num_of_class),
        )
    console.print("\nmost confused")
    print_table(console, table, drop=(3, 2))


def _print_rest(console: Console, figures: Figures, unmatched_path: Path | None) -> None:
    """Print which rows the metrics leave out."""
    console.print()
    if figures.num_left:
        console.print(f"not yet done: {counted(figures.num_left, 'video')}")
    for kind, count in figures.failures().items():
        console.print(Text(f"failed, {kind}: {count}", style="red"))
        own = [failed for failed in figures.failed if failed.kind == kind]
        _print_some(console, [failed.video for failed in own])
    for kind, count in figures.matched.kinds().items():
        console.print(Text(f"not evaluated, {KINDS[kind]}: {count}", style="red"))
        rows = [row for row in figures.matched.unmatched if row.kind == kind]
        _print_some(console, [f"row {row.place}: {row.message}" for row in rows])
    if unmatched_path is not None:
        text = f"all rows that were not evaluated: {printable(str(unmatched_path))}"
        console.print(Text(text), soft_wrap=True)


def _print_some(console: Console, lines: Sequence[str]) -> None:
    for line in lines[:_NUM_LISTED]:
        console.print(Text(f"  {printable(line)}"), soft_wrap=True)
    if len(lines) > _NUM_LISTED:
        console.print(f"  and {len(lines) - _NUM_LISTED} more")


def _table(titles: Iterable[str], numeric: Sequence[int]) -> Table:
    table = Table(box=None, pad_edge=False)
    for number, title in enumerate(titles):
        table.add_column(title, justify="right" if number in numeric else "left")
    return table


def _percent(value: float) -> str:
    return f"{100 * value:.1f}"


def _interval(share: Share) -> str:
    return f"{_percent(share.low)} – {_percent(share.high)}"
