"""The engine on Keras with TensorFlow or JAX, and the import of Keras on a backend."""

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from vswin_cli.engines.base import (
    BATCH_ON_GPU,
    Backend,
    Engine,
    Outputs,
    Pending,
    Precision,
)
from vswin_cli.errors import BackendError
from vswin_cli.system.late_import import imported_when_used
from vswin_cli.system.native_stderr import native_stderr_dropped
from vswin_cli.zoo.architectures import Size
from vswin_cli.zoo.models import Model


class KerasEngine(Engine):
    """Runs the Keras model, compiled by its backend; on a GPU by XLA, for batches of one size.

    Args:
        model: The model, with its architecture and classes.
        weights_file: Its weights file.
        precision: Arithmetic.
        view_size: (T, H, W).
        with_head: Whether the file has a head.
        backend: TensorFlow or JAX.
        num_threads: CPU threads; None keeps the default of the backend.
        batch_size: Views per batch; None is 1 on a CPU, and on a GPU 32 or as many as fit into its
            memory.

    Raises:
        BackendError: Keras already runs on another backend, or the backend cannot be imported.
    """

    def __init__(
        self,
        model: Model,
        weights_file: Path,
        precision: Precision,
        view_size: Size,
        with_head: bool,
        backend: Backend,
        num_threads: int | None,
        batch_size: int | None,
    ) -> None:
        import_keras(backend)
        if num_threads is not None:
            limit_threads(backend, num_threads)
        from vswin_cli.network.inference import build_inference_model  # noqa: PLC0415

        self.backend = backend
        self.precision = precision
        dtype = "float32" if precision == "float32" else "mixed_bfloat16"
        network = build_inference_model(model, weights_file, view_size, with_head, dtype)
        make = _on_jax if backend == "jax" else _on_tensorflow
        self._call, self._is_on_gpu = make(network, view_size)
        self.batch_size = batch_size or (BATCH_ON_GPU if self._is_on_gpu else 1)
        if self._is_on_gpu:
            self.num_at_once = 2  # one is copied while another is computed
            self._shrink_to_memory(view_size, is_asked_for=batch_size is not None)

    def start(self, views: np.ndarray) -> Pending:
        """Begin to compute a batch; see `Engine`."""
        count = len(views)
        if count < self.batch_size and self._is_on_gpu:
            padded = self.new_batch(views.shape[1:])
            padded[:count] = views
            views = padded
        outputs = self._call(views)
        return lambda: Outputs(*(np.asarray(each, np.float32)[:count] for each in outputs))

    def _shrink_to_memory(self, view_size: Size, *, is_asked_for: bool) -> None:
        """Compile, with fewer views if the memory is too small."""
        while True:
            try:
                self.start(np.zeros((self.batch_size, *view_size, 3), np.uint8))()
            except Exception as exc:
                if "RESOURCE_EXHAUSTED" not in repr(exc) or is_asked_for or self.batch_size == 1:
                    raise
                self.batch_size //= 2
            else:
                return


Call = Callable[[np.ndarray], Sequence[Any]]


def _on_tensorflow(network: Any, view_size: Size) -> tuple[Call, bool]:  # noqa: ANN401 - a Keras model
    """Compile for TensorFlow; also return whether it computes on a GPU."""
    tf = import_module("tensorflow")
    is_on_gpu = bool(tf.config.list_physical_devices("GPU"))
    tf.config.experimental.enable_tensor_float_32_execution(False)
    call: Call = tf.function(
        lambda views: network(views, training=False),
        input_signature=[tf.TensorSpec((None, *view_size, 3), tf.uint8)],
        # On a CPU, XLA compiles for ten seconds and is not faster.
        jit_compile=is_on_gpu,
    )
    return call, is_on_gpu


def _on_jax(network: Any, view_size: Size) -> tuple[Call, bool]:  # noqa: ANN401
    """Compile for JAX; also return whether it computes on a GPU."""
    jax = import_module("jax")
    kinds = (network.trainable_variables, network.non_trainable_variables)
    state = [[variable.value for variable in variables] for variables in kinds]
    compiled = jax.jit(lambda state, views: network.stateless_call(*state, views)[0])

    def call(views: np.ndarray) -> Sequence[Any]:
        with jax.default_matmul_precision("float32"):  # the default of a GPU is less exact
            outputs: Sequence[Any] = compiled(state, views)
        return outputs

    return call, jax.default_backend() != "cpu"


def import_keras(backend: str) -> None:
    """Import Keras on a backend; all later imports use this backend.

    Raises:
        BackendError: Keras already runs on another backend in this process, or the backend cannot
            be imported.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    # A user's keras.json would change the model; here it can be neither read nor written.
    home = os.path.join(os.devnull, "keras")  # noqa: PTH118
    try:
        # TensorFlow prints remarks about the CPU and the missing GPU.
        with (
            native_stderr_dropped(),
            without_extras(),
            _environment(KERAS_BACKEND=backend, KERAS_HOME=home),
        ):
            keras = import_module("keras")
    except ImportError as exc:
        raise BackendError(f"cannot import keras on {backend}: {exc}; reinstall {backend}") from exc
    if keras.config.backend() != backend:
        raise BackendError(
            f"keras already runs on {keras.config.backend()} in this process; "
            f"{backend} needs a separate process"
        )


def limit_threads(backend: str, num_threads: int) -> None:
    """Set the number of CPU threads of the backend.

    Call it when Keras is imported but has not computed yet; later it has no effect on TensorFlow
    and JAX.
    """
    if backend == "tensorflow":
        threading = import_module("tensorflow").config.threading
        with suppress(RuntimeError):  # an engine of this process has computed
            threading.set_intra_op_parallelism_threads(num_threads)
            threading.set_inter_op_parallelism_threads(num_threads)
    elif backend == "jax":
        os.environ["NPROC"] = str(num_threads)  # XLA sizes its pools by it; JAX has no setting


@contextmanager
def _environment(**variables: str) -> Iterator[None]:
    """Set environment variables while the context lasts."""
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
def without_extras() -> Iterator[None]:
    """Import neither matplotlib nor scikit-learn, and SciPy's filters only when they are used.

    Keras imports all of them, if it can, and uses none here. Each takes a second, and matplotlib
    also creates folders in the home folder. What is imported already stays.
    """
    hidden: dict[str, ModuleType | None] = {
        "matplotlib": None,
        "sklearn": None,
        "scipy.signal": imported_when_used("scipy.signal"),
    }
    hidden = {name: module for name, module in hidden.items() if name not in sys.modules}
    sys.modules.update(hidden)  # type: ignore[arg-type]
    try:
        yield
    finally:
        for name, module in hidden.items():
            if sys.modules.get(name) is module:
                sys.modules.pop(name, None)
