"""Lists of paths from users, in a file or on standard input."""

import os
import re
import sys
from pathlib import Path

from vswin_cli.errors import UsageError
from vswin_cli.runs.content import is_video_content
from vswin_cli.system.files import read_small
from vswin_cli.system.text import MAX_BYTES, UTF16_MARKS, decoded

_SEPARATOR = re.compile("sep=.")
_MAX_PATH_BYTES = 4096  # Linux's PATH_MAX


def as_folder(path: str) -> str:
    """Write the path of a folder so that it is not taken for a list."""
    return f"./{path}" if is_list(path) else path


def is_list(given: str) -> bool:
    """Whether an argument names a list of paths."""
    return given == "-" or given.startswith("@")


def listed_paths(given: str) -> list[str]:
    """Read the paths of a list: one per line, or each ended by NUL, as `find -print0` writes them.

    Blank lines are skipped, and so are lines that begin with #, unless a file has that name. Quotes
    and spaces around a path are removed, and so is a first line `sep=;`, as spreadsheets write it.

    Args:
        given: `-` for standard input, or `@FILE`.

    Raises:
        UsageError: The list cannot be read, or is not a list.
    """
    if given == "-":
        content, name = sys.stdin.buffer.read(), "standard input"
    else:
        name = given[1:]
        try:
            if is_video_content(name):
                raise UsageError(f"{name} is a video, not a list of paths; remove the @")
            content = read_small(Path(name), MAX_BYTES)
        except (OSError, ValueError) as exc:
            reason = exc.strerror if isinstance(exc, OSError) and exc.strerror else str(exc)
            raise UsageError(
                f"cannot read the list {name}: {reason.lower()}; check its path"
            ) from exc
    if _is_ended_by_nul(content):
        return [os.fsdecode(path) for path in content.split(b"\0") if path]
    try:
        lines = decoded(content, "surrogateescape").split("\n")
    except ValueError as exc:
        raise UsageError(f"cannot read the list {name}: {exc}; save it as UTF-8") from exc
    refuse_ffconcat(name, lines[0])
    if is_separator(lines[0]):
        del lines[0]
    paths = [path_meant(path) for path in lines if path.strip() and not is_comment(path)]
    if not paths:
        raise no_path(name)
    if any(_is_undecodable(path) for path in paths):
        raise UsageError(f"cannot read the list {name}: not UTF-8 text; save it as UTF-8")
    return paths


def refuse_ffconcat(name: str, first_line: str) -> None:
    """Refuse a list in FFmpeg's format.

    Raises:
        UsageError: It has this format.
    """
    if first_line.startswith("ffconcat version"):
        raise UsageError(f"{name} is a list for FFmpeg; write a path per line, without `file`")


def no_path(name: str) -> UsageError:
    """Make the error that a list is empty."""
    return UsageError(f"no path in the list {name}; write a path per line")


def is_separator(first_line: str) -> bool:
    """Whether the first line of a list is one that Excel writes, and no file has this name."""
    return bool(_SEPARATOR.fullmatch(first_line)) and not os.path.lexists(first_line)


def path_meant(line: str) -> str:
    """Return the path in a line: without surrounding quotes and spaces, unless a file has them."""
    if os.path.lexists(line):
        return line
    bare = line.strip()
    if len(bare) > 2 and bare[0] == bare[-1] and bare[0] in "\"'" and not os.path.lexists(bare):
        return bare[1:-1]
    return bare


def _is_undecodable(path: str) -> bool:
    """Whether a line is not UTF-8, and no file has these bytes as its name."""
    try:
        path.encode()
    except UnicodeEncodeError:
        return not os.path.lexists(path)
    return False


def _is_ended_by_nul(content: bytes) -> bool:
    """Whether NUL ends each path; in UTF-16 without a byte order mark, it is also inside them."""
    has_mark = content.startswith(UTF16_MARKS)
    is_utf16 = has_mark or not any(content[1::2]) or not any(content[::2])
    if is_utf16 or not content.endswith(b"\0"):
        return False
    return all(0 < len(path) <= _MAX_PATH_BYTES for path in content[:-1].split(b"\0"))


def is_comment(line: str) -> bool:
    """Whether a line begins with #, and no file has this name."""
    return line.startswith("#") and not os.path.lexists(line)
