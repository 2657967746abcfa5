"""`vswin doctor`: collect what a bug report needs."""

import json
import os
from typing import Annotated

import typer

from vswin_cli.cli.options import (
    CacheDirOption,
    QuietOption,
    ReaderOption,
    TableOrJsonOption,
    TimeoutOption,
    option,
)
from vswin_cli.errors import UsageError


def doctor(
    video: Annotated[
        str | None, typer.Argument(metavar="FILE", help="Video to describe: a path or an address.")
    ] = None,
    output_format: TableOrJsonOption = "table",
    paths: Annotated[
        bool, option("Output", "--paths", help="Include the names of files, folders and addresses.")
    ] = False,
    reader: ReaderOption = "auto",
    timeout: TimeoutOption = 300.0,
    cache_dir: CacheDirOption = None,
    quiet: QuietOption = False,
) -> None:
    """Report what works on this machine and describe a video file, for bug reports.

    The report lists versions, processors, the cache, and every installed backend and reader, each
    tried in a separate process. For FILE, it lists the container and stream, which reader was used
    and why, and hashes of the sampled frames. It leaves out the names of your files and folders, so
    that you can paste it into an issue. The exit code is 1 if something does not work or FILE
    cannot be read.

    Examples:
        vswin doctor
        vswin doctor clip.mp4
        vswin doctor clip.mp4 --format json > report.json
    """
    from vswin_cli.api.diagnosis import diagnose
    from vswin_cli.cli.progress import ViewProgress
    from vswin_cli.cli.report_text import report_lines
    from vswin_cli.formats.tables import result_console
    from vswin_cli.sources.addresses import local_path

    path = None if video in (None, "-") else local_path(video)
    if path is not None and not os.path.lexists(path):
        raise UsageError(f"no file {video}; check the path")
    with ViewProgress(quiet=quiet) as progress:
        report = diagnose(
            video, reader=reader, timeout=timeout, cache_dir=cache_dir, paths=paths,
            on_step=progress.say,
        )  # fmt: skip
    if output_format == "json":
        print(json.dumps(report, indent=2))
    else:
        console = result_console()
        for line in report_lines(report):
            console.print(line, soft_wrap=True)
    if report["problems"]:
        raise typer.Exit(1)
