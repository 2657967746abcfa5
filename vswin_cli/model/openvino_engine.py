"""The engine on OpenVINO, the fastest on a CPU."""

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import openvino

from vswin_cli.model.engine import Backend, Precision
from vswin_cli.model.keras_backend import import_keras
from vswin_cli.zoo.architectures import Size
from vswin_cli.zoo.models import Model

_PRECISION_HINTS = {"float32": "f32", "bfloat16": "bf16"}


class OpenVinoEngine:
    """Runs the exported Keras model, compiled for one view at a time.

    The compilation is ours and not Keras's, which leaves the precision to the processor: those that
    have bfloat16 would compute in it unasked.
    """

    backend: Backend = "openvino"

    def __init__(
        self, model: Model, weights_file: Path, precision: Precision, view_size: Size
    ) -> None:
        self.precision = precision
        core = openvino.Core()
        with TemporaryDirectory(prefix="vswin-") as folder:
            graph = core.read_model(_export(model, weights_file, view_size, Path(folder)))
            graph.reshape([1, *view_size, 3])
            compiled = core.compile_model(
                graph,
                "CPU",
                {
                    "INFERENCE_PRECISION_HINT": _PRECISION_HINTS[precision],
                    "PERFORMANCE_HINT": "LATENCY",
                },
            )
        self._request = compiled.create_infer_request()

    def probabilities(self, views: np.ndarray) -> np.ndarray:
        """Compute (views, num_classes); see `Engine`."""
        return np.concatenate(
            [next(iter(self._request.infer([view[np.newaxis]]).values())).copy() for view in views]
        )


def _export(model: Model, weights_file: Path, view_size: Size, folder: Path) -> Path:
    """Write the model as OpenVINO's `.xml` and `.bin` files."""
    import_keras("openvino")
    from vswin_cli.model.inference import build_inference_model  # noqa: PLC0415

    path = folder / "model.xml"
    inference_model = build_inference_model(model, weights_file, view_size)
    inference_model.export(str(path), format="openvino", verbose=False)
    return path
