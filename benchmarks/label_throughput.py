"""The speed of `vswin label`, compared with the limit that decoding and the model set.

    python benchmarks/label_throughput.py [--model NAME] [--weights FILE] [--views V] [...]

All measurements use the same generated clips, so that the speed of the machine cancels out: core
time to decode a video and to compute its views, each alone on all cores, and wall time of a run of
`vswin label`. The bound is cores / (decoding + model), in core time. `--seconds 0.7` makes tiny
clips, which show the cost of everything else. Needs x264 in PyAV, as in its wheels. If others use
the machine, the script prints their share, and the bound is for the rest.
"""

import argparse
import os
import tempfile
import threading
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from statistics import mean, median
from time import perf_counter, process_time, thread_time
from typing import TypeVar

import av
import numpy as np

from vswin_cli.api.model import VideoModel
from vswin_cli.api.options import EngineOptions, ViewOptions
from vswin_cli.engines.base import Engine, Pending
from vswin_cli.runs.options import RunOptions
from vswin_cli.runs.output import Output
from vswin_cli.runs.run import run_over
from vswin_cli.runs.task import Task
from vswin_cli.runs.videos import Selection, find_videos
from vswin_cli.runs.worker import decode_views
from vswin_cli.system.processors import available_processors
from vswin_cli.zoo.protocols import ViewProtocol

_NUM_DISTINCT = 4  # encoded clips; the others are links to them
_RATE = 30
_TICKS = os.sysconf("SC_CLK_TCK")
Returned = TypeVar("Returned")


def main() -> None:
    """Measure, and print one line per result."""
    asked = _arguments()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name, "videos")
        folder.mkdir()
        make_clips(folder, asked.num_videos, asked.seconds)
        found = find_videos([str(folder)], Selection())
        model = VideoModel(
            EngineOptions(asked.model, asked.weights, offline=True, batch_size=asked.batch_size),
            ViewOptions(views=asked.views),
        )
        model.graph_folder = Path(name, "graphs")
        classifier = model.classifier(5)
        calls = _Calls(classifier.engine)
        videos = [decode_views(each.path, model.protocol, "auto", threads=1) for each in found[:4]]
        for views in videos:
            classifier.predict("", views, 0.0)  # the first ones are slower
        decode = partial(decode_seconds, [each.path for each in found[:4]], model.protocol)
        cores = available_processors()
        decoding, computing = [], []

        def measure_each_alone() -> None:
            for _ in range(asked.rounds):
                each = [pool.submit(decode) for _ in range(cores)]
                decoding.append(mean(seconds.result() for seconds in each))
                start = _engine_seconds()
                for views in videos:
                    classifier.predict("", views, 0.0)
                computing.append((_engine_seconds() - start) / len(videos))

        task = Task(lambda: classifier, model.decoding_pool, model.settings(5))
        output = Output(folder.parent / "out.jsonl")
        with ProcessPoolExecutor(cores, get_context("spawn"), initializer=decode) as pool:
            measure_each_alone()
            children, others = sum(os.times()[2:4]), _others()
            calls.seconds = 0.0
            before, engine, start = process_time(), _engine_seconds(), perf_counter()
            run_over(found, task, output, RunOptions(workers=asked.workers))
            wall = perf_counter() - start
            engine = _engine_seconds() - engine
            called = calls.seconds
            main_process = process_time() - before - engine - called
            workers = sum(os.times()[2:4]) - children
            share = max(_others() - others, 0.0) / wall
            measure_each_alone()  # the speed of a machine may have changed
        num_used = mean(classifier.predict("", v, 0.0).num_views_used for v in videos)
        _say("decoding a video, core time", median(decoding))
        _say(f"{num_used:.2f} views by the model, core time", median(computing))
        _say("main process beyond the model, core time", main_process / len(found))
        _say("calls to start the model and take its outputs, core time", called / len(found))
        _say("model in the run, core time", engine / len(found))
        _say("decoding processes, core time", workers / len(found))
        _say("label, wall time", wall / len(found))
        print(
            f"others used {share:.2f} of {cores} cores meanwhile; {len(found) / wall:.2f} videos/s"
        )
        bound = (cores - share) / (median(decoding) + median(computing))
        print(f"label reaches {len(found) / wall / bound:.2f} of the bound")


class _Calls:
    """Core time that the main process spends in calls of an engine, which are part of the model."""

    def __init__(self, engine: Engine) -> None:
        self.seconds = 0.0
        self._start = engine.start
        engine.start = self._timed_start  # type: ignore[method-assign]

    def _timed_start(self, views: np.ndarray) -> Pending:
        pending = self._timed(partial(self._start, views))
        return partial(self._timed, pending)

    def _timed(self, call: Callable[[], Returned]) -> Returned:
        start = thread_time()
        try:
            return call()
        finally:
            self.seconds += thread_time() - start


def decode_seconds(paths: list[str], protocol: ViewProtocol) -> float:
    """Return the core time of this process to decode a video."""
    start = process_time()
    for path in paths:
        decode_views(path, protocol, "auto", threads=1)
    return (process_time() - start) / len(paths)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure the throughput of vswin label.")
    parser.add_argument("--model", default="swin-n-motion")
    parser.add_argument("--weights", type=Path)
    parser.add_argument("--views", choices=("fast", "full", "adaptive"), default="full")
    parser.add_argument(
        "--batch-size", type=lambda text: text if text == "auto" else int(text), default="auto"
    )
    parser.add_argument("--num-videos", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--rounds", type=int, default=3, help="of decoding and model alone")
    parser.add_argument("--workers", type=int)
    return parser.parse_args()


def make_clips(folder: Path, num_videos: int, seconds: float) -> None:
    """Make clips of 640×360 with a moving texture and camera-like noise."""
    numbers = np.random.default_rng(0)
    texture = np.kron(
        numbers.integers(0, 256, (60, 80, 3), np.uint8), np.ones((8, 10, 1), np.uint8)
    )
    for number in range(_NUM_DISTINCT):
        with av.open(str(folder / f"{number}.mp4"), "w") as container:
            stream = container.add_stream("libx264", rate=_RATE)
            stream.width, stream.height, stream.pix_fmt = 640, 360, "yuv420p"
            for index in range(round(seconds * _RATE)):
                moved = np.roll(texture, (index, (number + 1) * index), (0, 1))[:360, :640]
                noisy = moved // 2 + numbers.integers(0, 24, moved.shape, np.uint8)
                container.mux(stream.encode(av.VideoFrame.from_ndarray(noisy, format="rgb24")))
            container.mux(stream.encode(None))
    for number in range(_NUM_DISTINCT, num_videos):
        (folder / f"{number}.mp4").hardlink_to(folder / f"{number % _NUM_DISTINCT}.mp4")


def _engine_seconds() -> float:
    """Return the core time of threads outside Python, which are the engine's."""
    python = {str(thread.native_id) for thread in threading.enumerate()}
    return sum(
        _ticks(each / "stat")
        for each in Path("/proc/self/task").iterdir()
        if each.name not in python
    )


def _ticks(stat: Path) -> float:
    fields = stat.read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def _others() -> float:
    """Return the core seconds of the machine, without this process and its finished children."""
    machine = sum(map(int, Path("/proc/stat").read_text().split()[1:4])) / _TICKS
    times = os.times()
    return machine - sum(times[:4])


def _say(what: str, seconds: float) -> None:
    print(f"{what:60}{seconds * 1000:9.2f} ms per video", flush=True)


if __name__ == "__main__":
    main()
