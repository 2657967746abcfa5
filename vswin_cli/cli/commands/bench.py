"""`vswin bench`: how fast a model is on this machine, beside what the machine can do at best."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn
from rich.table import Table
from rich.text import Text

from vswin_cli.cli.options import (
    BackendOption,
    CacheDirOption,
    MirrorOption,
    ModelOption,
    OfflineOption,
    PrecisionOption,
    ReaderOption,
    ThreadsOption,
)
from vswin_cli.formats.tables import print_table, result_console
from vswin_cli.formats.text import printable
from vswin_cli.zoo.catalog import find_model
from vswin_cli.zoo.models import DEFAULT_MODEL

Record = dict[str, Any]


def bench(
    model: ModelOption = DEFAULT_MODEL.name,
    weights: Annotated[
        Path | None,
        typer.Option("--weights", metavar="FILE", help="Default: the model's file in the cache."),
    ] = None,
    video: Annotated[
        Path | None,
        typer.Option("--video", metavar="FILE", help="Time the reading of this video too."),
    ] = None,
    rounds: Annotated[
        int, typer.Option("--rounds", min=1, max=1000, metavar="N", help="Times to measure.")
    ] = 9,
    backend: BackendOption = "auto",
    precision: PrecisionOption = "float32",
    reader: ReaderOption = "auto",
    threads: ThreadsOption = None,
    cache_dir: CacheDirOption = None,
    mirror: MirrorOption = None,
    offline: OfflineOption = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Measure a model on this machine: a view, the start, the reading of a video.

    Views take turns with products of large matrices, the fastest that a processor computes. The
    ratio says how many times longer a view takes than as many operations in such products.
    """
    chosen = find_model(model, cache_dir)

    from vswin_cli.benchmark.measuring import time_reading, time_views
    from vswin_cli.benchmark.start import start_seconds
    from vswin_cli.cli.engine_setup import set_up_engine
    from vswin_cli.system.processors import available_processors

    num_threads = threads or available_processors()
    setup = set_up_engine(
        chosen, weights, backend=backend, precision=precision, threads=num_threads,
        cache_dir=cache_dir, mirror=mirror, offline=offline, features=True,
    )  # fmt: skip
    with _progress(rounds + 4) as advance:
        reading = None
        if video is not None:  # first, since it can fail
            reading = time_reading(video, chosen, reader, num_threads, advance)
        engine = setup.load(chosen.protocol.view_size)
        views = time_views(chosen, engine, num_threads, rounds, advance)
        start = start_seconds(
            chosen, setup.weights_file, engine,
            num_threads=num_threads, graph_folder=setup.graph_folder, with_top=setup.with_top,
        )  # fmt: skip
    record: Record = {
        "model": chosen.name,
        "backend": engine.backend,
        "precision": engine.precision,
        "threads": num_threads,
        "view_size": list(chosen.protocol.view_size),
        "rounds": rounds,
        "milliseconds_a_view": {
            "median": views.view.median * 1000,
            "fastest": views.view.fastest * 1000,
            "slowest": views.view.slowest * 1000,
        },
        "views_a_second": 1 / views.view.median,
        "gflop_a_view": views.gflop,
        "matrix_gflop_a_second": views.matrix_gflops,
        "ratio_to_matrix_products": views.ratio,
        "start_seconds": start,
        "video": reading
        and {
            "video": str(video),
            "num_frames": reading.num_frames,
            "reading_seconds": reading.seconds.median,
            "frames_a_second": reading.frames_a_second,
        },
    }
    if as_json:
        print(json.dumps(record, indent=2))
    else:
        _print_table(record)


@contextmanager
def _progress(total: int) -> Iterator[Callable[[], None]]:
    """Show a bar on a terminal; yields what advances it."""
    console = Console(stderr=True)
    columns = (TextColumn("measuring"), BarColumn())
    with Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal
    ) as bar:
        task = bar.add_task("", total=total)
        yield lambda: bar.advance(task)


def _print_table(record: Record) -> None:
    table = Table(box=None, show_header=False, pad_edge=False)
    threads = "1 thread" if record["threads"] == 1 else f"{record['threads']} threads"
    size = "×".join(map(str, record["view_size"]))
    view = record["milliseconds_a_view"]
    rows = [
        ("model", f"{record['model']}, views of {size}"),
        ("computed by", f"{record['backend']} {record['precision']}, {threads}"),
        (
            "a view",
            f"{view['median']:.1f} ms, the median of {record['rounds']} "
            f"({view['fastest']:.1f} to {view['slowest']:.1f})",
        ),
        ("views a second", f"{record['views_a_second']:.2f}"),
    ]
    if record["ratio_to_matrix_products"] is not None:
        rows += [
            ("arithmetic", f"{record['gflop_a_view']:.1f} GFLOP a view"),
            ("matrix products", f"{record['matrix_gflop_a_second']:.0f} GFLOP a second"),
            ("ratio", f"{record['ratio_to_matrix_products']:.2f} × the time of matrix products"),
        ]
    rows.append(("start", f"{record['start_seconds']:.2f} s until the model is ready"))
    if video := record["video"]:
        rows.append(
            (
                "reading",
                f"{video['reading_seconds']:.2f} s for {video['num_frames']} frames, "
                f"{video['frames_a_second']:.0f} frames a second",
            )
        )
    for name, value in rows:
        table.add_row(name, Text(printable(value)))
    print_table(result_console(), table)
