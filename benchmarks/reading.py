"""Core time to read a video into its views, for this checkout and, in turns, another one.

    python benchmarks/reading.py [--against CHECKOUT] [VIDEO ...]

Without a video, it makes one of the sample videos: 300 frames of 640×360, x264 medium. The
checkouts take turns of ten readings, in separate processes. Figures are milliseconds of one core:
the median over turns of the median of readings, and the median of the ratios per turn.
"""

import argparse
import itertools
import os
import subprocess
import sys
import tempfile
from fractions import Fraction
from pathlib import Path
from statistics import median

import av

TURNS = 7
HERE = Path(__file__).resolve().parents[1]
MEASURE = """
import sys, time
from pathlib import Path
from statistics import median
try:
    from vswin_cli.views.views import read_views
except ImportError:  # before views had a folder
    from vswin_cli.video.views import read_views
from vswin_cli.zoo.protocols import KINETICS
times = []
for _ in range(11):
    start = time.process_time()
    read_views(Path(sys.argv[1]), (KINETICS,), "auto", int(sys.argv[2]))
    times.append(time.process_time() - start)
print(1000 * median(times[1:]))
"""


def make_clip(path: Path) -> Path:
    """Encode ten seconds of the sample videos, one after another."""
    frames = itertools.chain.from_iterable(
        av.open(str(sample)).decode(video=0)
        for sample in sorted((HERE / "sample_videos").glob("*.mp4"))
    )
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=30, options={"preset": "medium"})
        stream.width, stream.height, stream.pix_fmt = 640, 360, "yuv420p"
        for number, frame in enumerate(itertools.islice(frames, 300)):
            picture = frame.reformat(width=640, height=360, format="yuv420p")
            picture.pts, picture.time_base = number, Fraction(1, 30)
            container.mux(stream.encode(picture))
        container.mux(stream.encode(None))
    return path


def measure(checkout: Path, video: Path, threads: int) -> float:
    """Return the milliseconds of one core per reading, in a new process."""
    run = subprocess.run(
        [sys.executable, "-P", "-c", MEASURE, str(video), str(threads)],  # -P: ignore this folder
        env={**os.environ, "PYTHONPATH": str(checkout)},
        capture_output=True,
        text=True,
        check=True,
    )
    return float(run.stdout)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("videos", nargs="*", type=Path, metavar="VIDEO")
    parser.add_argument("--against", type=Path, metavar="CHECKOUT", help="another version's")
    parser.add_argument("--threads", type=int, default=1, help="decoder threads (default: 1)")
    arguments = parser.parse_args()
    checkouts = [HERE, *([arguments.against] if arguments.against else [])]
    with tempfile.TemporaryDirectory() as folder:
        for video in arguments.videos or [make_clip(Path(folder, "samples.mp4"))]:
            turns = [
                [measure(checkout, video, arguments.threads) for checkout in checkouts]
                for _ in range(TURNS)
            ]
            figures = [median(times) for times in zip(*turns, strict=True)]
            line = f"{video.name}: {figures[0]:.0f} ms"
            if arguments.against:
                ratio = median(here / other for here, other in turns)
                line += f", against {figures[1]:.0f} ms: {ratio:.2f}"
            print(line, flush=True)


if __name__ == "__main__":
    main()
