"""Segments in files: annotations, and the results of an earlier run."""

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path, PurePosixPath

from vswin_cli.errors import UsageError
from vswin_cli.formats.csv_rows import read_cells, unguarded
from vswin_cli.system.text import read_text
from vswin_cli.timeline.metrics import Films, Labelled
from vswin_cli.timeline.result import Record

_COLUMNS = ("video", "label", "start", "end")


@dataclass(frozen=True)
class Predicted:
    """The segments that a run has predicted."""

    films: Films
    durations: dict[str, float]  # of films with a known duration


def read_truth(path: Path) -> Films:
    """Read a CSV with the columns video, label, start and end, in seconds, and maybe probability.

    A film without segments has a row with an empty label.

    Raises:
        UsageError: The file is of another kind or empty, or a row is invalid.
    """
    films = _read_rows(path)
    if not films:
        raise UsageError(f"{path} has no rows")
    return films


def _read_rows(path: Path) -> Films:
    try:
        lines = read_cells(read_text(path))
    except (OSError, ValueError) as exc:
        reason = (getattr(exc, "strerror", None) or str(exc)).lower()
        raise UsageError(f"cannot read {path}: {reason}") from exc
    names = [name.strip().lower() for name in lines[0][1]] if lines else []
    if missing := [column for column in _COLUMNS if column not in names]:
        raise UsageError(
            f"{path} has no column {missing[0]}; its first line must be {','.join(_COLUMNS)}"
        )
    films = defaultdict[str, list[Labelled]](list)
    for place, cells in lines[1:]:
        row = dict(zip_longest(names, cells[: len(names)], fillvalue=""))
        video, label = (unguarded(row[name].strip()) for name in ("video", "label"))
        if not video:
            raise UsageError(f"{path}, line {place} names no video")
        segments = films[video]
        if not label:
            continue
        try:
            start, end = float(row["start"]), float(row["end"])
        except ValueError:
            start = end = float("nan")
        if not 0 <= start < end < float("inf"):
            raise UsageError(
                f"{path}, line {place}: start {row['start']} and end {row['end']} are not "
                "two increasing times in seconds"
            )
        try:
            probability = float(row.get("probability") or 1)
        except ValueError:
            probability = float("nan")
        if not 0 <= probability <= 1:
            raise UsageError(
                f"{path}, line {place}: probability {row['probability']} is not from 0 to 1"
            )
        segments.append(Labelled(label, start, end, probability))
    return {name: sorted(film, key=lambda s: s.start) for name, film in films.items()}


def read_predicted(path: Path) -> Predicted:
    """Read an output of `vswin timeline`: .jsonl, .json or .csv.

    Raises:
        UsageError: It is not one.
    """
    if path.suffix.lower() == ".csv":
        return Predicted(_read_rows(path), {})
    try:
        text = read_text(path)
        is_list = path.suffix.lower() == ".json"
        records = json.loads(text) if is_list else [json.loads(s) for s in text.splitlines() if s]
        return predicted_of(records)
    except OSError as exc:
        raise UsageError(f"cannot read {path}: {exc.strerror}; check the path") from exc
    except (ValueError, KeyError, TypeError, AttributeError) as exc:
        raise UsageError(f"{path} is not an output of `vswin timeline`; give its .jsonl") from exc


def predicted_of(records: Iterable[Record]) -> Predicted:
    """Collect the segments of records; failed ones are left out."""
    films: dict[str, Sequence[Labelled]] = {}
    durations = {}
    for record in records:
        if record["error"]:
            continue
        name = record["video"]
        durations[name] = float(record["duration_seconds"])
        films[name] = [
            Labelled(s["label"], s["start_seconds"], s["end_seconds"], s["probability"])
            for s in record["segments"]
        ]
    return Predicted(films, durations)


def matched(
    truth: Films, predicted: Predicted, root: Path | None = None
) -> tuple[Predicted, list[str]]:
    """Rename predicted films as in the truth: by full name, or by a unique file name.

    Args:
        truth: The films of the truth.
        predicted: The predicted films.
        root: Folder that was put before the names of the truth to find the films.

    Returns:
        The films of the truth that were predicted, and the names of those that were not.
    """
    by_file = defaultdict[str, list[str]](list)
    for name in predicted.films:
        path = PurePosixPath(name)
        for short in {path.name, path.stem}:
            by_file[short].append(name)
    films, durations, missing = {}, {}, []
    for name in truth:
        whole = [name] if root is None else [str(root / name), name]
        candidates = [each for each in whole if each in predicted.films][:1]
        candidates = candidates or by_file[PurePosixPath(name).name]
        if len(candidates) != 1:
            missing.append(name)
            continue
        films[name] = predicted.films[candidates[0]]
        if candidates[0] in predicted.durations:
            durations[name] = predicted.durations[candidates[0]]
    return Predicted(films, durations), missing
