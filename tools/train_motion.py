"""Train a model of camera motion: `python tools/train_motion.py FOLDER`, then test it.

FOLDER/clips gets videos of synthetic scenes under a virtual camera, with their labels in clips.csv,
and FOLDER/model the result of `vswin train`. Both continue from existing files. The same seed makes
the same clips.
"""

import argparse
import csv
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from motion.motions import LABELS
from motion.objects import encode
from motion.scenes import PicturePool, render, versions
from rich.progress import track

import vswin_cli as vswin

VERSIONS = 4  # of each rendered video, out of 16 mirrored, transposed or reversed ones
NUM_FRAMES = 80
# Errors occur in disturbed or slow clips, so training has more of these than the test.
STRENGTH = 1.25
SLOWNESS = 1.8
VALIDATION_SHARE = 0.1


def make_clips(folder: Path, num_scenes: int, seed: int) -> Path:
    """Render missing scenes of each class; return the CSV that lists their videos.

    Columns are path, label, split and group: the versions of a scene form a group.
    """
    folder.mkdir(parents=True, exist_ok=True)
    rows = []
    scenes = list(_scenes(num_scenes))
    for number, label, split in track(scenes, "rendering"):
        names = [f"{LABELS[label].replace(' ', '_')}_{number:04}_{k}.mp4" for k in range(VERSIONS)]
        marker = folder / f"{LABELS[label].replace(' ', '_')}_{number:04}.csv"
        if not marker.exists():
            rng = np.random.default_rng((seed, label, number))
            clip = render(
                rng, label, PicturePool(), STRENGTH, slowness=SLOWNESS,
                indices=np.arange(NUM_FRAMES),
            )  # fmt: skip
            made = versions(rng, clip, VERSIONS)
            for name, version in zip(names, made, strict=True):
                encode(folder / name, version.frames)
            with marker.open("w", newline="", encoding="utf-8") as file:
                group = f"{label}-{number}"
                csv.writer(file).writerows(
                    (name, LABELS[version.label], split, group)
                    for name, version in zip(names, made, strict=True)
                )
        with marker.open(newline="", encoding="utf-8") as file:
            rows += list(csv.reader(file))
    listed = folder / "clips.csv"
    with listed.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("path", "label", "split", "group"), *rows])
    return listed


def _scenes(count: int) -> Iterator[tuple[int, int, str]]:
    """Yield the number, class and split of each scene."""
    for number in range(count):
        split = "validation" if number < VALIDATION_SHARE * count else "train"
        for label in range(len(LABELS)):
            yield number, label, split


def main() -> None:
    """Make clips, and train."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--scenes", type=int, default=400, help="of each class")
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--from-scratch", action="store_true", help="not from swin-n-motion")
    arguments = parser.parse_args()
    clips = make_clips(arguments.folder / "clips", arguments.scenes, arguments.seed)
    vswin.train(
        clips,
        arguments.folder / "model",
        how="full",
        augment="none",  # the scenes vary already, and flips would be wrong
        epochs=arguments.epochs,
        seed=arguments.seed,
        from_scratch=arguments.from_scratch,
    )


if __name__ == "__main__":
    main()
