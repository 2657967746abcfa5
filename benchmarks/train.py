"""Accuracy of `vswin train` on six motions of objects: `python benchmarks/train.py`.

Makes a set of clips of an object over a still background, whose test has other shapes and textures
than training, and trains `swin-n-motion` on it: all weights, a head only, and all weights from
random ones. Prints the accuracy on the test, and the time.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
from json import loads
from pathlib import Path
from time import perf_counter

sys.path.insert(0, str(Path(__file__).parents[1] / "tools"))

from motion.objects import make_set

WAYS = {
    "all weights": ("--how", "full"),
    "a head on frozen features": ("--how", "head"),
    "all weights, from random ones": ("--how", "full", "--from-scratch"),
}


def train(data: Path, output: Path, options: tuple[str, ...]) -> tuple[float, float]:
    """Train with the command; return the accuracy on the test, and the time in seconds."""
    start = perf_counter()
    subprocess.run(
        [sys.executable, "-m", "vswin_cli", "train", data, "--output", output, *options],
        check=True,
    )
    seconds = perf_counter() - start
    metrics = loads((output / "metrics.json").read_text(encoding="utf-8"))
    return metrics["accuracy"]["value"], seconds


def main() -> None:
    """Make the set, train, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clips", type=int, default=40, help="of each class, for training")
    parser.add_argument("--test-clips", type=int, default=20, help="of each class")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--way", choices=WAYS, action="append", help="repeatable; all by default")
    arguments, others = parser.parse_known_args()
    folder = Path(tempfile.mkdtemp(prefix="vswin-train-"))
    try:
        data = make_set(folder / "set", arguments.clips, arguments.test_clips, arguments.seed)
        for number, way in enumerate(arguments.way or WAYS):
            accuracy, seconds = train(data, folder / str(number), (*WAYS[way], *others))
            print(f"{way}: {accuracy:.1%} of the test, {seconds:.0f} s", flush=True)
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
