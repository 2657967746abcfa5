"""The start-up time before the first view, of a separate process that runs this module.

python -m vswin_cli.benchmark.start < ARGUMENTS
"""

import pickle
import subprocess
import sys
from pathlib import Path
from time import perf_counter

from vswin_cli.engines.base import Engine
from vswin_cli.engines.registry import load_engine
from vswin_cli.errors import BackendError
from vswin_cli.zoo.models import Model


def start_seconds(
    model: Model,
    weights_file: Path,
    engine: Engine,
    *,
    num_threads: int,
    graph_folder: Path,
    with_head: bool,
) -> float:
    """Time a process from its start until the model is ready, after an earlier run.

    Args:
        model: Model to load, as for `load_engine`.
        weights_file: Its weights.
        engine: Engine with the backend and precision to use.
        num_threads: CPU threads.
        graph_folder: Where graphs are kept.
        with_head: Whether the weights have a head.

    Raises:
        BackendError: The process fails.
    """
    options = {
        "backend": engine.backend,
        "precision": engine.precision,
        "view_size": model.protocol.view_size,
        "with_head": with_head,
        "cache_folder": graph_folder,
        "threads": num_threads,
    }
    arguments = pickle.dumps((model, weights_file, options))
    command = [sys.executable, "-P", "-m", __name__]
    seconds = 0.0
    for _ in range(2):
        start = perf_counter()
        done = subprocess.run(command, input=arguments, capture_output=True, check=False)
        seconds = perf_counter() - start
        if done.returncode:
            reason = done.stderr.decode(errors="replace").strip().rpartition("\n")[2]
            raise BackendError(f"cannot start {model.name} in a separate process: {reason}")
    return seconds


def main() -> None:
    """Load the model by the arguments that are pickled on standard input."""
    model, weights_file, options = pickle.load(sys.stdin.buffer)
    load_engine(model, weights_file, **options)


if __name__ == "__main__":
    main()
