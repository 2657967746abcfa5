"""Core time to read a video into its views, of this checkout and, in the same run, of another.

    python benchmarks/reading.py [--against CHECKOUT] [VIDEO ...]

Without a video it makes one of the sample videos: 300 frames of 640×360, x264 medium. The
checkouts take turns, reading by reading, each in a process that stays; figures are milliseconds of
one core, the least of all readings, which other work on the machine disturbs the least.
"""

import argparse
import itertools
import os
import subprocess
import sys
import tempfile
from fractions import Fraction
from pathlib import Path

import av

ROUNDS = 40
HERE = Path(__file__).resolve().parents[1]
MEASURE = """
import sys, time
from pathlib import Path
try:
    from vswin_cli.views.views import read_views
except ImportError:  # before views had a folder
    from vswin_cli.video.views import read_views
from vswin_cli.zoo.protocols import KINETICS
for line in sys.stdin:
    start = time.process_time()
    read_views(Path(sys.argv[1]), (KINETICS,), "auto", int(sys.argv[2]))
    print(1000 * (time.process_time() - start), flush=True)
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


class Reader:
    """A process that reads a video with the code of a checkout."""

    def __init__(self, checkout: Path, video: Path, threads: int) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", MEASURE, str(video), str(threads)],
            env={**os.environ, "PYTHONPATH": str(checkout)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def measure(self) -> float:
        """Read once: milliseconds of one core."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        return float(self._process.stdout.readline())


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
            readers = [Reader(checkout, video, arguments.threads) for checkout in checkouts]
            rounds = [[reader.measure() for reader in readers] for _ in range(ROUNDS)]
            here, *others = (min(times) for times in zip(*rounds, strict=True))
            line = f"{video.name}: {here:.0f} ms"
            for other in others:
                line += f", against {other:.0f} ms: {here / other:.2f}"
            print(line, flush=True)


if __name__ == "__main__":
    main()
