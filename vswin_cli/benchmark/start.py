"""What happens before the first view, in a process of its own: `python -m` this, and time it.

python -m vswin_cli.benchmark.start WEIGHTS BACKEND PRECISION THREADS GRAPH_FOLDER < MODEL
"""

import pickle
import subprocess
import sys
from pathlib import Path
from time import perf_counter

from vswin_cli.errors import BackendError
from vswin_cli.model.engine import Engine, load_engine
from vswin_cli.zoo.models import Model


def start_seconds(
    model: Model, weights_file: Path, engine: Engine, num_threads: int, graph_folder: Path
) -> float:
    """Time a process from its start to a model that is ready, when another has run before.

    Raises:
        BackendError: The process fails.
    """
    settings = (weights_file, engine.backend, engine.precision, num_threads, graph_folder)
    command = [sys.executable, "-P", "-m", __name__, *map(str, settings)]
    seconds = 0.0
    for _ in range(2):
        start = perf_counter()
        done = subprocess.run(command, input=pickle.dumps(model), capture_output=True, check=False)
        seconds = perf_counter() - start
        if done.returncode:
            reason = done.stderr.decode(errors="replace").strip().rpartition("\n")[2]
            raise BackendError(f"cannot start {model.name} in a process of its own: {reason}")
    return seconds


def main(
    weights_file: str, backend: str, precision: str, num_threads: str, graph_folder: str
) -> None:
    """Load the model that is pickled on standard input."""
    model: Model = pickle.load(sys.stdin.buffer)
    load_engine(
        model,
        Path(weights_file),
        backend=backend,
        precision="bfloat16" if precision == "bfloat16" else "float32",
        view_size=model.protocol.view_size,
        cache_folder=Path(graph_folder),
        threads=int(num_threads),
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
