"""MMAction2's lists: a path and the index of its class a line.

The path may hold spaces; what stands before the last number of the line separates the two: spaces,
a tab, a comma, a semicolon or a bar.
"""

import re

from vswin_cli.evaluation.rows import Row, label_of

_LINE = re.compile(r"(?P<path>.+?)(?:\s*[,;|]\s*|\s+)(?P<index>\d+)")
_MOST = 0.5  # of the lines: a file is a list although some are malformed


def is_list(text: str) -> bool:
    """Whether the first line, and most of the others, are those of a list."""
    lines = [line.strip() for line in text.split("\n") if line.strip()]
    if not lines or not _LINE.fullmatch(lines[0]):
        return False
    return sum(_LINE.fullmatch(line) is not None for line in lines) > _MOST * len(lines)


def read_list(text: str) -> list[Row]:
    """Read a row a line; blank lines are none."""
    rows = []
    for place, line in enumerate(text.split("\n"), start=1):
        content = line.strip()
        if not content:
            continue
        match = _LINE.fullmatch(content)
        if match is None:
            rows.append(Row(place, content, None, problem="the line has no index at its end"))
            continue
        path = match["path"]
        if len(path) > 1 and path[0] == path[-1] == '"':
            path = path[1:-1]
        rows.append(Row(place, path, label_of(match["index"], is_index=True), path=path))
    return rows
