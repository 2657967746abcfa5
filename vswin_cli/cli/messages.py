"""Lines on stderr: the same form for all errors and warnings, in colour on a terminal."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from vswin_cli.system.terminal import printable
from vswin_cli.zoo.models import SWIN_N_MOTION, AnyModel, BundledModel

if TYPE_CHECKING:
    from rich.progress import Progress

_RED, _YELLOW, _PLAIN = "\x1b[31m", "\x1b[33m", "\x1b[0m"


def print_error(message: str) -> None:
    """Print an error."""
    _print("error", _RED, message)


def print_warning(message: str) -> None:
    """Print a warning."""
    _print("warning", _YELLOW, message)


def print_above(progress: "Progress", text: str) -> None:
    """Print a line on stderr that stays on the screen."""
    if progress.disable:  # and its console, too
        print(printable(text), file=sys.stderr, flush=True)
    else:
        progress.console.print(printable(text), markup=False, highlight=False, soft_wrap=True)


def print_path(path: Path) -> None:
    """Print the path of a result: unchanged for programs, on one line for people."""
    print(printable(str(path)) if sys.stdout.isatty() else path)


def _print(kind: str, colour: str, message: str) -> None:
    title = f"{kind}:"
    if sys.stderr.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb":
        title = f"{colour}{title}{_PLAIN}"
    print(f"{title} {printable(message)}", file=sys.stderr, flush=True)


def left_out(skipped: Mapping[str, int]) -> str:
    """Describe what a run leaves out, other than the user's videos, by pattern."""
    return "left out: " + ", ".join(f"{count} {pattern}" for pattern, count in skipped.items())


def what_it_knows(model: AnyModel) -> str:
    """Return a hint for users who did not choose a model, if the bundled one answered."""
    if not isinstance(model, BundledModel):
        return ""
    return (
        f"{model.name} is the bundled model, which {model.about.partition(',')[0]}; "
        "for actions: --model swin-b-k400"
    )


def what_features_mean(model: str) -> str:
    """Return a warning about features of the bundled model."""
    if model != SWIN_N_MOTION.name:
        return ""
    return (
        f"features of {model}, the bundled model, describe camera motion and not content, so "
        "different subjects look similar; embed with --model swin-t-k400 or another model"
    )
