"""Lists of class names that the user brings: text, one name a line, in the order of the classes."""

import unicodedata
from collections.abc import Sequence
from pathlib import Path

from vswin_cli.errors import UsageError

_MAX_FILE_BYTES = 100_000_000
_CONTROLS = {"Cc", "Cs", "Zl", "Zp"}


def read_label_file(path: Path) -> tuple[str, ...]:
    """Read the names; the line is the class.

    Raises:
        UsageError: The file cannot be read, or is not a list of different names.
    """
    try:
        with path.open("rb") as stream:
            content = stream.read(_MAX_FILE_BYTES + 1)  # a device may never end
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        raise UsageError(f"cannot read labels {path}: not UTF-8 text") from exc
    except OSError as exc:
        reason = (exc.strerror or str(exc)).lower()
        raise UsageError(f"cannot read labels {path}: {reason}") from exc
    if len(content) > _MAX_FILE_BYTES:
        raise UsageError(f"cannot read labels {path}: too large to be a list of names")
    lines = text.replace("\r\n", "\n").replace("\r", "\n").rstrip("\n").split("\n")
    names = tuple(line.strip() for line in lines)
    if fault := what_is_wrong(names):
        raise UsageError(f"labels {path}: {fault}")
    return names


def what_is_wrong(names: Sequence[str]) -> str | None:
    """Say why these cannot be the names of classes: one is empty, a repetition or no line."""
    lines: dict[str, int] = {}
    for line, name in enumerate(names, start=1):
        if not name.strip():
            return f"name {line} is empty"
        if any(unicodedata.category(character) in _CONTROLS for character in name):
            return f"name {line} has a tab, a line break or another control character in it"
        if name in lines:
            return f"names {lines[name]} and {line} are both {name!r}"
        lines[name] = line
    return None if lines else "there is no name"
