"""The labels of videos: the formats of annotations in data sets, and their detection."""

import json
import os
import re
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path

from vswin_cli.errors import UsageError
from vswin_cli.evaluation import tables
from vswin_cli.evaluation.rows import SPLIT_NAMES, Row, label_of, read_rows
from vswin_cli.runs.content import is_video_name
from vswin_cli.runs.lists import as_folder
from vswin_cli.runs.videos import Selection, find_videos
from vswin_cli.sources.addresses import without_credentials

_LINE = re.compile(r"(?P<path>.+?)(?:\s*[,;|]\s*|\s+)(?P<index>\d+)")  # of MMAction2's lists
_RAW_FRAMES = re.compile(r"(?P<path>.+?)\s+\d+\s+\d+")  # MMAction2: folder, number of frames, index
_MULTI_LABEL = re.compile(r"(?P<path>.+?)\s+(?P<indices>\d+(?:[\s,;]+\d+)+)")
_MOST = 0.5  # of the lines; a file is still a list if others are malformed


class AnnotationFormat(StrEnum):
    """The formats of annotations."""

    LIST = "list"  # MMAction2's list: a path and an index per line
    CSV = "csv"  # a column of paths and one of labels
    KINETICS = "kinetics"  # the CSV of Kinetics
    SOMETHING_SOMETHING = "something-something"  # its validation.json
    FOLDER = "folder"  # a folder per class


def recognise(
    annotations: Path, path_column: str | None = None, label_column: str | None = None
) -> AnnotationFormat:
    """Detect the format of annotations.

    Args:
        annotations: A file or folder.
        path_column: Name of a column; only a CSV has one.
        label_column: Name of a column; only a CSV has one.

    Raises:
        UsageError: They do not exist, or have none of the formats.
    """
    if annotations.is_dir():
        return AnnotationFormat.FOLDER
    text = read_rows(annotations)
    if text.lstrip().startswith(("[", "{")):
        return AnnotationFormat.SOMETHING_SOMETHING
    if path_column or label_column:
        return AnnotationFormat.CSV
    if tables.is_kinetics(text):
        return AnnotationFormat.KINETICS
    if _is_list(text):
        return AnnotationFormat.LIST
    if tables.is_table(text):
        return AnnotationFormat.CSV
    raise UsageError(
        f"unknown format of {annotations}: it is neither lines of a path and an index, nor a CSV "
        "with known columns, nor Something-Something's JSON; set the format with "
        "--annotation-format, or the columns of a CSV with --path-column and --label-column"
    )


def read_annotations(
    annotations: Path,
    annotation_format: AnnotationFormat,
    path_column: str | None = None,
    label_column: str | None = None,
    *,
    multi_label: bool = False,
) -> list[Row]:
    """Read every row, including invalid ones.

    Raises:
        UsageError: The annotations have another format, or no row.
    """
    if (annotation_format is AnnotationFormat.FOLDER) != annotations.is_dir():
        wanted = "a folder" if annotation_format is AnnotationFormat.FOLDER else "a file"
        raise UsageError(
            f"--annotation-format {annotation_format} needs {wanted}: {annotations} is not one"
        )
    if (path_column or label_column) and annotation_format is not AnnotationFormat.CSV:
        raise UsageError(
            f"--path-column and --label-column are for a CSV, and {annotations} has the format "
            f"{annotation_format}; remove them, or use --annotation-format csv"
        )
    if annotation_format is AnnotationFormat.FOLDER:
        rows = _read_folder(annotations)
    else:
        text = read_rows(annotations)
        if annotation_format is AnnotationFormat.LIST:
            rows = _read_list(annotations, text, multi_label=multi_label)
        elif annotation_format is AnnotationFormat.KINETICS:
            rows = tables.read_kinetics(annotations, text)
        elif annotation_format is AnnotationFormat.CSV:
            rows = tables.read_table(annotations, text, path_column, label_column)
        else:
            rows = _read_templates(annotations, text)
    if not rows:
        raise UsageError(f"no video in {annotations}; check that it is the right one")
    return rows


def _is_list(text: str) -> bool:
    """Whether the first line, and most others, are lines of a list."""
    lines = [line for _, line in _lines(text)]
    if not lines or not _LINE.fullmatch(lines[0]):
        return False
    return sum(_LINE.fullmatch(line) is not None for line in lines) > _MOST * len(lines)


def _lines(text: str) -> list[tuple[int, str]]:
    """List the lines that are neither blank nor comments, each with its number from 1."""
    lines = [(place, line.strip()) for place, line in enumerate(text.split("\n"), start=1)]
    return [(place, line) for place, line in lines if line and not _is_comment(line)]


def _is_comment(line: str) -> bool:
    row = _LINE.fullmatch(line)
    return line.startswith("#") and not (row and is_video_name(row["path"]))


