import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

RUN = Path(__file__).parents[1] / "engine_run.py"


@pytest.fixture(scope="session")
def run_engine(checkpoint):
    """Run the small model: `run_engine(folder, cache)` → (probabilities, libraries imported)."""

    def run(folder, cache_folder):
        views = np.random.default_rng(0).integers(0, 256, (1, 4, 24, 24, 3), dtype=np.uint8)
        np.save(folder / "views.npy", views)
        files = [checkpoint("nano"), folder / "views.npy", folder / "out.npz"]
        finished = subprocess.run(
            [sys.executable, RUN, "openvino", "float32", "nano", *files, cache_folder],
            capture_output=True,
            text=True,
        )
        assert (finished.returncode, finished.stderr) == (0, "")
        with np.load(folder / "out.npz") as outputs:
            return outputs["probabilities"], set(finished.stdout.split())

    return run


@pytest.fixture(scope="session")
def first_run(made_once, run_engine):
    """The folder of a first run: its `cache`, its outputs, and the libraries it imported."""

    def fill(folder):
        folder.mkdir()
        _, imported = run_engine(folder, folder / "cache")
        (folder / "imported").write_text(" ".join(imported))

    return made_once("nano graph", fill)
