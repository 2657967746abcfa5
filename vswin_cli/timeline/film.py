"""The whole path: the frames of a film come in, a timeline comes out."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from time import perf_counter

import numpy as np

from vswin_cli.results import Setup
from vswin_cli.timeline.computing import Computing, Wait
from vswin_cli.timeline.making import Frames, Made, OnFrame, Restart, ahead, scaling
from vswin_cli.timeline.refining import Refining
from vswin_cli.timeline.result import Segment, ShotSpan, Timeline
from vswin_cli.timeline.segments import Cutting, cut
from vswin_cli.timeline.sliding import Sliding
from vswin_cli.timeline.steps import Step, Steps
from vswin_cli.timeline.windows import Shot, Window


@dataclass(frozen=True)
class FilmAnalyst:
    """Makes timelines with one model.

    Attributes:
        labels: Class names in index order.
        setup: Names of model, protocol, backend and precision.
        sliding: How windows are placed on a film.
        cutting: How probabilities become segments.
    """

    labels: Sequence[str]
    setup: Setup
    sliding: Sliding
    cutting: Cutting

    def timeline(
        self,
        video: str,
        frames: Frames,
        computing: Computing,
        on_frame: OnFrame = lambda done, total: None,
    ) -> Timeline:
        """Make the timeline of a film.

        A thread decodes frames and makes windows while the model computes.

        Args:
            video: Name of the film.
            frames: Frames of the film.
            computing: Computes windows.
            on_frame: As for `Made`; called in that thread.

        Raises:
            VideoError: The film cannot be read.
        """
        start = perf_counter()
        film = _Film(self.sliding, self.cutting, computing)
        made = Made(frames, self.sliding, on_frame)
        with scaling(video):
            for item in ahead(made):
                if isinstance(item, Restart):
                    film = _Film(self.sliding, self.cutting, computing)
                else:
                    film.add(item)
            film.end()
        return self._concluded(video, film, made, perf_counter() - start, frames.warnings)

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
        """Make the segments of a shot, in seconds and frames.

        Args:
            steps: Steps of the shot.
            times: float64, ascending: start times of the frames from `first_frame`, and the end of
                the last one.
            first_frame: Index of the first frame in `times`.
        """
        if not steps.settled:
            return []
        table = np.stack([step.probabilities for step in steps.settled])
        first_step = steps.settled[0].number
        stride = self.sliding.stride_seconds
        found = []
        for stretch in cut(
            steps.shot, first_step, table, stride, self.cutting, steps.fine, steps.begun
        ):
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
    fine: dict[int, np.ndarray]  # step number -> probabilities of shorter windows around changes
    begun: frozenset[int] = frozenset()  # classes of segments that began before the first step


class _Film:
    """The state of a film while its windows arrive."""

    def __init__(self, sliding: Sliding, cutting: Cutting, computing: Computing) -> None:
        self.step_seconds = sliding.stride_seconds
        self.steps: list[ShotSteps] = []
        self.num_windows = 0
        self._computing = computing
        self._begun = deque[tuple[Window | Shot, Wait | None]]()
        self._averaging = Steps(self.step_seconds, self.step_seconds)
        self._refining = Refining(sliding, cutting)
        self._of_shot: list[Step] = []

    def add(self, item: Window | Shot) -> None:
        """Start computing a window, or end a shot; take results that are due."""
        wait = self._computing.start(item.clip) if isinstance(item, Window) else None
        self._begun.append((item, wait))
        if len(self._begun) > self._computing.num_ahead:
            self._take(*self._begun.popleft())

    def end(self) -> None:
        """Take the remaining results."""
        while self._begun:
            self._take(*self._begun.popleft())

    def _take(self, item: Window | Shot, wait: Wait | None) -> None:
        if isinstance(item, Shot):
            self._of_shot += self._averaging.end_shot(item)
            self.steps.append(ShotSteps(item, self._of_shot, self._refining.end_shot(item)))
            self._of_shot = []
        elif wait is not None:
            self.num_windows += 1
            probabilities = wait()
            self._of_shot += self._averaging.add(item, probabilities)
            self._refining.add(item, probabilities, self._computing)

    @property
    def shots(self) -> list[Shot]:
        return [steps.shot for steps in self.steps]

    def table(self, duration: float, num_classes: int) -> np.ndarray:
        """Return float32 (steps, num_classes), NaN where no window is."""
        settled = [step for steps in self.steps for step in steps.settled]
        last = max((step.number for step in settled), default=-1)
        count = max(int(np.ceil(duration / self.step_seconds - 1e-9)), last + 1)
        table = np.full((count, num_classes), np.nan, np.float32)
        for steps in self.steps:
            for step in steps.settled:
                middle = (step.number + 0.5) * self.step_seconds
                is_in_shot = steps.shot.start_seconds - 1e-6 <= middle < steps.shot.end_seconds
                if is_in_shot or np.isnan(table[step.number, 0]):
                    table[step.number] = step.probabilities
        return table
