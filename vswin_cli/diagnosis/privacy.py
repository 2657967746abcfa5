"""Removal of the names of a user's files from reports."""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

# At least two steps of a path: `video/mp4` and `4/3` are not paths.
_PATH = re.compile(r"(?<![\w.:/\\])(?:~|[A-Za-z]:|\\\\)?(?:[\\/][^\s'\":;,\\/()\[\]]+){2,}[\\/]?")
_LIBRARY = re.compile(r"[\w.+-]+\.(so|dll|dylib|pyd|py)(\.[\d.]+)?$")  # whose name helps
_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]*://[^\s'\",;]*[^\s'\",;:]", re.IGNORECASE)


def without_paths(report: Any, known: Mapping[str, str], keep: Iterable[str] = ()) -> Any:  # noqa: ANN401
    """Remove paths and addresses from all text of a report, except keys.

    Args:
        report: A JSON value.
        known: Replacements of known texts, such as the name of the video.
        keep: Paths that reveal nothing about the user.
    """
    if isinstance(report, dict):
        return {key: without_paths(value, known, keep) for key, value in report.items()}
    if isinstance(report, list):
        return [without_paths(value, known, keep) for value in report]
    if not isinstance(report, str) or report in keep:
        return report
    for text in sorted(filter(None, known), key=len, reverse=True):
        report = report.replace(text, known[text])
    return _PATH.sub(_hidden, _ADDRESS.sub("ADDRESS", report))


def known_names(location: str) -> dict[str, str]:
    """List the names of a video in messages, with their replacements in a report."""
    path = Path(location)
    names = {location, str(path)}
    for spelled in (Path.absolute, Path.resolve):
        try:
            names.add(str(spelled(path)))
        except (OSError, RuntimeError, ValueError):  # a name too long, a loop of links, a null byte
            continue
    return dict.fromkeys(names, "FILE")


def _hidden(path: re.Match[str]) -> str:
    library = _LIBRARY.search(path[0])
    return f"…/{library[0]}" if library else "PATH"
