"""Accuracy of `vswin timeline` on generated films, and its cost compared with its parts.

    python benchmarks/timeline.py [--films N] [--seed S] [--crops N] [--stride S ...]
    python benchmarks/timeline.py --cost MINUTES

Films show the bundled model's motions over photographs, 3 to 8 seconds each, with and without cuts,
hand shake and a moving subject, with 24 to 60 and uneven frames per second (see
`tools/motion/films.py`). Every setting gets the same films. The cost is measured on 720p H.264: the
wall time of a timeline, whose frames another process decodes, divided by the time of reading the
frames plus that of the model on as many windows, each alone.
"""

import argparse
import itertools
import resource
import sys
import tempfile
from collections.abc import Iterator
from os import times
from pathlib import Path
from time import perf_counter

import av
import numpy as np

import vswin_cli
from vswin_cli.api.timelines import film_analyst
from vswin_cli.films.sequence import FrameSequence
from vswin_cli.timeline.computing import EngineComputing
from vswin_cli.timeline.film_process import FilmProcess
from vswin_cli.timeline.film_worker import Film
from vswin_cli.timeline.metrics import Labelled, measure
from vswin_cli.timeline.options import TimelineOptions
from vswin_cli.timeline.result import Timeline

sys.path.insert(0, str(Path(__file__).parents[1] / "tools"))
from motion.films import Film as DrawnFilm
from motion.films import draw_film, write_film
from motion.judging import photographs

KINDS = (
    {"rate": 24, "cuts": 0.0},
    {"rate": 25, "cuts": 0.5, "tremor": True},
    {"rate": 30, "cuts": 0.4, "varies": True},
    {"rate": 60, "cuts": 0.4, "tremor": True, "subject": True},
    {"rate": 50, "cuts": 0.6, "subject": True},
    {"rate": 24, "cuts": 0.0, "tremor": True, "subject": True},
    {"rate": 30, "cuts": 0.0},
    {"rate": 60, "cuts": 0.0, "varies": True},
)
PARTS = 8  # motions in a film


class Kept(dict[bytes, np.ndarray]):
    """Probabilities of windows, for the next setting."""

    def put(self, key: bytes, probabilities: np.ndarray) -> None:
        """Keep it."""
        self[key] = probabilities


def films(folder: Path, count: int, seed: int) -> Iterator[tuple[Path, DrawnFilm]]:
    """Write films, all of different kinds."""
    pictures = list(photographs().values())
    for number, kind in zip(range(count), itertools.cycle(KINDS), strict=False):
        film = draw_film(np.random.default_rng(seed + number), num_parts=PARTS, **kind)
        path = folder / f"{number} {' '.join(f'{key} {value}' for key, value in kind.items())}.mp4"
        yield write_film(path, film, pictures), film


def predicted(timeline: Timeline) -> list[Labelled]:
    """Return the segments in the form that metrics need."""
    return [
        Labelled(s.label, s.start_seconds, s.end_seconds, s.probability) for s in timeline.segments
    ]


def accuracy(count: int, seed: int, settings: list[TimelineOptions]) -> None:
    """Print the accuracy of each setting."""
    model, kept = vswin_cli.load_model(crops=settings[0].crops), Kept()
    with tempfile.TemporaryDirectory() as folder:
        made = list(films(Path(folder), count, seed))
        truth = {path.stem: [Labelled(*row) for row in film.truth] for path, film in made}
        for options in settings:
            analyst = film_analyst(model, options)
            found, durations = {}, {}
            for path, _ in made:
                with EngineComputing(model.engine, kept) as computing:
                    timeline = analyst.timeline(path.stem, FrameSequence(path), computing)
                found[path.stem] = predicted(timeline)
                durations[path.stem] = timeline.duration_seconds
                if len(settings) == 1:
                    one = {path.stem: truth[path.stem]}
                    report(path.stem, measure(one, found, durations))
            name = f"stride {options.stride:g}, min-seconds {options.min_seconds:g}, "
            name += f"min-probability {options.min_probability:g}"
            report(name, measure(truth, found, durations))


