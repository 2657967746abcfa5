"""Run one engine in a process of its own, since Keras has one backend a process.

python engine_run.py BACKEND PRECISION MODEL WEIGHTS VIEWS.npy PROBABILITIES.npy
"""

import sys
from pathlib import Path

import numpy as np

from vswin_cli.model.engine import load_engine
from vswin_cli.zoo.models import find_model


def main(
    backend: str, precision: str, model: str, weights: str, views_file: str, target: str
) -> None:
    views = np.load(views_file)
    engine = load_engine(
        find_model(model),
        Path(weights),
        backend=backend,
        precision=precision,  # type: ignore[arg-type]
        view_size=views.shape[1:4],
    )
    assert (engine.backend, engine.precision) == (backend, precision)
    np.save(target, engine.probabilities(views))


if __name__ == "__main__":
    main(*sys.argv[1:])
