"""Pages of timelines: a plot of the top labels or of the truth, segments, and the film to play."""

import base64
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from vswin_cli.pages.page import Part, encoded, shown, write_page
from vswin_cli.pages.strips import data_address, jpeg, read_frames
from vswin_cli.pages.videos import local_address
from vswin_cli.runs.pool import DecodingPool
from vswin_cli.runs.records import Record
from vswin_cli.runs.videos import Found
from vswin_cli.runs.worker import Decoding
from vswin_cli.system.terminal import counted, length
from vswin_cli.zoo.protocols import Sampling, ViewProtocol

_NUM_LABELS = 8
_NUM_COMPARED = 24  # labels in the legend of a comparison
_NUM_THUMBS = 300  # thumbnails per film
_THUMB = ViewProtocol(Sampling.UNIFORM, num_clips=1, num_crops=1, clip_len=1, crop_size=54)
_THUMB_SECONDS = 300.0  # time limit for reading the thumbnails of one film
_UNKNOWN = 255  # in a curve: no window covers the step; 254 is probability 1

Thumbs = Mapping[int, str]  # JPEG by the index of the segment


def write_timelines(
    output: Path,
    records: Iterable[Record],
    labels: Sequence[str],
    find: Callable[[Record], str | None],
    *,
    strips: bool = True,
    about: Sequence[tuple[str, str]] = (),
) -> None:
    """Write one page of films.

    Args:
        output: File to write.
        records: Records of `vswin timeline`; without probabilities, those of segments are plotted.
        labels: Class names in index order.
        find: Returns the file of a record's film if it may be played.
        strips: Show a frame of each segment.
        about: The head of the page: terms and texts.

    Raises:
        OutputError: The page cannot be written.
    """

    def films() -> Iterator[str]:
        for record in records:
            path = find(record)
            thumbs = _thumbs(record, path) if path and strips else {}
            film = _film(record, labels, thumbs)
            film["file"] = path and local_address(path, output)
            yield encoded(film)

    write_page(output, "timeline", Part({"about": about}, films()))


@dataclass(frozen=True)
class ComparedFilm:
    """The true and predicted segments of a film: label, start and end in seconds, probability."""

    video: str
    duration_seconds: float
    truth: Sequence[tuple[str, float, float, float]]
    predicted: Sequence[tuple[str, float, float, float]]
    path: str | None  # path of the file, if it may be shown


def write_comparison(
    output: Path, about: Sequence[tuple[str, str]], films: Iterable[ComparedFilm]
) -> None:
    """Write one page that compares predicted with true segments.

    Args:
        output: File to write.
        about: The head of the page: terms and texts.
        films: The films in order.

    Raises:
        OutputError: The page cannot be written.
    """

    def items() -> Iterator[str]:
        for film in films:
            counts = Counter(label for label, *_ in (*film.truth, *film.predicted))
            true = counted(len(film.truth), "true segment")
            numbers = f"{true} · {len(film.predicted)} predicted"
            yield encoded(
                {
                    "video": shown(film.video),
                    "error": None,
                    "warnings": [],
                    "facts": f"{numbers} · {length(film.duration_seconds)}",
                    "duration": max(film.duration_seconds, 1e-3),
                    "step": 1,
                    "labels": [shown(label) for label, _ in counts.most_common(_NUM_COMPARED)],
                    "curves": [],
                    "shots": [],
                    "segments": _segments(film.predicted),
                    "truth": _segments(film.truth),
                    "file": film.path and local_address(film.path, output),
                }
            )

    write_page(output, "timeline", Part({"about": about}, items()))


def _segments(segments: Sequence[tuple[str, float, float, float]]) -> list[dict[str, Any]]:
    return [
        {"start": start, "end": end, "label": shown(label), "probability": round(score, 4)}
        for label, start, end, score in segments
    ]


def _film(record: Record, labels: Sequence[str], thumbs: Thumbs) -> dict[str, Any]:
    error = record["error"]
    film: dict[str, Any] = {
        "video": shown(record["video"]),
        "error": error and [shown(error["kind"]), shown(error["message"])],
        "warnings": [shown(warning) for warning in record["warnings"]],
    }
    if error:
        return film
    table = _table(record, len(labels))
    named = [segment["index"] for segment in record["segments"]]
    top = _top(table, named)
    scaled = np.where(np.isnan(table[:, top]), _UNKNOWN, np.round(table[:, top] * 254))
    counts = (counted(len(record[f"{noun}s"]), noun) for noun in ("segment", "shot"))
    facts = (record["model"], *counts, length(record["duration_seconds"]))
    return film | {
        "facts": " · ".join(facts),
        "duration": record["duration_seconds"],
        "step": record["step_seconds"],
        "labels": [shown(labels[index]) for index in top],
        "curves": [
            base64.b64encode(column.astype(np.uint8).tobytes()).decode() for column in scaled.T
        ],
        "shots": [shot["start_seconds"] for shot in record["shots"][1:]],
        "segments": [
            {
                "start": segment["start_seconds"],
                "end": segment["end_seconds"],
                "label": shown(segment["label"]),
                "probability": round(segment["probability"], 4),
                "thumb": thumbs.get(number),
            }
            for number, segment in enumerate(record["segments"])
        ],
    }


def _table(record: Record, num_classes: int) -> np.ndarray:
    """Make probabilities per step, float32 (steps, classes), from segments if necessary."""
    if record["probabilities"] is not None:
        nothing = [np.nan] * num_classes
        rows = [row or nothing for row in record["probabilities"]]
        return np.array(rows, np.float32).reshape(-1, num_classes)
    step = record["step_seconds"]
    table = np.zeros((int(np.ceil(record["duration_seconds"] / step)), num_classes), np.float32)
    for segment in record["segments"]:
        start, stop = (round(segment[f"{end}_seconds"] / step) for end in ("start", "end"))
        table[start:stop, segment["index"]] = segment["probability"]
    return table


def _top(table: np.ndarray, named: Sequence[int]) -> list[int]:
    """Choose the classes to plot: by number of segments, then by mean probability."""
    counts = np.bincount(np.array(named, int), minlength=table.shape[1])
    means = np.nan_to_num(np.nanmean(table, axis=0)) if len(table) else counts * 0.0
    order = np.lexsort((-means, -counts))
    return [int(index) for index in order[:_NUM_LABELS]]


def _thumbs(record: Record, path: str) -> Thumbs:
    """Read a frame from the middle of some segments, in a separate process; none if it fails."""
    segments = record["segments"]
    if not segments:
        return {}
    count = min(len(segments), _NUM_THUMBS)
    numbers = np.unique(np.linspace(0, len(segments) - 1, count).round().astype(int)).tolist()
    middles = [(segments[n]["start_frame"] + segments[n]["end_frame"]) // 2 for n in numbers]
    decoding = Decoding(partial(read_frames, {(path, None): tuple(middles)}), _THUMB, "auto")
    pool = DecodingPool(decoding, num_workers=1, timeout_seconds=_THUMB_SECONDS)
    thumbs = {}
    for decoded in pool.decode_each([Found(record["video"], path)]):
        if decoded.views is not None:
            [view] = decoded.views
            thumbs = {n: data_address(jpeg(view.frames[place])) for place, n in enumerate(numbers)}
    return thumbs
