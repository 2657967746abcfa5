"""Memory of two training steps with all weights: `python benchmarks/train_memory.py swin-t-k400`.

Weights are the repeatable pseudo-random ones of the tests, and a step has one clip. Prints the peak
memory of the training process, and the time; then it measures the model on two clips.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter

import numpy as np

from vswin_cli.zoo.catalog import find_model

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tools"))

from motion.objects import encode
from reference import video, write_checkpoint


def main() -> None:
    """Train, and print the peak memory."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("model")
    arguments, others = parser.parse_known_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        weights = write_checkpoint(folder / "weights.h5", find_model(arguments.model))
        rows = ["path,label,split"]
        for number in range(4):
            frames = np.roll(video(40, 224, 224), 50 * number, axis=2)
            encode(folder / f"{number}.mp4", frames)
            split = "train" if number < 2 else "validation"
            rows.append(f"{number}.mp4,{'ab'[number % 2]},{split}")
        (folder / "clips.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
        command = [
            sys.executable, "-m", "vswin_cli", "train", folder / "clips.csv", "--output",
            folder / "model", "--model", arguments.model, "--weights", weights, "--how", "full",
            "--epochs", "1", "--batch-size", "1", "--backend", "tensorflow", *others,
        ]  # fmt: skip
        start = perf_counter()
        process = subprocess.Popen(command)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = perf_counter() - start
    print(f"exit {os.waitstatus_to_exitcode(status)}, {usage.ru_maxrss / 1e6:.1f} GB at most, "
          f"{seconds:.0f} s")  # fmt: skip


if __name__ == "__main__":
    main()