def _read_list(annotations: Path, text: str, *, multi_label: bool) -> list[Row]:
    """Read MMAction2's lists: a path and an index per line; blank lines and comments are skipped.

    The path may contain spaces. It ends at the separator before the last number: spaces, a tab, a
    comma, a semicolon or a bar.

    Raises:
        UsageError: It lists folders of frames, or several classes for every video.
    """
    lines = _lines(text)
    if lines and all(_is_raw_frames(line) for _, line in lines):
        raise UsageError(
            f"{annotations} lists folders of frames (a path, a number of frames and an index per "
            "line); vswin reads videos: list a video's path and an index per line"
        )
    rows = [_listed(place, line, multi_label=multi_label) for place, line in lines]
    if rows and all(row.problem and _MULTI_LABEL.fullmatch(row.video) for row in rows):
        line = without_credentials(rows[0].video)
        raise UsageError(
            f"{annotations} gives videos several classes ({line!r}); evaluate takes one "
            "per video: list those that have one"
        )
    return rows


def _listed(place: int, line: str, *, multi_label: bool) -> Row:
    several = _MULTI_LABEL.fullmatch(line)
    if several and is_video_name(several["path"]):
        if multi_label:
            indices = "|".join(re.findall(r"\d+", several["indices"]))
            return Row(place, several["path"], indices, path=several["path"])
        return Row(place, line, None, problem=f"it has several classes: {several['indices']}")
    match = _LINE.fullmatch(line)
    if match is None:
        return Row(place, line, None, problem="the line has no index at its end")
    path = match["path"]
    if len(path) > 1 and path[0] == path[-1] == '"':
        path = path[1:-1]
    return Row(place, path, label_of(match["index"], is_index=True), path=path)


def _is_raw_frames(line: str) -> bool:
    match = _RAW_FRAMES.fullmatch(line)
    return match is not None and not is_video_name(match["path"])


def _read_templates(annotations: Path, text: str) -> list[Row]:
    """Read Something-Something's JSON: a list of objects with an `id` and a label's `template`.

    Brackets around placeholders are removed from labels.

    Raises:
        UsageError: It is not a list of objects in JSON.
    """
    try:
        items = json.loads(text)
    except ValueError as exc:
        raise UsageError(f"{annotations} is not JSON: {exc}; check that it is complete") from exc
    if not isinstance(items, list):
        raise UsageError(
            f"{annotations} is not a list of videos with `id` and `template`, as "
            "Something-Something's validation.json is"
        )
    return [_row(place, item) for place, item in enumerate(items, start=1)]


def _row(place: int, item: object) -> Row:
    if not isinstance(item, dict) or "id" not in item:
        return Row(place, json.dumps(item)[:80], None, problem="the item has no id")
    video = str(item["id"])
    template = item.get("template")
    if not isinstance(template, str):
        return Row(
            place, video, None, problem="the item has no template, like those of the test set"
        )
    label = template.replace("[", "").replace("]", "")
    return Row(place, video, label, stems=(video,))


def _read_folder(root: Path) -> list[Row]:
    """Read a folder with a folder of videos per class.

    A video outside of the class folders, and a class folder without a video, are rows too. If
    folders are called train, test or similar, they contain the folders of classes.

    Raises:
        UsageError: The folder cannot be listed.
    """
    try:
        with os.scandir(root) as scan:
            names = sorted(
                entry.name for entry in scan if entry.is_dir() and not entry.name.startswith(".")
            )
    except OSError as exc:
        raise UsageError(f"cannot list {root}: {exc.strerror}; check its permissions") from exc
    videos = [found.video for found in find_videos([as_folder(os.fspath(root))], Selection())]
    paths = [video.split("/")[:-1] for video in videos]
    has_splits = _are_splits(paths)
    rows = [
        _row_in(folders, place, video, has_splits=has_splits)
        for place, (folders, video) in enumerate(zip(paths, videos, strict=True), start=1)
    ]
    filled = {folders[0] for folders in paths if folders}
    place = len(rows)
    for name in names:
        if name not in filled:
            place += 1
            rows.append(Row(place, f"{name}/", name, problem="the folder contains no video"))
    return rows


def _row_in(folders: Sequence[str], place: int, video: str, *, has_splits: bool) -> Row:
    split = ""
    if has_splits:
        is_in = bool(folders) and folders[0].lower() in SPLIT_NAMES
        split, folders = (folders[0], folders[1:]) if is_in else ("", ())
    if folders:
        return Row(place, video, folders[0], path=video, split=split)
    return Row(place, video, None, problem="it is not in the folder of a class")


def _are_splits(paths: Sequence[Sequence[str]]) -> bool:
    """Whether the outer folders of videos are splits: for training, and if not alone, others."""
    outer = {folders[0]: folders[0].lower() for folders in paths if folders}
    splits = {SPLIT_NAMES[name] for name in outer.values() if name in SPLIT_NAMES}
    if "train" not in splits:
        return False
    has_classes = any(len(folders) > 1 and folders[0].lower() in SPLIT_NAMES for folders in paths)
    return SPLIT_NAMES.keys() >= set(outer.values()) or (len(splits) > 1 and has_classes)
