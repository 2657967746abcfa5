"""CSV annotations: with a column of paths and one of labels, and the CSV of Kinetics."""

from collections.abc import Sequence
from dataclasses import replace
from math import inf
from pathlib import Path

from vswin_cli.errors import UsageError
from vswin_cli.evaluation.rows import Row, label_of
from vswin_cli.formats.csv_rows import Lines, read_cells
from vswin_cli.runs.content import is_video_name

_KINETICS = ("label", "youtube_id", "time_start", "time_end")
_PATHS = (
    "path", "video_path", "file_path", "filepath", "file", "filename", "file_name", "video",
    "video_name", "clip", "name", "video_id", "id",
)  # fmt: skip
_LABELS = (
    "label", "label_name", "class", "class_name", "action", "category", "target", "template",
    "label_index", "label_id", "class_index", "class_id", "index",
)  # fmt: skip
_BACKWARDS = "its segment ends before it begins"
_START, _END = ("start", "time_start", "start_seconds"), ("end", "time_end", "end_seconds")


def is_kinetics(text: str) -> bool:
    """Whether the header is that of Kinetics' CSV."""
    header = _header(_lines(text))
    return all(column in header for column in _KINETICS)


def is_table(text: str) -> bool:
    """Whether the columns are known: by a header, or as two columns with videos in the first."""
    lines = _lines(text)
    header = _header(lines)
    named = _first(_PATHS, header) is not None and _first(_LABELS, header) is not None
    return named or _is_headless(lines)


def read_kinetics(annotations: Path, text: str) -> list[Row]:
    """Read the CSV of Kinetics; a clip is named `ID_000010_000020`, a whole video `ID`.

    Raises:
        UsageError: The header is different.
    """
    lines = _lines(text)
    header = _header(lines)
    missing = [column for column in _KINETICS if column not in header]
    if missing:
        raise UsageError(f"{annotations} has no column {missing[0]}, which Kinetics' CSV has")
    label, identifier, start, end = (header.index(column) for column in _KINETICS)
    rows = []
    for place, cells in lines[1:]:
        if len(cells) < len(header):
            rows.append(_short(place, cells))
            continue
        video, name = cells[identifier].strip(), label_of(cells[label], is_index=False)
        try:
            segment = float(cells[start]), float(cells[end])
            split = cells[header.index("split")].strip() if "split" in header else ""
            stem = f"{video}_{int(segment[0]):06d}_{int(segment[1]):06d}"
        except (ValueError, OverflowError):  # without times, the file can only be named by the ID
            rows.append(Row(place, video, name, stems=(video,)))
            continue
        problem = None if 0 <= segment[0] < segment[1] else _BACKWARDS
        stems = (stem, video)
        rows.append(
            Row(place, stem, name, stems=stems, segment=segment, split=split, problem=problem)
        )
    return rows


def read_table(
    annotations: Path, text: str, path_column: str | None, label_column: str | None
) -> list[Row]:
    """Read a CSV with a column of paths, or names without extension, and one of labels.

    Labels are indices if all of them are integers. Columns called split, group, start and end are
    read if they exist.

    Raises:
        UsageError: A column is missing or ambiguous.
    """
    lines = _lines(text)
    if not (path_column or label_column) and _is_headless(lines):
        path, label, body = 0, 1, lines
    else:
        path = _column(annotations, lines, path_column, _PATHS, "--path-column")
        label = _column(annotations, lines, label_column, _LABELS, "--label-column")
        body = lines[1:]
    others = _Others(_header(lines) if body is not lines else [])
    whole = [cells for _, cells in body if len(cells) > max(path, label)]
    values = [cells[label].strip() for cells in whole]
    is_index = all(value.isdecimal() for value in values if value)
    rows = []
    for place, cells in body:
        if len(cells) <= max(path, label):
            rows.append(_short(place, cells))
            continue
        video = cells[path].strip()
        stems = () if is_video_name(video) else (video,)
        name = label_of(cells[label], is_index=is_index)
        problem = None if video else "the row names no video"
        rows.append(
            others.put_into(
                Row(place, video, name, path=video, stems=stems, problem=problem), cells
            )
        )
    return rows


class _Others:
    """The optional columns of a CSV.

    Args:
        header: The header in lower case.
    """

    def __init__(self, header: list[str]) -> None:
        self._columns = [_first(names, header) for names in (("split",), ("group",), _START, _END)]

    def put_into(self, row: Row, cells: Sequence[str]) -> Row:
        """Add their values to a row."""
        split, group, start, end = (
            "" if column is None or column >= len(cells) else cells[column].strip()
            for column in self._columns
        )
        row = replace(row, split=split, group=group)
        if not start and not end:
            return row
        if not end:
            return replace(row, problem=f"its segment from {start} has no end")
        try:
            segment = float(start or 0), float(end)
        except ValueError:
            return replace(row, problem=f"its segment {start!r} to {end!r} is not in seconds")
        if not 0 <= segment[0] < segment[1] < inf:
            return replace(row, problem=_BACKWARDS)
        return replace(row, segment=segment)


def _lines(text: str) -> Lines:
    """Yield the cells of every line that is not empty, with the line number."""
    try:
        return read_cells(text)
    except ValueError as exc:
        raise UsageError(f"the annotations are not CSV: {exc}") from exc


def _header(lines: Lines) -> list[str]:
    return [cell.strip().lower() for cell in lines[0][1]] if lines else []


def _is_headless(lines: Lines) -> bool:
    return bool(lines) and len(lines[0][1]) == 2 and is_video_name(lines[0][1][0].strip())


def _first(names: Sequence[str], header: Sequence[str]) -> int | None:
    return next((header.index(name) for name in names if name in header), None)


def _column(
    annotations: Path, lines: Lines, name: str | None, known: Sequence[str], option: str
) -> int:
    header = _header(lines)
    exact = [cell.strip() for cell in lines[0][1]] if lines else []
    if name is None:
        found = _first(known, header)
    elif name in exact:
        found = exact.index(name)
    else:
        found = header.index(name.lower()) if name.lower() in header else None
    if found is None:
        wanted = f"no column {name}" if name else "no column with a usual name"
        raise UsageError(
            f"{annotations} has {wanted}: {', '.join(exact)}; choose one with {option}"
        )
    return found


def _short(place: int, cells: Sequence[str]) -> Row:
    return Row(place, ",".join(cells), None, problem="the row has too few columns")
