"""`vswin report`: an HTML page of the records of `vswin label`."""

import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated

import typer

from vswin_cli.cli.options import OUTPUT, VIDEOS, QuietOption, StripsOption
from vswin_cli.errors import UsageError
from vswin_cli.runs.output import STANDARD_OUTPUT
from vswin_cli.system.terminal import printable

if TYPE_CHECKING:
    from vswin_cli.api.report import Report


def report(
    labels: Annotated[Path, typer.Argument(metavar="LABELS", help="Output of `vswin label`.")],
    output: Annotated[
        Path,
        typer.Option(
            "--output",
            "-o",
            metavar="PATH",
            help="Page to write: a .html file, or a folder for it. - is standard output.",
            rich_help_panel=OUTPUT,
        ),
    ] = Path("report.html"),
    videos: Annotated[
        list[Path] | None,
        typer.Option(
            "--videos",
            metavar="DIR",
            help="Show and play the videos in this folder. Repeatable. Default: the folder of "
            "LABELS.",
            rich_help_panel=VIDEOS,
        ),
    ] = None,
    strips: StripsOption = True,
    timeout: Annotated[
        float,
        typer.Option(
            "--timeout", min=0.001, metavar="SECONDS", help="Time limit for reading one video."
        ),
    ] = 60.0,
    quiet: QuietOption = False,
) -> None:
    """Write an HTML page of labels, failures and frames, with search, filters and sorting.

    The page needs no network. A very large run makes several pages. Only files in the folders that
    you name are shown, no matter what LABELS contains.

    Examples:
        vswin report labels.jsonl
        vswin report labels.csv -o page.html --videos videos --videos more
        vswin report labels.parquet -o - --no-strips > page.html
    """
    from vswin_cli.api.report import make_report
    from vswin_cli.cli.progress import track_shown

    is_stdout = output == STANDARD_OUTPUT
    place = Path("report.html") if is_stdout else None  # in the current folder
    with ExitStack() as stack:
        if is_stdout:
            folder = stack.enter_context(TemporaryDirectory(prefix="vswin-"))
            output = Path(folder, "report.html")
        made = make_report(
            labels,
            output,
            videos=videos or (),
            strips=strips,
            timeout=timeout,
            place=place,
            track=track_shown("reading frames", quiet=quiet),
        )
        if is_stdout and len(made.pages) > 1:
            raise UsageError(f"--output -: the report has {len(made.pages)} pages; give a file")
        if is_stdout:
            sys.stdout.buffer.write(output.read_bytes())  # UTF-8, as the page says
    if not quiet:
        say_what_is_missing(made, labels, videos or [], strips=strips)
    for page in [] if is_stdout else made.pages:
        print(printable(str(page)))


def say_what_is_missing(
    made: "Report", labels: Path, videos: Sequence[Path], *, strips: bool
) -> None:
    """Print on stderr which videos have no frames in the page, and why."""
    num_others = made.num_ok - made.num_outside - made.num_strips
    reasons = []
    if made.num_outside:
        allowed = ", ".join(map(str, videos or [labels.parent]))
        reasons.append(
            f"{made.num_outside:,} are not in {printable(allowed)}; --videos DIR shows those in "
            "another folder"
        )
    if strips and num_others:
        reasons.append(f"{num_others:,} moved, deleted or unreadable")
    if reasons:
        num_without = num_others * strips + made.num_outside
        reason = "; ".join(reasons)
        print(f"no frames for {num_without:,} of {made.num_ok:,} videos: {reason}", file=sys.stderr)
