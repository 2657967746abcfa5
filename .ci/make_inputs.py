"""Make what the check of the built wheel labels: a clip, and weights in the published layout."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from clips import encode, numbered_frames
from reference import write_checkpoint

from vswin_cli.zoo.catalog import find_model

folder = Path(sys.argv[1])
encode(folder / "clip.mp4", numbered_frames(90))
write_checkpoint(folder / "swin-t.weights.h5", find_model("swin-t-k400"))
