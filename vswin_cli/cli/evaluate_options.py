"""The options that `vswin evaluate` has alone."""

from pathlib import Path
from typing import Annotated, Literal

import typer

FormName = Literal["auto", "list", "csv", "kinetics", "something-something", "folder"]

AnnotationsArgument = Annotated[
    Path,
    typer.Argument(
        metavar="ANNOTATIONS",
        help="A list (a path and an index a line), a CSV, Kinetics' CSV, Something-Something's "
        "JSON, or a folder with a folder a class.",
    ),
]
VideosOption = Annotated[
    Path | None,
    typer.Option(
        "--videos", metavar="ROOT", help="Folder of the videos. Default: that of ANNOTATIONS."
    ),
]
ResultsOption = Annotated[
    Path,
    typer.Option(
        "--output", "-o", metavar="FILE", help="Records that a run continues from, .jsonl."
    ),
]
ReportOption = Annotated[
    Path | None,
    typer.Option(
        "--report", metavar="DIR", help="Folder for metrics.json, tables as CSV, and index.html."
    ),
]
FormOption = Annotated[FormName, typer.Option("--format", help="What ANNOTATIONS are.")]
PathColumnOption = Annotated[
    str | None,
    typer.Option("--path-column", metavar="NAME", help="Of a CSV. Default: one of usual names."),
]
LabelColumnOption = Annotated[
    str | None,
    typer.Option("--label-column", metavar="NAME", help="Of a CSV: class names, or indices."),
]
ProtocolsOption = Annotated[
    str | None,
    typer.Option(
        "--protocol",
        metavar="NAMES",
        help="official, uniform or mmaction2; several, with commas, are compared in one pass. "
        "Default: the model's own.",
    ),
]
CheckOption = Annotated[
    bool, typer.Option("--dry-run", help="List what would be evaluated and what does not match.")
]
