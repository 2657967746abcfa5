"""`vswin export`: write a model as a file for another runtime."""

import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from vswin_cli.api.options import EngineOptions
from vswin_cli.cli.messages import print_path
from vswin_cli.cli.options import (
    MODEL,
    OUTPUT,
    CacheDirOption,
    MirrorOption,
    OfflineOption,
    QuietOption,
    WeightsOption,
    complete_model,
)
from vswin_cli.errors import UsageError
from vswin_cli.export.formats import FORMAT_NAMES
from vswin_cli.system.terminal import printable


def export(
    model: Annotated[
        str,
        typer.Argument(
            metavar="MODEL",
            help="Model name (see `vswin models`), a model file, or a folder from `vswin train`.",
            autocompletion=complete_model,
        ),
    ],
    output_format: Annotated[
        str,
        typer.Option(
            "--format",
            metavar="NAME",
            help=f"Output format. One of {', '.join(FORMAT_NAMES)}.",
            rich_help_panel=OUTPUT,
        ),
    ],
    output: Annotated[
        Path,
        typer.Option(
            "--output",
            "-o",
            metavar="PATH",
            help="File to write, or folder for a SavedModel.",
            rich_help_panel=OUTPUT,
        ),
    ],
    precision: Annotated[
        Literal["float32", "float16"],
        typer.Option(
            help="Data type of the weights; float16 halves the file size.", rich_help_panel=MODEL
        ),
    ] = "float32",
    batch: Annotated[
        str,
        typer.Option(
            metavar="N", help="Views per batch: a number, or dynamic.", rich_help_panel=MODEL
        ),
    ] = "dynamic",
    views: Annotated[
        Literal["uint8", "float"],
        typer.Option(
            "--input",
            help="uint8: RGB in 0 … 255, normalised inside. float: normalised views.",
            rich_help_panel=MODEL,
        ),
    ] = "uint8",
    force: Annotated[bool, typer.Option("--force", help="Replace existing files.")] = False,
    weights: WeightsOption = None,
    cache_dir: CacheDirOption = None,
    mirror: MirrorOption = None,
    offline: OfflineOption = False,
    quiet: QuietOption = False,
) -> None:
    """Export a model to ONNX, OpenVINO, TensorFlow, LiteRT or PyTorch and print its path.

    The exported model is checked on random views in the target runtime, and kept only if it agrees.
    It contains labels, protocol and normalisation; a README.md next to it shows how to run it.

    Examples:
        vswin export swin-t-k400 --format onnx --output swin-t-k400.onnx
        vswin export ./mine.toml --format litert --output mine.tflite
    """
    if str(output) == "-":
        raise UsageError("--output -: models are not exported to standard output; give a file")
    from vswin_cli.api.exporting import ExportOptions, export_to
    from vswin_cli.cli.interrupts import leaving_at_once
    from vswin_cli.cli.progress import fetch_shown
    from vswin_cli.system.lent_folder import remove_lent

    if batch != "dynamic" and not (batch.isascii() and batch.isdecimal() and 0 < int(batch) < 1025):
        raise UsageError(f"--batch {batch} is neither dynamic nor a number from 1 to 1024")
    engine = EngineOptions(model, weights, cache_dir=cache_dir, mirror=mirror, offline=offline)
    options = ExportOptions(
        output_format, precision, None if batch == "dynamic" else int(batch), views
    )
    exported = export_to(
        output,
        engine,
        options,
        overwrite=force,
        fetch=fetch_shown(quiet=quiet),
        computing=lambda: leaving_at_once(remove_lent),
    )
    if not quiet:
        print(
            f"checked in {exported.runtime}: largest difference {exported.difference:.1e}, limit "
            f"{exported.bound:.0e}\n"
            f"{exported.num_bytes / 1e6:.1f} MB; how to run it: "
            f"{printable(str(exported.readme))}",
            file=sys.stderr,
        )
    print_path(exported.path)
