"""A folder with a folder for each class, which holds the videos of that class."""

import os
from pathlib import Path

from vswin_cli.errors import UsageError
from vswin_cli.evaluation.rows import Row
from vswin_cli.runs.finding import Selection, find_videos


def read_folder(root: Path) -> list[Row]:
    """Make a row of every video; one beside the class folders, and a folder without, are rows too.

    Raises:
        UsageError: The folder cannot be listed.
    """
    try:
        with os.scandir(root) as scan:
            names = sorted(
                entry.name for entry in scan if entry.is_dir() and not entry.name.startswith(".")
            )
    except OSError as exc:
        raise UsageError(f"cannot list {root}: {exc.strerror}; check its rights") from exc
    rows = []
    filled = set()
    for place, found in enumerate(find_videos([os.fspath(root)], Selection()), start=1):
        label, slash, _ = found.video.partition("/")
        if slash:
            filled.add(label)
            rows.append(Row(place, found.video, label, path=found.video))
        else:
            problem = "it lies in no folder of a class"
            rows.append(Row(place, found.video, None, problem=problem))
    place = len(rows)
    for name in names:
        if name not in filled:
            place += 1
            rows.append(Row(place, f"{name}/", name, problem="the folder holds no video"))
    return rows
