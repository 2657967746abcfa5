"""How many views per second a backend computes, measured in a separate process.

python -m vswin_cli.engines.speed BACKEND
"""

import sys
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

import h5py
import numpy as np

from vswin_cli.engines.base import Backend
from vswin_cli.engines.registry import load_engine
from vswin_cli.network.checkpoint import key_table
from vswin_cli.zoo.catalog import find_model
from vswin_cli.zoo.models import Model

_NUM_TIMED = 3  # batches


def shallow_model() -> Model:
    """Make Swin-T with fewer blocks: the same operations and widths, but faster to compile."""
    tiny = find_model("swin-t-k400")
    return replace(tiny, architecture=replace(tiny.architecture, depths=(2, 2, 2, 2)))


def views_a_second(backend: Backend, model: Model) -> float:
    """Time a backend in this process, on random weights and views.

    Raises:
        BackendError: As for `load_engine`.
    """
    random = np.random.default_rng(0)
    size = model.protocol.view_size
    with TemporaryDirectory() as folder:
        weights = Path(folder, "random.weights.h5")
        with h5py.File(weights, "w") as file:
            for key in key_table(model.architecture, None):
                file[key.dataset] = random.standard_normal(key.shape, np.float32) * 0.05
        engine = load_engine(
            model,
            weights,
            backend=backend,
            precision="float32",
            view_size=size,
            with_head=False,
            num_views=model.protocol.num_views,
        )
    count = engine.batch_size * engine.num_at_once * _NUM_TIMED
    views = random.integers(0, 256, (count, *size, 3), np.uint8)
    engine.compute(views[: engine.batch_size])  # the first is slower
    start = perf_counter()
    engine.compute(views)
    return count / (perf_counter() - start)


if __name__ == "__main__":
    print(views_a_second(sys.argv[1], shallow_model()))  # type: ignore[arg-type]
