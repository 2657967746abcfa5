"""Formats of timelines: a module each, found automatically.

To add one, write a module with a `FORMAT` and its writer, which gets one record at a time.
"""

from collections.abc import Mapping
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

from vswin_cli.errors import UsageError
from vswin_cli.formats.registry import Format, format_of
from vswin_cli.system.terminal import printable

_SCRIPT_MARKS = "\u200c\u200d\u200e\u200f"
_FIRST = ("table", "json", "jsonl", "csv", "srt", "vtt")  # in the order of --help


@cache
def timeline_formats() -> tuple[Format, ...]:
    """Return all formats."""
    names = {path.stem for path in Path(__file__).parent.glob("*.py")} - {"__init__"}
    ordered = [*(name for name in _FIRST if name in names), *sorted(names - set(_FIRST))]
    return tuple(import_module(f"{__name__}.{name}").FORMAT for name in ordered)


def timeline_format(name: str) -> Format:
    """Find the format that `--format` names.

    Raises:
        UsageError: It does not exist, or a library is missing.
    """
    for each in timeline_formats():
        if each.name == name:
            if each.extension is None:
                return each
            return format_of(Path(name + each.extension), (each,), "--format")
    names = ", ".join(each.name for each in timeline_formats())
    raise UsageError(f"--format {name} is not one of {names}")


def subtitle(segment: Mapping[str, Any]) -> str:
    """Return the text of a segment: one line, without characters that change text direction.

    Joiners and marks that scripts need are kept.
    """
    text = "".join(c if c in _SCRIPT_MARKS else printable(c) for c in segment["label"])
    return f"{text} {segment['probability']:.2f}"


def clock(seconds: float, point: str) -> str:
    """Format a time for subtitles: `01:02:03.456`.

    Args:
        seconds: Time from the start of the film.
        point: Separator before the milliseconds.
    """
    thousandths = round(seconds * 1000)
    minutes, rest = divmod(thousandths, 60_000)
    return f"{minutes // 60:02}:{minutes % 60:02}:{rest // 1000:02}{point}{rest % 1000:03}"
