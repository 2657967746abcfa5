"""The `vswin` command: its subcommands, and the output of every error."""

import errno
import itertools
import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from vswin_cli import __version__
from vswin_cli.cli.help import LazyGroup
from vswin_cli.cli.interrupts import INTERRUPTED, say
from vswin_cli.cli.messages import print_error
from vswin_cli.errors import OutputError, UsageError, VswinError
from vswin_cli.system.platform import is_broken_pipe
from vswin_cli.system.terminal import printable

# Commands and their descriptions, by title in `vswin --help`, which imports none of the
# modules.
COMMANDS = {
    "Label and describe videos": {
        "predict": "Label videos and print the most probable classes.",
        "label": "Label all videos in folders, into one file or many.",
        "timeline": "Find out what happens in films of any length, and when.",
        "embed": "Compute the features of all videos in folders.",
    },
    "Look at results": {
        "report": "Write an HTML page of results.",
        "search": "Find the videos that are most similar to a video.",
        "duplicates": "Find groups of near-duplicate videos.",
        "sort": "Sort labelled videos into folders by label.",
    },
    "Train and evaluate": {
        "train": "Train a model on videos with labels.",
        "evaluate": "Measure the accuracy of a model on labelled videos.",
        "bench": "Measure the speed of a model on this machine.",
    },
    "Manage models": {
        "models": "List the models and their published accuracy.",
        "labels": "List the classes of a model.",
        "convert": "Convert a Video Swin checkpoint from another program.",
        "export": "Export a model to ONNX, OpenVINO, TensorFlow and others.",
        "download-weights": "Download and verify the weights of models.",
        "weights": "List, verify, locate and remove downloaded weights.",
        "cache": "Show or clear the exported models kept for speed.",
    },
    "Set up": {
        "config": "Show option defaults and where they are set.",
        "doctor": "Report what works on this machine, for bug reports.",
    },
}

_WRITE_ERRORS = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO}  # no space, a broken disk


class _Commands(LazyGroup):
    titles = COMMANDS


app = typer.Typer(
    name="vswin",
    cls=_Commands,
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


class _PrintableLines(logging.Formatter):
    """Log messages may contain file names."""

    def format(self, record: logging.LogRecord) -> str:
        return printable(super().format(record))


def _print_version(asked: bool) -> None:
    if asked:
        typer.echo(f"vswin {__version__}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def vswin(
    context: typer.Context,
    version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    """Label videos with Video Swin Transformers."""
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


def run(arguments: Sequence[str]) -> int:
    """Run one command line.

    Returns:
        The exit code: 0 all good, 1 something failed, 2 wrong usage, 130 interrupted.
    """
    log = logging.StreamHandler()
    log.setFormatter(_PrintableLines("%(message)s"))
    logging.basicConfig(handlers=[log], level=logging.WARNING)
    try:
        _refuse_empty(arguments)
        code: int | None = app(arguments, prog_name="vswin", standalone_mode=False)
        sys.stdout.flush()
    except (typer.TyperException, VswinError) as error:
        message = error.format_message() if isinstance(error, typer.TyperException) else str(error)
        _print_error(message.replace("Value error, ", "") + _hint_of_dashes(arguments))
        return error.exit_code
    except typer.Abort:
        code = INTERRUPTED
    except OSError as error:
        if is_broken_pipe(error):  # the reader of our output has gone, so it is not needed
            _give_up_stdout()
            return 1
        if error.errno in (errno.EMFILE, errno.ENFILE):
            _print_error("too many open files; raise the limit (`ulimit -n`)")
            return OutputError.exit_code
        if error.errno == errno.ENOENT and "temporary directory" in str(error):  # by `tempfile`
            _print_error("no folder for temporary files is writable; set TMPDIR to one that is")
            return OutputError.exit_code
        if error.errno not in _WRITE_ERRORS:
            raise
        _give_up_stdout()
        _print_error(f"cannot write the results: {error.strerror}; choose another place")
        return OutputError.exit_code
    if code == INTERRUPTED:  # Typer's result of Ctrl-C
        say("interrupted")
    return code or 0


def _refuse_empty(arguments: Sequence[str]) -> None:
    """Refuse empty arguments; as a path, one would be the current folder.

    Raises:
        UsageError: An argument or the value of an option is empty.
    """
    for before, argument in itertools.pairwise(("vswin", *arguments)):
        name, equals, value = argument.partition("=")
        if not argument or (name.startswith("--") and equals and not value):
            place = name or before
            raise UsageError(f"nothing is given after {place}; write a value, or remove it")


def _hint_of_dashes(arguments: Sequence[str]) -> str:
    """Return advice for a file name that was taken for an option."""
    options = itertools.takewhile(lambda argument: argument != "--", arguments)
    names = [name for name in options if name.startswith("-") and Path(name).is_file()]
    return f"; for the file, write -- before its name: -- {names[0]}" if names else ""


def _print_error(message: str) -> None:
    print_error(printable(message))


def _give_up_stdout() -> None:
    """Keep Python from trying to flush unwritable output again when it ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
