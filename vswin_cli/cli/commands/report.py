"""`vswin report`: one self-contained page of what `vswin label` has recorded."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from vswin_cli.system.terminal import printable


def report(
    labels: Annotated[
        Path, typer.Argument(metavar="LABELS", help="The .jsonl output of `vswin label`.")
    ],
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FILE", help="The page to write.")
    ] = Path("report.html"),
    videos: Annotated[
        list[Path] | None,
        typer.Option(
            "--videos",
            metavar="DIR",
            help="Show frames of videos in this folder, and play them; repeatable. "
            "Default: the folder of LABELS.",
        ),
    ] = None,
    strips: Annotated[
        bool, typer.Option("--strips/--no-strips", help="Show frames of each video.")
    ] = True,
    timeout: Annotated[
        float, typer.Option("--timeout", min=0.001, metavar="SECONDS", help="To read one video.")
    ] = 60.0,
) -> None:
    """Make a page of labels, failures and frames, to search, filter and sort without a network.

    Of more videos than a browser opens at once it makes several pages. Whatever LABELS says, only
    files in the folders that you name are shown.
    """
    from vswin_cli.api.report import make_report
    from vswin_cli.cli.progress import track_shown

    made = make_report(
        labels,
        output,
        videos=videos or (),
        strips=strips,
        timeout=timeout,
        track=track_shown("reading frames"),
    )
    num_others = made.num_ok - made.num_outside - made.num_strips
    reasons = []
    if made.num_outside:
        allowed = ", ".join(map(str, videos or [labels.parent]))
        reasons.append(
            f"{made.num_outside:,} are not in {printable(allowed)}; --videos DIR shows those of "
            "another folder"
        )
    if strips and num_others:
        reasons.append(f"{num_others:,} are not where they were, or cannot be read")
    if reasons:
        num_without = num_others * strips + made.num_outside
        reason = "; ".join(reasons)
        print(f"no frames of {num_without:,} of {made.num_ok:,} videos: {reason}", file=sys.stderr)
    for page in made.pages:
        print(printable(str(page)))
