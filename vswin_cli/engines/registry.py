"""The backends, and the engine of each."""

import logging
from functools import partial
from importlib.util import find_spec
from pathlib import Path

from vswin_cli.engines.base import BACKENDS, Backend, Engine, Precision
from vswin_cli.engines.choice import fastest_backend
from vswin_cli.engines.gpu import visible_gpus
from vswin_cli.errors import BackendError
from vswin_cli.system.platform import PASSES_DESCRIPTORS
from vswin_cli.system.processors import available_processors
from vswin_cli.zoo.architectures import Size
from vswin_cli.zoo.models import Model

_MOST_STREAMS = 4  # views that a CPU computes at once; they share the threads

_log = logging.getLogger(__name__)


def load_engine(
    model: Model,
    weights_file: Path,
    *,
    backend: str,
    precision: Precision,
    view_size: Size,
    with_head: bool = True,
    cache_folder: Path | None = None,
    cache_limit_bytes: int = 5_000_000_000,
    threads: int | None = None,
    batch_size: int | None = None,
    num_views: int = 1,
    uses_all_gpus: bool = False,
    spares_keras: bool = False,
) -> Engine:
    """Load a model's weights into the engine of a backend.

    Args:
        model: The model, with its architecture and classes.
        weights_file: Its weights file.
        backend: One of `Backend`, or `auto` for the fastest on this machine.
        precision: Arithmetic; probabilities are always float32.
        view_size: (T, H, W) of the views.
        with_head: Whether the file has a head; without one, the engine gives only features.
        cache_folder: Where an engine may keep compiled models; None keeps nothing.
        cache_limit_bytes: Size limit of the folder; the oldest entries are removed first.
        threads: CPU threads; None is the number of processors.
        batch_size: Views to compute at once, at most; None is the fastest number.
        num_views: Views per video; if it is 1, a single view must be fast.
        uses_all_gpus: Whether to start a process per GPU, if there are several.
        spares_keras: Whether to leave Keras in this process as it is, unless its backend computes.
            This includes the threads of a backend, unless `threads` is given.

    Raises:
        WeightsNotFoundError, CheckpointError: As for `read_checkpoint`.
        BackendError: The backend is not installed, or Keras already runs on another one.
    """
    chosen = resolve_backend(backend, cache_folder)
    num_threads = threads or available_processors()
    _log.info("backend: %s, %d thread(s)", chosen, num_threads)
    can_share = uses_all_gpus and PASSES_DESCRIPTORS and chosen != "openvino"
    if can_share and len(gpus := visible_gpus()) > 1:
        from vswin_cli.engines.several import SeveralEngines  # noqa: PLC0415

        load_one = partial(
            load_engine,
            model,
            weights_file,
            backend=chosen,
            precision=precision,
            view_size=view_size,
            with_head=with_head,
            cache_folder=cache_folder,
            threads=threads,
            batch_size=batch_size,
        )
        return SeveralEngines(gpus, load_one)
    # The engines are imported here because Keras sets its backend when it is imported.
    if chosen == "openvino":
        from vswin_cli.engines.openvino import OpenVinoEngine  # noqa: PLC0415

        return OpenVinoEngine(
            model,
            weights_file,
            precision,
            view_size,
            with_head,
            cache_folder,
            cache_limit_bytes,
            num_threads,
            batch_size or min(num_views, num_threads, _MOST_STREAMS),
            spares_keras,
        )
    limit = threads if spares_keras else num_threads
    if chosen == "torch":
        from vswin_cli.engines.torch import TorchEngine  # noqa: PLC0415

        return TorchEngine(
            model, weights_file, precision, view_size, with_head, limit, batch_size, cache_folder
        )
    from vswin_cli.engines.keras import KerasEngine  # noqa: PLC0415

    return KerasEngine(
        model, weights_file, precision, view_size, with_head, chosen, limit, batch_size
    )


def resolve_backend(backend: str, cache_folder: Path | None = None) -> Backend:
    """Resolve `auto` to the fastest backend on this machine, measured if there is a GPU.

    Args:
        backend: One of `Backend`, or `auto`.
        cache_folder: Where to keep measurements.

    Raises:
        BackendError: The chosen backend is not installed.
    """
    if backend == "auto":
        on_cpu: Backend = "openvino" if find_spec("openvino") else "tensorflow"
        return fastest_backend(on_cpu, cache_folder)
    for known in BACKENDS:
        if known == backend:
            if find_spec(backend):
                return known
            raise BackendError(
                f"the {backend} backend is not installed: run `pip install {backend}` "
                "or choose another"
            )
    raise BackendError(f"unknown backend {backend!r}: one of {', '.join(BACKENDS)}")
