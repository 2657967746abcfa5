"""`vswin predict`: label videos, print their best labels."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Annotated, TextIO

import typer

from vswin_cli.api.options import EngineOptions, ViewOptions
from vswin_cli.cli.options import OUTPUT, TopKOption, VerboseOption
from vswin_cli.errors import OutputError, UsageError
from vswin_cli.formats.text import printable
from vswin_cli.formats.writers import Format, open_writer
from vswin_cli.results import Failure
from vswin_cli.zoo.models import AnyModel, BundledModel


def predict(
    videos: Annotated[list[str], typer.Argument(metavar="VIDEO...", help="Video files.")],
    engine: EngineOptions,
    views: ViewOptions,
    top_k: TopKOption = None,
    output_format: Annotated[
        Format | None,
        typer.Option(
            "--format",
            help="Form of the results. Default: by --output's extension, else table.",
            rich_help_panel=OUTPUT,
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="Default: standard output.",
            rich_help_panel=OUTPUT,
        ),
    ] = None,
    verbose: VerboseOption = False,
) -> None:
    """Label videos with the classes of a model.

    What you leave out of protocol, clips and crops comes from the model's test protocol.
    The exit code is 0 if every video was labelled, 1 if one was not, 2 for wrong usage.
    """
    from vswin_cli.api.model import VideoModel
    from vswin_cli.cli.progress import ViewProgress, fetch_shown

    model = VideoModel(engine, views, top=True, fetch=fetch_shown)
    num_labels = model.top_k(top_k)
    _refuse_to_overwrite(output, [*videos, *([str(engine.weights)] if engine.weights else [])])
    _ = model.weights_file  # a download shows its own progress
    with ViewProgress() as progress:
        progress.say(f"loading {engine.model}")
        classifier = model.classifier(num_labels, threads=engine.threads)
        form = output_format or _form_of(output)
        failed = 0
        with (
            _open_output(output) as stream,
            closing(open_writer(form, stream, _note(model.model))) as writer,
        ):
            for result in classifier.classify_each(progress.each(videos), progress.on_view):
                progress.clear()
                writer.write(result)
                if isinstance(result, Failure):
                    failed += 1
                    print(f"error: {printable(result.message)}", file=sys.stderr)
                else:
                    for warning in result.warnings:
                        print(f"warning: {printable(warning)}", file=sys.stderr)
    if failed:
        raise typer.Exit(1)


def _form_of(output: Path | None) -> Format:
    extension = output.suffix.lower().removeprefix(".") if output else ""
    return next((form for form in Format if form == extension), Format.TABLE)


def _note(model: AnyModel) -> str:
    """Tell whoever did not choose a model which one answered."""
    if not isinstance(model, BundledModel):
        return ""
    return (
        f"{model.name} is the bundled model, which {model.about.partition(',')[0]}; "
        "for actions: --model swin-b-k400"
    )


@contextmanager
def _open_output(path: Path | None) -> Iterator[TextIO]:
    """Open the file for the results, or lend standard output; any file name can be written."""
    if path is None:
        yield sys.stdout
        return
    try:
        stream = path.open("w", encoding="utf-8", errors="surrogateescape", newline="")
    except OSError as exc:
        raise OutputError(f"cannot write {path}: {exc.strerror}; choose another --output") from exc
    with stream:
        yield stream


def _refuse_to_overwrite(output: Path | None, inputs: Sequence[str]) -> None:
    if output is None:
        return
    for path in inputs:
        try:
            same = Path(path).samefile(output)
        except (OSError, ValueError):  # one of them is not there, or cannot be
            continue
        if same:
            raise UsageError(f"--output {output} is an input too; choose another file")
