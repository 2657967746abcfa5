"""Which backends there are to compute with, and the engine of each."""

import logging
from importlib.util import find_spec
from pathlib import Path

from vswin_cli.engines.base import BACKENDS, Backend, Engine, Precision
from vswin_cli.engines.gpu import usable_gpu_backend
from vswin_cli.errors import BackendError
from vswin_cli.system.processors import available_processors
from vswin_cli.zoo.architectures import Size
from vswin_cli.zoo.models import Model

_log = logging.getLogger(__name__)


def load_engine(
    model: Model,
    weights_file: Path,
    *,
    backend: str,
    precision: Precision,
    view_size: Size,
    with_top: bool = True,
    cache_folder: Path | None = None,
    cache_limit_bytes: int = 5_000_000_000,
    threads: int | None = None,
    spares_keras: bool = False,
) -> Engine:
    """Load a model's weights into the engine of a backend.

    Args:
        model: Names the architecture and the classes.
        weights_file: Its published file.
        backend: One of `Backend`, or `auto` for the fastest that is here.
        precision: Of the arithmetic; the probabilities are float32 in any case.
        view_size: (T, H, W) of the views that will come.
        with_top: Whether the file has the classifier's head; one without gives features alone.
        cache_folder: Where an engine may keep what it has compiled; None keeps nothing.
        cache_limit_bytes: The oldest goes when the folder holds more.
        threads: To compute with on the CPU; None is as many as there are processors.
        spares_keras: Whether Keras is left as it is in this process, where its backend is not what
            computes; and so are the threads of a backend, unless they are asked for.

    Raises:
        WeightsNotFoundError, CheckpointError: As `read_checkpoint`.
        BackendError: The backend is not installed, or Keras already runs on another one.
    """
    chosen = resolve_backend(backend)
    num_threads = threads or available_processors()
    _log.info("backend: %s, %d thread(s)", chosen, num_threads)
    # The engines are imported here because Keras takes its backend, once, when it is imported.
    if chosen == "openvino":
        from vswin_cli.engines.openvino import OpenVinoEngine  # noqa: PLC0415

        return OpenVinoEngine(
            model,
            weights_file,
            precision,
            view_size,
            with_top,
            cache_folder,
            cache_limit_bytes,
            num_threads,
            spares_keras,
        )
    from vswin_cli.engines.keras import KerasEngine  # noqa: PLC0415

    limit = threads if spares_keras else num_threads
    return KerasEngine(model, weights_file, precision, view_size, with_top, chosen, limit)


def resolve_backend(backend: str) -> Backend:
    """Decide what `auto` is: a usable GPU's, else OpenVINO, or TensorFlow where it is missing.

    Raises:
        BackendError: The backend that was asked for is not installed.
    """
    if backend == "auto":
        return usable_gpu_backend() or ("openvino" if find_spec("openvino") else "tensorflow")
    for known in BACKENDS:
        if known == backend:
            if find_spec(backend):
                return known
            raise BackendError(
                f"the {backend} backend is not installed: run `pip install {backend}` "
                "or leave --backend out"
            )
    raise BackendError(f"unknown backend {backend!r}: one of {', '.join(BACKENDS)}")
