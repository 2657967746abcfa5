"""Run engines of one backend in a separate process, because Keras has one backend per process.

python engine_run.py BACKEND PRECISION MODEL WEIGHTS VIEWS.npy OUTPUTS.npz [CACHE_FOLDER]
python engine_run.py BACKEND RUNS.json

A file of runs lists the arguments after the backend; neighbours that differ only in their number of
views share an engine.

Prints the heavy libraries that were imported.
"""

import functools
import json
import sys
from pathlib import Path

import numpy as np
from models import model_named

from vswin_cli.engines.base import Engine
from vswin_cli.engines.registry import load_engine
from vswin_cli.zoo.architectures import Size

HEAVY = ("keras", "tensorflow", "jax", "torch", "openvino", "scipy", "h5py", "cv2", "decord")
HEAVY += ("matplotlib", "scipy.signal", "sklearn")


def main(backend: str, *what: str) -> None:
    runs = [what] if len(what) > 1 else json.loads(Path(what[0]).read_text())
    for run in runs:
        compute(backend, *run)
    print(*(name for name in HEAVY if name in sys.modules))


def compute(
    backend: str,
    precision: str,
    model: str,
    weights: str,
    views_file: str,
    target: str,
    cache_folder: str | None = None,
) -> None:
    views = np.load(views_file)
    engine = engine_of(backend, precision, model, weights, views.shape[1:4], cache_folder)
    outputs = engine.compute(views)
    np.savez(target, probabilities=outputs.probabilities, features=outputs.features)


@functools.lru_cache(maxsize=1)  # a large one needs gigabytes
def engine_of(
    backend: str,
    precision: str,
    model: str,
    weights: str,
    view_size: Size,
    cache_folder: str | None,
) -> Engine:
    engine = load_engine(
        model_named(model),
        Path(weights),
        backend=backend,
        precision=precision,  # type: ignore[arg-type]
        view_size=view_size,
        with_head=Path(weights).stem.endswith("_classifier.weights"),
        cache_folder=Path(cache_folder) if cache_folder else None,
        batch_size=4,
    )
    assert engine.backend == backend
    assert engine.precision in (precision, "float32")  # if a CPU lacks bfloat16
    return engine


if __name__ == "__main__":
    main(*sys.argv[1:])
