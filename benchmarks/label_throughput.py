"""How close `vswin label` comes to what decoding alone, or the model alone, allows.

    python benchmarks/label_throughput.py --model NAME [--weights FILE] [--clips C] [--crops 1|3]

All is measured in one process on the same generated clips, so that a machine's pace cancels out:
decoding without a model, the model without decoding, the run as `vswin label` makes it, and
`vswin predict` once a file. Needs the extra `test`, for the clips.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter

import av
import numpy as np

from vswin_cli.api.model import VideoModel
from vswin_cli.api.options import EngineOptions, ViewOptions
from vswin_cli.runs.options import RunOptions
from vswin_cli.runs.output import Output
from vswin_cli.runs.pool import default_workers
from vswin_cli.runs.run import run_over
from vswin_cli.runs.task import Task
from vswin_cli.runs.videos import Found, Selection, find_videos
from vswin_cli.runs.worker import decode_views

_NUM_DISTINCT = 4  # clips that are encoded; the others are links to them
_RATE = 30


def main() -> None:
    """Measure, and print a line each."""
    asked = _arguments()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _make_clips(folder, asked.num_videos, asked.seconds)
        found = find_videos([name], Selection())
        engine = EngineOptions(asked.model, asked.weights, offline=True)
        model = VideoModel(engine, ViewOptions(clips=asked.clips, crops=asked.crops))
        model.graph_folder = folder / "graphs"
        options = RunOptions(workers=asked.workers)
        _say("decoding alone", len(found), _decoding_seconds(model, options, found))
        classifier = model.classifier(5)
        views = decode_views(found[0].path, model.protocol, model.views.reader)
        classifier.predict("", views, 0.0)  # the first is slower
        start = perf_counter()
        for _ in range(asked.num_timed):
            classifier.predict("", views, 0.0)
        _say("the model alone", asked.num_timed, perf_counter() - start)
        task = Task(lambda: classifier, model.decoding_pool, {"top_k": 5})
        start = perf_counter()
        run_over(found, task, Output(folder / "out.jsonl"), options)
        _say("vswin label, model loaded", len(found), perf_counter() - start)
        start = perf_counter()
        for video in found[: asked.num_timed]:
            _predict(asked, video)
        _say("vswin predict, once a file", asked.num_timed, perf_counter() - start)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure the throughput of vswin label.")
    parser.add_argument("--model", required=True)
    parser.add_argument("--weights", type=Path)
    parser.add_argument("--clips", type=int)
    parser.add_argument("--crops", type=int, choices=(1, 3))
    parser.add_argument("--num-videos", type=int, default=200)
    parser.add_argument("--seconds", type=int, default=10)
    parser.add_argument("--num-timed", type=int, default=5, help="of the model and of predict")
    parser.add_argument("--workers", type=int, default=default_workers())
    return parser.parse_args()


def _make_clips(folder: Path, num_videos: int, seconds: int) -> None:
    """Clips of 640×360 with a moving texture and some noise, as cameras make it."""
    numbers = np.random.default_rng(0)
    texture = np.kron(
        numbers.integers(0, 256, (60, 80, 3), np.uint8), np.ones((8, 10, 1), np.uint8)
    )
    for number in range(_NUM_DISTINCT):
        with av.open(str(folder / f"{number}.mp4"), "w") as container:
            stream = container.add_stream("libx264", rate=_RATE)
            stream.width, stream.height, stream.pix_fmt = 640, 360, "yuv420p"
            for index in range(seconds * _RATE):
                moved = np.roll(texture, (index, (number + 1) * index), (0, 1))[:360, :640]
                noisy = moved // 2 + numbers.integers(0, 24, moved.shape, np.uint8)
                container.mux(stream.encode(av.VideoFrame.from_ndarray(noisy, format="rgb24")))
            container.mux(stream.encode(None))
    for number in range(_NUM_DISTINCT, num_videos):
        (folder / f"{number}.mp4").hardlink_to(folder / f"{number % _NUM_DISTINCT}.mp4")


def _decoding_seconds(model: VideoModel, run: RunOptions, found: list[Found]) -> float:
    start = perf_counter()
    for decoded in model.decoding_pool(run).decode_each(found):
        assert decoded.views is not None, decoded.error
    return perf_counter() - start


def _predict(asked: argparse.Namespace, video: Found) -> None:
    options = [("--weights", asked.weights), ("--clips", asked.clips), ("--crops", asked.crops)]
    given = [str(part) for option in options if option[1] is not None for part in option]
    command = [sys.executable, "-m", "vswin_cli", "predict", video.path, "--model", asked.model]
    subprocess.run([*command, *given], check=True, capture_output=True)


def _say(what: str, num_videos: int, seconds: float) -> None:
    print(f"{what:28}{num_videos / seconds:8.2f} videos/s", flush=True)


if __name__ == "__main__":
    main()
