"""Nested values as lines of text, to paste anywhere."""

from collections.abc import Iterator, Mapping
from typing import Any

from vswin_cli.system.terminal import printable

_BRIEF = {"sha256_per_frame": 4}  # shown values of many


def report_lines(report: Mapping[str, Any]) -> Iterator[str]:
    """Yield a title per part of a report and a line per value; unknown values are left out."""
    for title, part in report.items():
        if part in (None, {}, []):
            continue
        yield ("" if title == next(iter(report)) else "\n") + _words(title)
        yield from list(_lines(part, "  ")) or ["  none"]


def _lines(value: Any, margin: str) -> Iterator[str]:  # noqa: ANN401 - JSON
    if isinstance(value, list):
        for each in value:
            yield f"{margin}{_text(each)}"
        return
    for key, each in value.items():
        if each in (None, {}, []):
            continue
        if isinstance(each, list) and sum(map(len, map(str, each))) > 60:
            yield f"{margin}{_words(key)}:"
            yield from _lines(each, margin + "  ")
        elif isinstance(each, dict) and len(_text(each)) > 60 - len(margin):
            yield f"{margin}{_words(key)}:"
            yield from _lines(dict(list(each.items())[: _BRIEF.get(key)]), margin + "  ")
        else:
            yield f"{margin}{_words(key)}: {_text(each)}"


def _text(value: Any) -> str:  # noqa: ANN401
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(map(_text, value))
    if isinstance(value, dict):
        known = {key: each for key, each in value.items() if each not in (None, {}, [])}
        return ", ".join(f"{_words(key)} {_text(each)}" for key, each in known.items())
    return printable(str(value))


def _words(key: str) -> str:
    words = key.replace("_", " ") if key.islower() else key  # names of variables stay unchanged
    return printable(words.removeprefix("num "))
