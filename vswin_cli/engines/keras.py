"""The engine on one of Keras's own backends: TensorFlow, JAX or PyTorch."""

from pathlib import Path

import numpy as np

from vswin_cli.engines.base import Backend, Outputs, Precision
from vswin_cli.engines.keras_backend import import_keras, limit_threads
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
        num_threads: int,
    ) -> None:
        import_keras(backend)
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
