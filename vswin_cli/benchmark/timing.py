"""Timing of views alternately with matrix products, so that a busy machine affects both equally."""

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from time import perf_counter

import numpy as np

from vswin_cli.engines.base import Engine
from vswin_cli.views.views import read_views
from vswin_cli.zoo.models import Model

_READINGS = 3


@dataclass(frozen=True)
class Times:
    """Several measurements of one task, in seconds."""

    seconds: Sequence[float]

    @property
    def median(self) -> float:
        """The median."""
        return statistics.median(self.seconds)

    @property
    def fastest(self) -> float:
        """The shortest time."""
        return min(self.seconds)

    @property
    def slowest(self) -> float:
        """The longest time."""
        return max(self.seconds)


def time_in_turns(
    things: Mapping[str, Callable[[], object]],
    rounds: int,
    on_round: Callable[[], None] = lambda: None,
) -> dict[str, Times]:
    """Run each task once without timing, then all of them in turn.

    Args:
        things: Functions to run, by name.
        rounds: Number of rounds, at least 1.
        on_round: Called after each round, also the untimed one.
    """
    seconds: dict[str, list[float]] = {name: [] for name in things}
    for number in range(rounds + 1):
        for name, run in things.items():
            start = perf_counter()
            run()
            if number:
                seconds[name].append(perf_counter() - start)
        on_round()
    return {name: Times(times) for name, times in seconds.items()}


@dataclass(frozen=True)
class ViewTimes:
    """The times of a model's views, and of matrix products that alternate with them."""

    view: Times
    gflop: float  # operations of a view: twice its multiply-accumulates
    product: Times | None  # None without OpenVINO, which computes them
    product_gflop: float

    @property
    def matrix_gflops(self) -> float | None:
        """Median rate of large matrix products, in 10⁹ operations per second."""
        return None if self.product is None else self.product_gflop / self.product.median

    @property
    def ratio(self) -> float | None:
        """Time of a view, divided by that of large matrix products with as many operations."""
        rate = self.matrix_gflops
        return None if rate is None else self.view.median * rate / self.gflop


@dataclass(frozen=True)
class ReadingTimes:
    """The times for reading the views of a video."""

    seconds: Times
    num_frames: int

    @property
    def frames_per_second(self) -> float:
        """Number of frames of the whole video, divided by the time to read its views."""
        return self.num_frames / self.seconds.median


def time_views(
    model: Model, engine: Engine, num_threads: int, rounds: int, on_round: Callable[[], None]
) -> ViewTimes:
    """Time views of noise, as many as an engine computes at once; pixels do not change the time."""
    count = engine.batch_size * engine.num_at_once
    shape = (count, *model.protocol.view_size, 3)
    views = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    things: dict[str, Callable[[], object]] = {"view": lambda: engine.compute(views)}
    product_gflop = 0.0
    if find_spec("openvino"):
        # What it imports need not be installed.
        from vswin_cli.benchmark.matrix_product import SIDE, matrix_product  # noqa: PLC0415

        things["product"] = matrix_product(engine.precision, num_threads)
        product_gflop = 2 * SIDE**3 / 1e9
    times = time_in_turns(things, rounds, on_round)
    view = Times([seconds / count for seconds in times["view"].seconds])
    return ViewTimes(view, 2 * model.gmacs, times.get("product"), product_gflop)


def time_reading(
    video: str | Path, model: Model, reader: str, num_threads: int, on_round: Callable[[], None]
) -> ReadingTimes:
    """Time reading the views of a video with the model's protocol.

    Raises:
        VideoError: As for `read_views`.
    """
    seconds = []
    num_frames = 0
    for _ in range(_READINGS):
        start = perf_counter()
        num_frames = read_views(video, (model.protocol,), reader, num_threads).num_frames
        seconds.append(perf_counter() - start)
        on_round()
    return ReadingTimes(Times(seconds), num_frames)
