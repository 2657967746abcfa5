"""`vswin report`: one self-contained page of what `vswin label` has recorded."""

import sys
from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from vswin_cli.errors import OutputError, UsageError
from vswin_cli.output.text import printable


def report(
    labels: Annotated[
        Path, typer.Argument(metavar="LABELS", help="The .jsonl output of `vswin label`.")
    ],
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FILE", help="The page to write.")
    ] = Path("report.html"),
    videos: Annotated[
        Path,
        typer.Option(
            "--videos", metavar="DIR", help="What the names are relative to, for the frames."
        ),
    ] = Path(),
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

    from vswin_cli.cli.label_setup import default_workers
    from vswin_cli.labelling.finding import Found
    from vswin_cli.labelling.journal import Journal
    from vswin_cli.report.page import build_page
    from vswin_cli.report.strips import strips as read_strips

    with closing(Journal(labels, resume=True, read_only=True)) as journal:
        found = [
            Found(name, str(videos / name))
            for name, entry in journal.entries.items()
            if strips and entry.is_ok and (videos / name).is_file()
        ]
        each = read_strips(found, num_workers=default_workers(), timeout_seconds=timeout)
        images = {name: strip for name, strip in each if strip is not None} if found else {}
        page = build_page(journal.records([]), images)
        num_ok = sum(entry.is_ok for entry in journal.entries.values())
    try:
        output.write_text(page, encoding="utf-8")
    except OSError as exc:
        raise OutputError(
            f"cannot write {output}: {exc.strerror}; choose another --output"
        ) from exc
    if strips and len(images) < num_ok:
        print(
            f"frames of {num_ok - len(images)} of {num_ok} videos are not in "
            f"{printable(str(videos))}; --videos DIR names the folder that was labelled",
            file=sys.stderr,
        )
    print(printable(str(output)))
