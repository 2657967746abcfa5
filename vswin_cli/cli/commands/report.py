"""`vswin report`: one self-contained page of what `vswin label` has recorded."""

import sys
from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from vswin_cli.errors import OutputError, UsageError
from vswin_cli.system.terminal import printable


def report(
    labels: Annotated[
        Path, typer.Argument(metavar="LABELS", help="The .jsonl output of `vswin label`.")
    ],
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FILE", help="The page to write.")
    ] = Path("report.html"),
    videos: Annotated[
        Path | None,
        typer.Option(
            "--videos",
            metavar="DIR",
            help="What the names are relative to, for the frames. Default: where they were.",
        ),
    ] = None,
    strips: Annotated[
        bool, typer.Option("--strips/--no-strips", help="Show frames of each video.")
    ] = True,
    timeout: Annotated[
        float, typer.Option("--timeout", min=0.001, metavar="SECONDS", help="To read one video.")
    ] = 60.0,
) -> None:
    """Make a page of labels, failures and frames, to search, filter and sort without a network."""
    if not labels.is_file():
        raise UsageError(f"no file {labels}: name the .jsonl output of `vswin label`")
    if output.exists() and output.samefile(labels):
        raise UsageError(f"--output {output} is the input too; choose another file")

    from rich.console import Console
    from rich.progress import Progress

    from vswin_cli.pages.report.page import build_page
    from vswin_cli.pages.report.strips import strip_frames
    from vswin_cli.pages.report.strips import strips as read_strips
    from vswin_cli.runs.journal import Journal
    from vswin_cli.runs.pool import default_workers
    from vswin_cli.runs.videos import Found

    with closing(Journal(labels, resume=True, read_only=True)) as journal:
        num_ok = sum(entry.is_ok for entry in journal.entries.values())
        found, frames = [], {}
        for record in journal.records([]) if strips else ():
            name: str = record["video"]
            path = str(record["path"] if videos is None else videos / name)
            if record["status"] == "ok" and Path(path).is_file():
                found.append(Found(name, path))
                frames[path] = strip_frames(record)
        images = {}
        if found:
            each = read_strips(
                found, frames, num_workers=default_workers(), timeout_seconds=timeout
            )
            console = Console(stderr=True)
            with Progress(
                console=console, transient=True, disable=not console.is_terminal
            ) as progress:
                images = dict(progress.track(each, len(found), description="reading frames"))
        page = build_page(journal.records([]), images)
    try:
        output.write_text(page, encoding="utf-8")
    except OSError as exc:
        raise OutputError(
            f"cannot write {output}: {exc.strerror}; choose another --output"
        ) from exc
    num_shown = sum(strip is not None for strip in images.values())
    if strips and num_shown < num_ok:
        print(
            f"no frames of {num_ok - num_shown} of {num_ok} videos: they are not "
            f"{'where they were' if videos is None else f'in {printable(str(videos))}'}, or cannot "
            "be read; --videos DIR names the folder that was labelled",
            file=sys.stderr,
        )
    print(printable(str(output)))
