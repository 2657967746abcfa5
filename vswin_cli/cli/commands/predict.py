"""`vswin predict`: label videos, and print the most probable classes."""

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Annotated

import typer

from vswin_cli.api.options import EngineOptions, ViewOptions
from vswin_cli.cli.messages import print_error, print_warning, what_it_knows
from vswin_cli.cli.options import (
    OUTPUT,
    MinProbabilityOption,
    QuietOption,
    RecordFormatOption,
    TopKOption,
    VerboseOption,
)
from vswin_cli.errors import OutputError, UsageError, VswinError
from vswin_cli.formats.registry import TABLE, Format, format_of
from vswin_cli.formats.writer import RecordWriter, open_writer
from vswin_cli.results import Failure
from vswin_cli.runs.output import STANDARD_OUTPUT, refuse_output_of_run
from vswin_cli.sources.addresses import local_path
from vswin_cli.system.files import replacing


def predict(
    videos: Annotated[
        list[str], typer.Argument(metavar="VIDEO", help="Paths, addresses, or - (standard input).")
    ],
    engine: EngineOptions,
    views: ViewOptions,
    top_k: TopKOption = None,
    min_probability: MinProbabilityOption = 0.0,
    output_format: RecordFormatOption = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="File to write. Default, and -: standard output.",
            rich_help_panel=OUTPUT,
        ),
    ] = None,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Label videos with the classes of a model.

    By default, the views are those of the model's test protocol. The exit code is 0 if every video
    was labelled, 1 if any failed, 2 for wrong usage, 130 after Ctrl-C.

    Examples:
        vswin predict clip.mp4
        vswin predict *.mp4 --model swin-t-k400 --format jsonl > labels.jsonl
        vswin predict https://host/clip.mp4 --model swin-b-k400 --views fast
    """
    from vswin_cli.api.model import VideoModel
    from vswin_cli.cli.progress import ViewProgress, fetch_shown

    model = VideoModel(engine, views, head=True, fetch=fetch_shown(quiet=quiet))
    num_labels = model.top_k(top_k)
    output = None if output == STANDARD_OUTPUT else output
    _refuse_to_overwrite(output, [*videos, *([str(engine.weights)] if engine.weights else [])])
    form = _format(output_format, output)
    if form.is_folder:
        raise UsageError(f"--format {form.name} writes a folder; use `vswin label`")
    _ = model.weights_file  # a download shows its own progress
    note = "" if quiet else what_it_knows(model.model)
    with ViewProgress(quiet=quiet) as progress:
        progress.say(f"loading {engine.model}")
        classifier = model.classifier(num_labels, engine.threads, min_probability)
        num_ok = failed = 0
        with (
            _kept(output, lambda: num_ok > 0) as file,
            _writer(form, file, output, num_labels, note) as writer,
        ):
            for result in classifier.classify_each(progress.each(videos), progress.on_view):
                progress.clear()
                writer.write(result.to_dict())
                if isinstance(result, Failure):
                    failed += 1
                    print_error(result.message)
                    continue
                num_ok += 1
                for warning in () if quiet else result.warnings:
                    print_warning(f"{result.video}: {warning}")
    if failed:
        raise typer.Exit(1)


class _NothingToKeepError(Exception):
    """Keeps the existing output."""


@contextmanager
def _kept(output: Path | None, is_any_labelled: Callable[[], bool]) -> Iterator[Path | None]:
    """Lend a file that replaces the output at the end, if any video is labelled."""
    if output is None or (output.exists() and not output.is_file()):  # a pipe, a device
        yield output
        return
    real, stopped = Path(os.path.realpath(output)), None
    try:
        with suppress(_NothingToKeepError), ExitStack() as stack:
            temporary = stack.enter_context(replacing(real))
            try:
                yield temporary
            except BaseException as exc:  # results before a Ctrl-C are kept
                stopped = exc
            is_broken = isinstance(stopped, OSError | VswinError)
            if real.exists() and (is_broken or not is_any_labelled()):
                raise _NothingToKeepError
            if stopped and not is_any_labelled():
                raise _NothingToKeepError
    except OSError as exc:
        raise OutputError(
            f"cannot write {output}: {exc.strerror}; choose another --output"
        ) from exc
    if stopped is not None:
        raise stopped


def _format(chosen: Format | None, output: Path | None) -> Format:
    if chosen is not None or output is None or (output.exists() and not output.is_file()):
        return chosen or TABLE
    return format_of(output, option="--output")


@contextmanager
def _writer(
    chosen: Format, file: Path | None, output: Path | None, top_k: int, note: str
) -> Iterator[RecordWriter]:
    """Open the file for the results, or lend standard output."""
    stream = file or (sys.stdout if chosen.is_text else sys.stdout.buffer)
    with ExitStack() as stack:
        try:
            writer = stack.enter_context(open_writer(chosen, stream, top_k=top_k, note=note))
        except OSError as exc:
            if output is None:  # a closed pipe or a full disk
                raise
            raise OutputError(
                f"cannot write {output}: {exc.strerror}; choose another --output"
            ) from exc
        yield writer


def _refuse_to_overwrite(output: Path | None, inputs: Sequence[str]) -> None:
    if output is None:
        return
    try:
        output.exists()
    except OSError as exc:
        what = f"cannot write {output}: {exc.strerror}; choose another --output"
        raise OutputError(what) from exc
    refuse_output_of_run(output)
    for name in inputs:
        try:
            given = os.fstat(0) if name == "-" else os.stat(local_path(name) or "")  # noqa: PTH116
            same = os.path.samestat(given, output.stat())
        except (OSError, ValueError):  # one does not exist, or has no file descriptor
            continue
        if same:
            raise UsageError(f"--output {output} is also an input; choose another file")
