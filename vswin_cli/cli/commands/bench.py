"""`vswin bench`: measure the speed of a model, compared with the best possible on this machine."""

import json
from typing import Annotated, Any

import typer

from vswin_cli.api.options import EngineOptions, ViewOptions
from vswin_cli.cli.options import VIDEOS, QuietOption, ReaderOption, TableOrJsonOption, option
from vswin_cli.system.terminal import counted, printable


def bench(
    engine: EngineOptions,
    video: Annotated[
        str | None,
        option(VIDEOS, "--video", metavar="FILE", help="Also time reading this video."),
    ] = None,
    rounds: Annotated[
        int, typer.Option("--rounds", min=1, max=1000, metavar="N", help="Number of measurements.")
    ] = 9,
    reader: ReaderOption = "auto",
    output_format: TableOrJsonOption = "table",
    quiet: QuietOption = False,
) -> None:
    """Measure the speed of a model on this machine.

    Measurements of views alternate with large matrix products, which a processor computes fastest.
    The ratio is the time for a view divided by the time for the same number of operations in
    matrix products.

    Examples:
        vswin bench --model swin-t-k400
        vswin bench --model swin-t-k400 --precision bfloat16 --video clip.mp4
        vswin bench --format json > bench.json
    """
    from vswin_cli.api.measuring import measure
    from vswin_cli.api.model import VideoModel
    from vswin_cli.cli.progress import fetch_shown, share_shown

    model = VideoModel(engine, ViewOptions(reader=reader), fetch=fetch_shown(quiet=quiet))
    _ = model.weights_file  # a download shows its own progress
    with share_shown("measuring", quiet=quiet) as on_share:
        record = measure(model, video, rounds, on_share)
    if output_format == "json":
        print(json.dumps(record, indent=2))
    else:
        _print_table(record)


def _print_table(record: dict[str, Any]) -> None:
    from rich.table import Table
    from rich.text import Text

    from vswin_cli.formats.tables import print_table, result_console

    table = Table(box=None, show_header=False, pad_edge=False)
    threads = counted(record["threads"], "thread")
    size = "×".join(map(str, record["view_size"]))
    view = record["milliseconds_per_view"]
    rows = [
        ("model", f"{record['model']}, views of {size}"),
        ("computed by", f"{record['backend']} {record['precision']}, {threads}"),
        (
            "one view",
            f"{view['median']:.1f} ms, the median of {record['rounds']} "
            f"({view['fastest']:.1f} to {view['slowest']:.1f})",
        ),
        ("views per second", f"{record['views_per_second']:.2f}"),
    ]
    if record["ratio_to_matrix_products"] is not None:
        rows += [
            ("arithmetic", f"{record['gflop_per_view']:.1f} GFLOP per view"),
            ("matrix products", f"{record['matrix_gflop_per_second']:.0f} GFLOP per second"),
            ("ratio", f"{record['ratio_to_matrix_products']:.2f} × the time of matrix products"),
        ]
    rows.append(("start", f"{record['start_seconds']:.2f} s until the model is ready"))
    if video := record["video"]:
        rows.append(
            (
                "reading",
                f"{video['reading_seconds']:.2f} s for {video['num_frames']} frames, "
                f"{video['frames_per_second']:.0f} frames per second",
            )
        )
    for name, value in rows:
        table.add_row(name, Text(printable(value)))
    print_table(result_console(), table)