def report(name: str, metrics: object) -> None:
    """Print a line."""
    print(
        f"{name}: F1@50 {metrics.f1['0.50']:.3f}, frames {metrics.frame_accuracy:.3f}, "
        f"edit {metrics.edit:.3f}, mAP {metrics.average_map or 0:.3f}, "
        f"boundaries {metrics.boundary_error_seconds or 0:.3f} s",
        flush=True,
    )


def cost(minutes: float) -> None:
    """Print the time of a timeline as a share of its parts."""
    model = vswin_cli.load_model(crops=1)
    with tempfile.TemporaryDirectory() as folder:
        drawn = draw_film(
            np.random.default_rng(0), num_parts=max(round(minutes * 60 / 6), 1), rate=25,
            cuts=0.3, size=(1280, 720), seconds=(6, 6),
        )  # fmt: skip
        path = write_film(Path(folder) / "film.mp4", drawn, list(photographs().values()))
        analyst = film_analyst(model, TimelineOptions())
        view = np.zeros((1, *model.protocol.view_size, 3), np.uint8)
        num_views = model.engine.num_at_once * model.engine.batch_size
        ratios = []
        for _ in range(3):
            start, burnt = perf_counter(), processor_seconds()
            with av.open(str(path)) as container:
                container.streams.video[0].thread_type = "AUTO"
                num_frames = sum(1 for _ in container.decode(video=0))
            decoding, alone = perf_counter() - start, processor_seconds() - burnt
            burnt = processor_seconds()
            kept = Kept()
            with FilmProcess(None) as process, EngineComputing(model.engine, kept) as computing:
                film = Film("film", str(path), FrameSequence, None, analyst, computing.num_ahead)
                timeline = process.timeline(film, computing, lambda done, total: None)
            together = processor_seconds() - burnt
            start, burnt = perf_counter(), processor_seconds()
            for first in range(0, len(kept), num_views):
                model.engine.compute(np.repeat(view, min(num_views, len(kept) - first), axis=0))
            computing = perf_counter() - start
            alone += processor_seconds() - burnt
            ratios.append(timeline.elapsed_seconds / (decoding + computing))
            print(
                f"{num_frames} frames: decoding {decoding:.1f} s, {len(kept)} windows "
                f"{computing:.1f} s, timeline {timeline.elapsed_seconds:.1f} s: {ratios[-1]:.2f} × "
                f"(processor time {together / alone:.2f} ×)",
                flush=True,
            )
    whose = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    memory = sum(resource.getrusage(each).ru_maxrss for each in whose) / 1024
    print(f"median {float(np.median(ratios)):.2f} ×, memory at most {memory:.0f} MB")


def processor_seconds() -> float:
    """Return the processor time of this process and its finished children."""
    taken = times()
    return taken.user + taken.system + taken.children_user + taken.children_system


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--films", type=int, default=len(KINDS))
    parser.add_argument("--seed", type=int, default=1000)
    parser.add_argument("--crops", type=int, choices=(1, 3), default=1)
    parser.add_argument("--stride", type=float, nargs="+", default=[TimelineOptions.stride])
    parser.add_argument("--min-seconds", type=float, nargs="+", default=[1.5])
    parser.add_argument("--min-probability", type=float, nargs="+", default=[0.5])
    parser.add_argument("--cost", type=float, metavar="MINUTES")
    arguments = parser.parse_args()
    if arguments.cost:
        cost(arguments.cost)
        return
    grid = itertools.product(arguments.stride, arguments.min_seconds, arguments.min_probability)
    settings = [
        TimelineOptions(
            stride=stride, crops=arguments.crops, min_seconds=seconds, min_probability=least
        )
        for stride, seconds, least in grid
    ]
    accuracy(arguments.films, arguments.seed, settings)


if __name__ == "__main__":
    main()
