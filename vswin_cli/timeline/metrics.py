"""Accuracy of timelines: metrics of detection, segmentation and frames as in the literature."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import pairwise
from types import MappingProxyType
from typing import Any

import numpy as np

TIOUS = tuple(round(0.5 + 0.05 * step, 2) for step in range(10))  # as for ActivityNet
_ADJOINING_SECONDS = 1e-3  # largest distance of adjoining segments, since files round times
_SHOWN = ("0.50", "0.75", "0.95")  # of TIOUS
OVERLAPS = (0.10, 0.25, 0.50)  # of F1, as for MS-TCN


@dataclass(frozen=True)
class Labelled:
    """A stretch of a film with a label, true or predicted."""

    label: str
    start: float  # seconds
    end: float
    score: float = 1.0

    def iou(self, other: "Labelled") -> float:
        """Time that both share, divided by the time that either covers."""
        shared = min(self.end, other.end) - max(self.start, other.start)
        whole = max(self.end, other.end) - min(self.start, other.start)
        return max(shared, 0.0) / whole if whole > 0 else 0.0


Film = Sequence[Labelled]
Films = Mapping[str, Film]  # by film name


@dataclass(frozen=True)
class Metrics:
    """Shares from 0 to 1.

    Attributes:
        num_films: Films that were compared.
        num_true: Segments in truth.
        num_predicted: Segments predicted.
        average_map: Mean of `map_by_tiou`; None if no film has a true segment.
        map_by_tiou: Mean over classes of the average precision, by temporal IoU; empty if there is
            no true segment.
        f1: Segmental F1, by overlap.
        edit: Edit score of the sequences of labels, mean over films.
        frame_accuracy: Share of the films' time with the right label, or correctly without one.
        boundary_error_seconds: Median distance of a true boundary to the nearest predicted one.
    """

    num_films: int
    num_true: int
    num_predicted: int
    average_map: float | None
    map_by_tiou: dict[str, float]
    f1: dict[str, float]
    edit: float
    frame_accuracy: float
    boundary_error_seconds: float | None

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)

    def rows(self) -> list[tuple[str, str]]:
        """Names and texts of the metrics, for display."""
        rows = [
            ("films", str(self.num_films)),
            ("segments, true", str(self.num_true)),
            ("segments, predicted", str(self.num_predicted)),
        ]
        if self.average_map is not None:
            rows.append(("average mAP, tIoU 0.5:0.05:0.95", _percent(self.average_map)))
        rows += [
            (f"mAP at tIoU {t}", _percent(m)) for t, m in self.map_by_tiou.items() if t in _SHOWN
        ]
        rows += [(f"F1@{float(t) * 100:.0f}", _percent(f1)) for t, f1 in self.f1.items()]
        rows.append(("edit score", _percent(self.edit)))
        rows.append(("frame accuracy", _percent(self.frame_accuracy)))
        if self.boundary_error_seconds is not None:
            rows.append(("boundary error, median", f"{self.boundary_error_seconds:.2f} s"))
        return rows


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def measure(
    truth: Films, predicted: Films, durations: Mapping[str, float] = MappingProxyType({})
) -> Metrics:
    """Compare the films of `truth` with predictions; a missing film has no segments.

    Args:
        truth: Segments by film.
        predicted: Segments by film, with scores.
        durations: Durations of films in seconds. Default: until the last segment's end.
    """
    tious = TIOUS if any(truth.values()) else ()
    maps = {f"{tiou:.2f}": mean_average_precision(truth, predicted, tiou) for tiou in tious}
    found = {name: predicted.get(name, ()) for name in truth}
    lengths = {
        name: max([durations.get(name, 0.0), *(s.end for s in (*truth[name], *found[name]))])
        for name in truth
    }
    right = sum(right_seconds(truth[name], found[name], lengths[name]) for name in truth)
    errors = [error for name in truth for error in boundary_errors(truth[name], found[name])]
    return Metrics(
        num_films=len(truth),
        num_true=sum(map(len, truth.values())),
        num_predicted=sum(map(len, found.values())),
        average_map=float(np.mean(list(maps.values()))) if maps else None,
        map_by_tiou=maps,
        f1={f"{overlap:.2f}": f1(truth, found, overlap) for overlap in OVERLAPS},
        edit=float(np.mean([edit_score(truth[name], found[name]) for name in truth])),
        frame_accuracy=right / max(sum(lengths.values()), 1e-9),
        boundary_error_seconds=float(np.median(errors)) if errors else None,
    )


def mean_average_precision(truth: Films, predicted: Films, tiou: float) -> float:
    """Compute the mean over the true classes of the interpolated average precision.

    Predictions are taken in order of score. Each takes the true segment of its class that it
    overlaps most, among those not yet taken, if their IoU is at least `tiou`.

    Source: ActivityNet's eval_detection.
    """
    labels = sorted({segment.label for film in truth.values() for segment in film})
    return float(np.mean([_average_precision(truth, predicted, label, tiou) for label in labels]))


def _average_precision(truth: Films, predicted: Films, label: str, tiou: float) -> float:
    true = {name: [s for s in film if s.label == label] for name, film in truth.items()}
    guesses = [
        (segment, name)
        for name in truth
        for segment in predicted.get(name, ())
        if segment.label == label
    ]
    guesses.sort(key=lambda guess: -guess[0].score)
    taken = defaultdict[str, set[int]](set)
    hits = np.zeros(len(guesses))
    for place, (guess, name) in enumerate(guesses):
        overlaps = [guess.iou(each) for each in true[name]]
        for number in np.argsort(overlaps)[::-1].tolist():
            if overlaps[number] < tiou:
                break
            if number not in taken[name]:
                taken[name].add(number)
                hits[place] = 1
                break
    num_true = sum(map(len, true.values()))
    if not guesses:
        return 0.0
    recall = np.array([0, *np.cumsum(hits) / num_true, 1])
    precision = np.array([0, *np.cumsum(hits) / np.arange(1, len(hits) + 1), 0])
    precision = np.maximum.accumulate(precision[::-1])[::-1]
    return float(np.sum(np.diff(recall) * precision[1:]))


def merged(film: Film) -> Film:
    """Join adjoining segments of one label; labels of frames cannot tell them apart."""
    kept: list[Labelled] = []
    last: dict[str, int] = {}  # label -> its last position in `kept`
    for segment in sorted(film, key=lambda s: s.start):
        place = last.get(segment.label)
        if place is not None and segment.start - kept[place].end <= _ADJOINING_SECONDS:
            before = kept[place]
            kept[place] = replace(before, end=max(before.end, segment.end))
        else:
            last[segment.label] = len(kept)
            kept.append(segment)
    return kept


def f1(truth: Films, predicted: Films, overlap: float) -> float:
    """Compute the harmonic mean of precision and recall of segments with at least this overlap.

    Source: Farha and Gall, MS-TCN (2019), f_score: counts of all films are added up.
    """
    num_hits = num_guesses = num_true = 0
    for name, segments in truth.items():
        film = merged(segments)
        num_true += len(film)
        taken = set[int]()
        for guess in merged(predicted.get(name, ())):
            num_guesses += 1
            overlaps = [guess.iou(s) if s.label == guess.label else 0.0 for s in film]
            best = int(np.argmax(overlaps)) if overlaps else -1
            if best >= 0 and overlaps[best] >= overlap and best not in taken:
                taken.add(best)
                num_hits += 1
    total = num_guesses + num_true
    return 2 * num_hits / total if total else 1.0


def edit_score(truth: Film, predicted: Film) -> float:
    """Compute 1 minus the edit distance of the sequences of labels, divided by the longer length.

    Source: as for `f1`, edit_score; gaps without a label are not counted.
    """
    old, new = ([segment.label for segment in merged(film)] for film in (truth, predicted))
    row = list(range(len(new) + 1))
    for i, label in enumerate(old, start=1):
        last, row[0] = row[0], i
        for j, other in enumerate(new, start=1):
            last, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, last + (label != other))
    return 1 - row[-1] / max(len(old), len(new), 1)


def right_seconds(truth: Film, predicted: Film, duration: float) -> float:
    """Compute the time in which the labels agree, or both are absent, to the exact second."""
    edges = {0.0, duration}
    for segment in (*truth, *predicted):
        edges |= {segment.start, segment.end}
    ordered = sorted(edge for edge in edges if 0 <= edge <= duration)
    total = 0.0
    for start, end in pairwise(ordered):
        old, new = (
            {s.label for s in film if s.start <= start and end <= s.end}
            for film in (truth, predicted)
        )
        total += (end - start) * (old == new)
    return total


def boundary_errors(truth: Film, predicted: Film) -> list[float]:
    """Compute the seconds from each true boundary within the film to the nearest predicted one."""
    first, last = (
        min((s.start for s in truth), default=0.0),
        max((s.end for s in truth), default=0.0),
    )
    old = sorted({t for s in truth for t in (s.start, s.end)} - {first, last})
    new = np.array(sorted({t for s in predicted for t in (s.start, s.end)}))
    return [float(np.abs(new - time).min()) if len(new) else last - first for time in old]
