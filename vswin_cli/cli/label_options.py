"""The options that `vswin label` has alone."""

from pathlib import Path
from typing import Annotated

import typer

PathsArgument = Annotated[
    list[str],
    typer.Argument(
        metavar="PATH...",
        help="Folders, files, @LIST (a file with a path a line), or - (such a list on stdin).",
    ),
]
LabelOutputOption = Annotated[
    Path,
    typer.Option(
        "--output",
        "-o",
        metavar="FILE",
        help="Its extension is its format: .jsonl, .csv, or .parquet (extra `parquet`).",
    ),
]
RecursiveOption = Annotated[
    bool, typer.Option("--recursive/--no-recursive", help="Go into the folders' folders.")
]
IncludeOption = Annotated[
    list[str] | None,
    typer.Option(
        "--include",
        metavar="GLOB",
        help="Take from folders only what matches, by name or path in the folder; * matches / "
        "too. Repeatable.",
    ),
]
ExcludeOption = Annotated[
    list[str] | None,
    typer.Option("--exclude", metavar="GLOB", help="Leave out what matches. Repeatable."),
]
ResumeOption = Annotated[
    bool,
    typer.Option(
        "--resume/--no-resume",
        help="Keep the records of files and settings that have not changed; or start anew.",
    ),
]
RetryFailedOption = Annotated[
    bool, typer.Option("--retry-failed", help="Try again what failed in an earlier run.")
]
WorkersOption = Annotated[
    int | None,
    typer.Option(
        "--workers",
        min=1,
        metavar="N",
        help="Processes that decode. Default: half the processors, from 2 to 8.",
    ),
]
TimeoutOption = Annotated[
    float,
    typer.Option(
        "--timeout", min=0.001, metavar="SECONDS", help="To decode one video; then it has failed."
    ),
]
MaxFailuresOption = Annotated[
    int | None,
    typer.Option(
        "--max-failures",
        min=1,
        metavar="N",
        help="Stop after so many failures, and what is then in flight.",
    ),
]
DryRunOption = Annotated[
    bool,
    typer.Option("--dry-run", help="List what would be done, and how long each choice would take."),
]
QuietOption = Annotated[
    bool, typer.Option("--quiet", "-q", help="No progress and no summary; errors of the run only.")
]
