"""Segments: stretches of time with one label, made from the probabilities of steps.

The method is that of NeMo Curator, pyannote and DCASE's systems: smooth, cut with hysteresis,
bridge gaps, drop short segments. There is no segment where no label is probable.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import inf

import numpy as np

from vswin_cli.timeline.windows import Shot

_NOTHING = -1
_END_SHARE = 0.7
_BLUR_SECONDS = 1.5  # for which windows that reach over two labels may show a third, or none


@dataclass(frozen=True)
class Cutting:
    """How probabilities become segments; `benchmarks/timeline.py` chose the defaults.

    Attributes:
        min_probability: Probability at which a segment starts.
        min_seconds: Shorter segments are dropped, and shorter gaps between two are bridged.
        smooth_seconds: Length of the Hann window that averages probabilities; 0 is none.
        multi: Let segments of different labels overlap.
    """

    min_probability: float = 0.5
    min_seconds: float = 1.5
    smooth_seconds: float = 0.0
    multi: bool = False

    @property
    def end_probability(self) -> float:
        """Probability below which a segment ends."""
        return _END_SHARE * self.min_probability


@dataclass(frozen=True)
class Stretch:
    """A segment in seconds, not yet in frames."""

    start_seconds: float
    end_seconds: float
    index: int  # of the class
    probability: float  # mean over its steps


def cut(
    shot: Shot,
    first_step: int,
    probabilities: np.ndarray,
    step_seconds: float,
    cutting: Cutting,
    fine: Mapping[int, np.ndarray],
    begun: Collection[int] = (),
) -> list[Stretch]:
    """Make the segments of one shot.

    Args:
        shot: Shot that contains them.
        first_step: Number of the first step.
        probabilities: float (steps, num_classes), for all steps whose middle is in the shot.
        step_seconds: Length of a step.
        cutting: Options.
        fine: Probabilities from shorter windows by step number, where they exist.
        begun: Classes whose segment began before the first step.

    Returns:
        Segments by start, and then by class.
    """
    if not len(probabilities):
        return []
    smooth = _smoothed(probabilities.astype(np.float64), cutting.smooth_seconds / step_seconds)
    is_on = _hysteresis(smooth, cutting.min_probability, cutting.end_probability, begun)
    tracks = (
        [np.where(is_on[:, each], each, _NOTHING) for each in np.flatnonzero(is_on.any(axis=0))]
        if cutting.multi
        else [np.where(is_on.any(axis=1), np.where(is_on, smooth, -1).argmax(axis=1), _NOTHING)]
    )
    level = (cutting.min_probability + cutting.end_probability) / 2
    ruler = _Ruler(shot, first_step, step_seconds, smooth, fine, level)
    found = []
    for track in tracks:
        shortest = cutting.min_seconds / step_seconds
        blur = _BLUR_SECONDS / step_seconds if cutting.min_seconds > _BLUR_SECONDS else inf
        tidying = _Tidying(smooth, shortest, blur)
        runs = tidying.tidied(track)
        while (brief := ruler.briefest(runs)) and brief[0] < cutting.min_seconds - 1e-9:
            runs = tidying.tidied(tidying.without(runs, brief[1]))
        for (start, stop, label), (start_seconds, end_seconds) in zip(
            runs, ruler.bounds(runs), strict=True
        ):
            if label != _NOTHING:
                probability = probabilities[start:stop, label].mean(dtype=np.float64)
                found.append(Stretch(start_seconds, end_seconds, label, float(probability)))
    return sorted(found, key=lambda stretch: (stretch.start_seconds, stretch.index))


def _smoothed(probabilities: np.ndarray, width: float) -> np.ndarray:
    reach = int(width / 2)
    if not reach:
        return probabilities
    kernel = np.hanning(2 * reach + 3)[1:-1]
    padded = np.pad(probabilities, ((reach, reach), (0, 0)), mode="edge")
    views = np.lib.stride_tricks.sliding_window_view(padded, len(kernel), axis=0)
    smooth: np.ndarray = views @ (kernel / kernel.sum())
    return smooth


def _hysteresis(values: np.ndarray, on: float, off: float, begun: Collection[int]) -> np.ndarray:
    """Return where values (steps, n) are on: from `on` or more, and while they stay above `off`.

    Columns in `begun` are on before the first step. It works in both directions of time, so
    reversed films give the same segments.
    """
    above = values >= off
    changes = np.diff(above, axis=0, prepend=False)
    numbers = np.cumsum(changes & above, axis=0) * above  # of each run above `off`
    starts = values >= on
    starts[0, list(begun)] = True
    result = np.zeros_like(above)
    for column in np.flatnonzero(starts.any(axis=0)):
        lit = np.unique(numbers[starts[:, column], column])
        result[:, column] = np.isin(numbers[:, column], lit[lit > 0])
    return result


Run = tuple[int, int, int]  # first step, one past the last, class or _NOTHING


def _runs(track: np.ndarray) -> list[Run]:
    starts = [0, *(np.flatnonzero(np.diff(track)) + 1).tolist(), len(track)]
    return [(a, b, int(track[a])) for a, b in pairwise(starts)]


@dataclass(frozen=True)
class _Tidying:
    """Drops short runs and closes short gaps; lengths are in steps."""

    smooth: np.ndarray
    shortest: float
    blur: float  # longer runs are no error of the windows: nothing replaces them

    def tidied(self, track: np.ndarray) -> list[Run]:
        """Return the runs of a track, without the shortest one until all are long enough.

        A run that fills the shot stays, however short.
        """
        while True:
            runs = _runs(track)
            short = [
                (stop - start, number)
                for number, (start, stop, _) in enumerate(runs)
                if stop - start < self._least(runs, number) - 1e-9
            ]
            if not short:
                return runs
            track = self.without(runs, min(short)[1])

    def _least(self, runs: Sequence[Run], number: int) -> float:
        """Return the length that a run needs to stay."""
        if runs[number][2] != _NOTHING:
            return self.shortest if len(runs) > 1 else 0.0
        if not 0 < number < len(runs) - 1:
            return 0.0
        is_bridged = runs[number - 1][2] == runs[number + 1][2]
        return self.shortest if is_bridged else min(self.shortest, self.blur)

    def without(self, runs: Sequence[Run], number: int) -> np.ndarray:
        """Return the track of runs, one of which goes to its neighbours.

        It goes to both, divided at the best place; at an end of the shot, to the only one; and to
        none if it is too long, unless both have the same label.
        """
        track = np.concatenate([np.full(stop - start, label) for start, stop, label in runs])
        start, stop, _ = runs[number]
        is_inner = 0 < number < len(runs) - 1
        before = runs[number - 1][2] if number else runs[1][2]
        after = runs[number + 1][2] if number < len(runs) - 1 else before
        is_bridged = is_inner and before == after
        if _NOTHING in (before, after) or (stop - start >= self.blur and not is_bridged):
            track[start:stop] = _NOTHING
            return track
        parts = self.smooth[start:stop]
        first, second = ([0.0, *np.cumsum(parts[:, each])] for each in (before, after))
        gains = np.array(first) + second[-1] - np.array(second)
        meeting = start + int(gains.argmax())
        track[start:meeting], track[meeting:stop] = before, after
        return track


@dataclass(frozen=True)
class _Ruler:
    """Finds the time at which one run ends and the next begins."""

    shot: Shot
    first_step: int
    step_seconds: float
    smooth: np.ndarray
    fine: Mapping[int, np.ndarray]
    level: float  # of no label

    def bounds(self, runs: Sequence[Run]) -> list[tuple[float, float]]:
        """Return the start and end of each run of the shot in seconds."""
        inner = (self.edge(before, after) for before, after in pairwise(runs))
        return [*pairwise([self.shot.start_seconds, *inner, self.shot.end_seconds])]

    def briefest(self, runs: Sequence[Run]) -> tuple[float, int] | None:
        """Return the shortest segment: its seconds and its run; None for a run that fills the shot.

        Edges move to where shorter windows show them, so a segment can be shorter than its steps.
        """
        if len(runs) == 1:
            return None
        spans = zip(self.bounds(runs), runs, strict=True)
        lengths = [
            (end - start, number)
            for number, ((start, end), (_, _, label)) in enumerate(spans)
            if label != _NOTHING
        ]
        return min(lengths, default=None)

    def edge(self, before: Run, after: Run) -> float:
        """Return the seconds at which a label, or no label, changes to another.

        If there are fine steps around the edge, it is where they fit the two labels best; otherwise
        it is between the middles of the two steps where the probabilities cross.
        """
        edge = after[0]
        first, stop = edge, edge
        while first > before[0] and self.first_step + first - 1 in self.fine:
            first -= 1
        while stop < after[1] and self.first_step + stop in self.fine:
            stop += 1
        lead = self._lead(self.smooth, before[2], after[2])
        if first < edge < stop:
            numbers = range(self.first_step + first, self.first_step + stop)
            lead = lead.copy()
            fine = np.stack([self.fine[number] for number in numbers])
            lead[first:stop] = self._lead(fine, before[2], after[2])
            kept = np.cumsum(lead[first : stop - 1])  # sum of leads if the edge is after that step
            edge = first + 1 + int(kept.argmax())
        last, following = float(lead[edge - 1]), float(lead[edge])
        share = last / (last - following) if last > 0 >= following else 0.5
        seconds = (self.first_step + edge - 0.5 + share) * self.step_seconds
        return min(max(seconds, self.shot.start_seconds), self.shot.end_seconds)

    def _lead(self, probabilities: np.ndarray, before: int, after: int) -> np.ndarray:
        """Return how much more probable the earlier label is than the later one, in each step."""
        nothing = np.full(len(probabilities), self.level)
        old = nothing if before == _NOTHING else probabilities[:, before]
        new = nothing if after == _NOTHING else probabilities[:, after]
        lead: np.ndarray = old - new
        return lead
