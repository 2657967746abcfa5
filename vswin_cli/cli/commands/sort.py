"""`vswin sort`: sort labelled videos into folders."""

import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from vswin_cli.cli.options import OUTPUT, VIDEOS, MinProbabilityOption, QuietOption
from vswin_cli.system.terminal import printable


def sort(
    labels: Annotated[Path, typer.Argument(metavar="LABELS", help="Output of `vswin label`.")],
    into: Annotated[
        str,
        typer.Option(
            "--into",
            metavar="DIR",
            help="Folder in which to create a folder per label.",
            rich_help_panel=OUTPUT,
        ),
    ],
    by: Annotated[
        Literal["label", "probability"],
        typer.Option("--by", help="Sort by the best label, or by its probability in tenths."),
    ] = "label",
    deed: Annotated[
        Literal["link", "copy", "move"] | None,
        typer.Option("--do", help="What to do with the videos. Default: only list them."),
    ] = None,
    videos: Annotated[
        list[Path] | None,
        typer.Option(
            "--videos",
            metavar="DIR",
            help="Sort the videos in this folder. Repeatable. Default: the folder of LABELS.",
            rich_help_panel=VIDEOS,
        ),
    ] = None,
    min_probability: MinProbabilityOption = 0.0,
    quiet: QuietOption = False,
) -> None:
    """Sort labelled videos into a folder per label: link, copy or move them.

    Without --do, the command only lists the targets. Existing files are never replaced. Videos that
    failed, have no label, are missing or have changed are left out and counted. Only files in the
    folders that you name are touched, no matter what LABELS contains.

    Examples:
        vswin sort labels.jsonl --into sorted
        vswin sort labels.jsonl --into sorted --videos videos --do link
        vswin sort labels.csv --into sure --do copy --min-probability 0.9
    """
    from vswin_cli.api.sorting import carry_out, plan_sorting

    sorting = plan_sorting(
        labels, Path(into), by=by, min_probability=min_probability, videos=videos or ()
    )
    num_failed = 0
    if deed is None:
        for each in sorting.placed:
            print(printable(f"{each.source} → {each.target}"))
    else:
        for each, failure in carry_out(sorting, deed):
            if failure is None:
                print(printable(str(each.target)))
                continue
            num_failed += 1
            print(f"error: {printable(f'{each.source}: {failure}')}", file=sys.stderr)
    if not quiet:
        for reason, count in sorting.skipped.items():
            print(f"left out: {count:,} {reason}", file=sys.stderr)
        num_videos, num_folders = len(sorting.placed) - num_failed, len(sorting.folders)
        sorted_ = "1 video" if num_videos == 1 else f"{num_videos:,} videos"
        folders = "1 folder" if num_folders == 1 else f"{num_folders:,} folders"
        done = "" if deed else "; nothing has been done yet; choose --do link, copy or move"
        print(f"{sorted_} in {folders} of {printable(into)}{done}", file=sys.stderr)
    if num_failed:
        raise typer.Exit(1)
