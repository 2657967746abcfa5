"""The engine on a backend of Keras: TensorFlow, JAX or PyTorch; and the import of Keras on one."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path

import numpy as np

from vswin_cli.engines.base import Backend, Outputs, Precision
from vswin_cli.errors import BackendError
from vswin_cli.system.native_stderr import native_stderr_dropped
from vswin_cli.zoo.architectures import Size
from vswin_cli.zoo.models import Model


class KerasEngine:
    """Runs the Keras model as its backend runs it."""

    def __init__(
        self,
        model: Model,
        weights_file: Path,
        precision: Precision,
        view_size: Size,
        with_top: bool,
        backend: Backend,
        num_threads: int | None,
    ) -> None:
        import_keras(backend)
        if num_threads is not None:
            limit_threads(backend, num_threads)
        from vswin_cli.network.inference import build_inference_model  # noqa: PLC0415

        self.backend = backend
        self.precision = precision
        dtype = "float32" if precision == "float32" else "mixed_bfloat16"
        self._model = build_inference_model(model, weights_file, view_size, with_top, dtype)
        if backend == "tensorflow":
            # XLA compiles for ten seconds and is not faster on a CPU.
            self._model.compile(jit_compile=False)

    def compute(self, views: np.ndarray) -> Outputs:
        """Compute all views as one batch; see `Engine`."""
        probabilities, features = self._model.predict_on_batch(views)
        return Outputs(np.asarray(probabilities, np.float32), np.asarray(features, np.float32))


def import_keras(backend: str) -> None:
    """Import Keras on a backend; later imports of it, anywhere, get this one.

    Raises:
        BackendError: Keras already runs on another backend in this process, or the backend cannot
            be imported.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    # A user's keras.json would change the model; in this place none can be read or written.
    home = os.path.join(os.devnull, "keras")  # noqa: PTH118
    try:
        # TensorFlow remarks on its CPU and the missing GPU.
        with (
            native_stderr_dropped(),
            _without("matplotlib"),
            _environment(KERAS_BACKEND=backend, KERAS_HOME=home),
        ):
            keras = import_module("keras")
    except ImportError as exc:
        raise BackendError(f"cannot import keras on {backend}: {exc}; reinstall {backend}") from exc
    if keras.config.backend() != backend:
        raise BackendError(
            f"keras already runs on {keras.config.backend()} in this process; "
            f"{backend} needs a process of its own"
        )


def limit_threads(backend: str, num_threads: int) -> None:
    """Tell the backend how many threads to compute with on the CPU.

    Keras runs on it, and has not computed yet: TensorFlow and JAX do not listen later.
    """
    if backend == "torch":
        import_module("torch").set_num_threads(num_threads)
    elif backend == "tensorflow":
        threading = import_module("tensorflow").config.threading
        with suppress(RuntimeError):  # an engine of this process has computed
            threading.set_intra_op_parallelism_threads(num_threads)
            threading.set_inter_op_parallelism_threads(num_threads)
    elif backend == "jax":
        os.environ["NPROC"] = str(num_threads)  # by which XLA sizes its pools; JAX has no setting


@contextmanager
def _environment(**variables: str) -> Iterator[None]:
    """Set variables for as long as the context lasts."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@contextmanager
def _without(package: str) -> Iterator[None]:
    """Let a package seem absent, unless it is imported already.

    Keras imports matplotlib if it can, which is slow and makes folders in the home directory.
    """
    if package in sys.modules:
        yield
        return
    sys.modules[package] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        del sys.modules[package]
