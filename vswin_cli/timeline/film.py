"""The whole story: a film comes in frame by frame, a timeline comes out."""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from time import perf_counter
from typing import Protocol

import numpy as np

from vswin_cli.engines.base import Engine
from vswin_cli.results import Setup
from vswin_cli.timeline.making import Frames, Made, Restart, ahead
from vswin_cli.timeline.refining import Compute, Refining
from vswin_cli.timeline.result import Segment, ShotSpan, Timeline
from vswin_cli.timeline.segments import Cutting, cut
from vswin_cli.timeline.sliding import Sliding
from vswin_cli.timeline.steps import Step, Steps
from vswin_cli.timeline.windows import Shot, Window

_RECENT = 64  # windows whose outputs are known should equal ones come

OnProgress = Callable[[float, float | None], None]  # (seconds of the film done, in all if known)


class Remembered(Protocol):
    """Where the outputs of windows are kept; see `Checkpoint`."""

    def get(self, key: bytes) -> np.ndarray | None:
        """What is kept under a key."""

    def put(self, key: bytes, probabilities: np.ndarray) -> None:
        """Keep it."""


class FilmAnalyst:
    """Makes timelines with one model.

    Args:
        engine: Computes views.
        labels: Class names in index order.
        setup: Names of model, protocol, backend and precision.
        sliding: How windows lie on a film.
        cutting: How probabilities become segments.
    """

    def __init__(
        self,
        engine: Engine,
        labels: Sequence[str],
        setup: Setup,
        sliding: Sliding,
        cutting: Cutting,
    ) -> None:
        self.engine = engine
        self.labels = labels
        self.setup = setup
        self.sliding = sliding
        self.cutting = cutting
        self._recent = OrderedDict[bytes, np.ndarray]()

    def timeline(
        self,
        video: str,
        frames: Frames,
        remembered: Remembered | None = None,
        on_progress: OnProgress = lambda done, total: None,
        timeout_seconds: float | None = None,
    ) -> Timeline:
        """Watch a film from its start to its end.

        Frames are decoded, and windows made of them, in a thread, while the model computes.

        Args:
            video: Its name.
            frames: Its frames.
            remembered: Outputs of windows that were computed before, and where new ones go.
            on_progress: Told how far it is.
            timeout_seconds: As of `ahead`.

        Raises:
            VideoError: It cannot be read.
        """
        start = perf_counter()
        film = _Film(self.sliding, self.cutting)
        made = Made(frames, self.sliding)
        for item in ahead(made, timeout_seconds):
            if isinstance(item, Restart):
                film = _Film(self.sliding, self.cutting)
            elif isinstance(item, Shot):
                film.end_shot(item)
            else:
                film.add(item, partial(self.probabilities, remembered=remembered))
                on_progress(item.end_seconds, frames.duration_seconds)
        return self._concluded(video, film, made, perf_counter() - start, frames.warnings)

    def probabilities(self, window: Window, remembered: Remembered | None = None) -> np.ndarray:
        """The mean over a window's crops, float32 (num_classes,), computed once of equal ones."""
        known = self._recent.get(window.key)
        if known is None and remembered is not None:
            known = remembered.get(window.key)
        if known is None:
            outputs = self.engine.compute(window.views)
            known = outputs.probabilities.mean(axis=0, dtype=np.float64)
            known = known.astype(np.float32)
            if remembered is not None:
                remembered.put(window.key, known)
        self._recent[window.key] = known
        self._recent.move_to_end(window.key)
        if len(self._recent) > _RECENT:
            self._recent.popitem(last=False)
        return known

    def _concluded(
        self,
        video: str,
        film: "_Film",
        made: "Made",
        elapsed_seconds: float,
        warnings: tuple[str, ...],
    ) -> Timeline:
        times = np.array([*made.times, made.end_seconds])
        height, width = made.size
        segments = [segment for steps in film.steps for segment in self.segments(steps, times)]
        duration = made.end_seconds
        return Timeline(
            video=video,
            setup=self.setup,
            num_frames=len(made.times),
            width=width,
            height=height,
            duration_seconds=duration,
            frames_per_second=len(made.times) / max(duration - made.times[0], 1e-9),
            segments=tuple(segments),
            shots=tuple(
                ShotSpan(s.start_seconds, s.end_seconds, s.start_frame, s.end_frame)
                for s in film.shots
            ),
            step_seconds=film.step_seconds,
            probabilities=film.table(duration, len(self.labels)),
            num_windows=film.num_windows,
            elapsed_seconds=elapsed_seconds,
            warnings=warnings,
        )

    def segments(
        self, steps: "ShotSteps", times: np.ndarray, first_frame: int = 0
    ) -> list[Segment]:
        """Make the segments of a shot, each from a frame to a frame.

        Args:
            steps: Of the shot.
            times: float64, ascending: when the frames from `first_frame` on start, and the last
                one ends.
            first_frame: The one that `times` starts with.
        """
        if not steps.settled:
            return []
        table = np.stack([step.probabilities for step in steps.settled])
        first_step = steps.settled[0].number
        stride = self.sliding.stride_seconds
        found = []
        for stretch in cut(steps.shot, first_step, table, stride, self.cutting, steps.fine):
            start, end = (
                int(np.abs(times - seconds).argmin())
                for seconds in (stretch.start_seconds, stretch.end_seconds)
            )
            if start < end:
                found.append(
                    Segment(
                        float(times[start]),
                        float(times[end]),
                        first_frame + start,
                        first_frame + end,
                        self.labels[stretch.index],
                        stretch.index,
                        stretch.probability,
                        steps.shot.number,
                    )
                )
        return found


@dataclass
class ShotSteps:
    """The steps of a shot."""

    shot: Shot
    settled: list[Step]
    fine: dict[int, np.ndarray]  # by number, of shorter windows, where something changes


class _Film:
    """What is known of a film so far."""

    def __init__(self, sliding: Sliding, cutting: Cutting) -> None:
        self.step_seconds = sliding.stride_seconds
        self.steps: list[ShotSteps] = []
        self.num_windows = 0
        self._averaging = Steps(self.step_seconds, self.step_seconds)
        self._refining = Refining(sliding, cutting)
        self._of_shot: list[Step] = []

    def add(self, window: Window, compute: Compute) -> None:
        self.num_windows += 1
        probabilities = compute(window)
        self._of_shot += self._averaging.add(window, probabilities)
        self._refining.add(window, probabilities, compute)

    def end_shot(self, shot: Shot) -> None:
        self._of_shot += self._averaging.end_shot(shot)
        self.steps.append(ShotSteps(shot, self._of_shot, self._refining.end_shot(shot)))
        self._of_shot = []

    @property
    def shots(self) -> list[Shot]:
        return [steps.shot for steps in self.steps]

    def table(self, duration: float, num_classes: int) -> np.ndarray:
        """float32 (steps, num_classes), NaN where there is none."""
        settled = [step for steps in self.steps for step in steps.settled]
        last = max((step.number for step in settled), default=-1)
        count = max(int(np.ceil(duration / self.step_seconds - 1e-9)), last + 1)
        table = np.full((count, num_classes), np.nan, np.float32)
        for step in settled:
            table[step.number] = step.probabilities
        return table
