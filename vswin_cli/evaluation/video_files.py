"""From the name of a video in annotations to its file."""

import os
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path

from vswin_cli.evaluation.rows import NoMatchError, Row
from vswin_cli.results import TimeSpan
from vswin_cli.runs.lists import as_folder
from vswin_cli.runs.videos import Found, Selection, find_videos, stated
from vswin_cli.sources.addresses import is_address, without_credentials

_NUM_NAMED = 3  # files in a message


class VideoFiles:
    """Looks up files in a folder, which is searched only if rows have no path.

    Args:
        root: The folder.
        is_own: Whether a file is written by the run.
    """

    def __init__(self, root: Path, is_own: Callable[[str], bool] = lambda path: False) -> None:
        self._root = os.fspath(root)
        self._is_own = is_own

    def find(self, row: Row) -> Found:
        """Find the file of a row; its name is relative to the folder.

        Raises:
            NoMatchError: No file matches, or several do.
        """
        if row.path is not None and is_address(row.path):
            return _segment_of(Found(without_credentials(row.path), row.path), row.segment)
        if row.path is not None:
            name = os.path.normpath(row.path)
            path = os.path.join(self._root, name)  # noqa: PTH118 - keeps the path as given
            if os.path.isfile(path) or (os.path.exists(path) and not os.path.isdir(path)):  # noqa: PTH110, PTH112, PTH113
                return _segment_of(stated(name, path), row.segment)
        for stem in row.stems:
            candidates = self._by_stem.get(stem, [])
            if len(candidates) > 1:
                candidates = _in_folder_of(row, candidates) or candidates
            if len(candidates) == 1:
                is_whole_video = stem == row.stems[-1]
                return _segment_of(candidates[0], row.segment if is_whole_video else None)
            if candidates:
                names = ", ".join(found.video for found in candidates[:_NUM_NAMED])
                raise NoMatchError("no_file", f"{len(candidates)} files match: {names}")
        tried = " or ".join([*([row.path] if row.path else []), *(f"{s}.*" for s in row.stems)])
        raise NoMatchError("no_file", f"no file {tried} in {self._root}")

    @cached_property
    def _by_stem(self) -> dict[str, list[Found]]:
        """Videos in the folder, by name and by path, both without extension."""
        found = defaultdict[str, list[Found]](list)
        for video in find_videos([as_folder(self._root)], Selection(), self._is_own):
            path = os.path.splitext(video.video)[0]  # noqa: PTH122 - of any string
            for stem in dict.fromkeys((path, path.rpartition("/")[2])):
                found[stem].append(video)
        return dict(found)


def _segment_of(video: Found, segment: TimeSpan | None) -> Found:
    """Make a segment of a video, with the name of a media fragment (W3C Media Fragments, 4.2.1)."""
    if segment is None:
        return video
    start, end = (repr(time).removesuffix(".0") for time in segment)
    return replace(video, video=f"{video.video}#t={start},{end}", segment=segment)


def _in_folder_of(row: Row, candidates: Sequence[Found]) -> list[Found]:
    """Select the candidates in a folder with the name of the row's label."""
    name = str(row.label).replace("_", " ")
    return [found for found in candidates if name in found.video.replace("_", " ").split("/")[:-1]]
