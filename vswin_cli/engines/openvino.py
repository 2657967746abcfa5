"""The engine on OpenVINO, the fastest on a CPU."""

from pathlib import Path

import numpy as np
import openvino

from vswin_cli.engines.base import Backend, Outputs, Precision
from vswin_cli.engines.graph import load_graph
from vswin_cli.zoo.architectures import Size
from vswin_cli.zoo.models import Model

_PRECISION_HINTS = {"float32": "f32", "bfloat16": "bf16"}


class OpenVinoEngine:
    """Runs the exported Keras model, one view at a time.

    The compilation is ours and not Keras's, which leaves the precision to the processor: those that
    have bfloat16 would compute in it unasked.
    """

    backend: Backend = "openvino"
    precision: Precision

    def __init__(
        self,
        model: Model,
        weights_file: Path,
        precision: Precision,
        view_size: Size,
        with_top: bool,
        cache_folder: Path | None,
        cache_limit_bytes: int,
        num_threads: int,
    ) -> None:
        core = openvino.Core()
        graph = load_graph(
            core, model, weights_file, view_size, with_top, cache_folder, cache_limit_bytes
        )
        compiled = core.compile_model(
            graph,
            "CPU",
            {
                "INFERENCE_PRECISION_HINT": _PRECISION_HINTS[precision],
                "PERFORMANCE_HINT": "LATENCY",
                "INFERENCE_NUM_THREADS": num_threads,
                # Two runs that pin would meet on the first processors and leave others idle.
                "ENABLE_CPU_PINNING": False,
            },
        )
        # What the processor does: one without bfloat16 computes in float32.
        computed_in = compiled.get_property("INFERENCE_PRECISION_HINT")
        self.precision = "bfloat16" if computed_in == openvino.Type.bf16 else "float32"
        self._request = compiled.create_infer_request()

    def compute(self, views: np.ndarray) -> Outputs:
        """Compute one view after the other; see `Engine`."""
        probabilities, features = zip(
            *(self._infer(view[np.newaxis]) for view in views), strict=True
        )
        return Outputs(np.concatenate(probabilities), np.concatenate(features))

    def _infer(self, view: np.ndarray) -> list[np.ndarray]:
        self._request.infer([view], share_inputs=True)
        return [np.array(tensor.data) for tensor in self._request.output_tensors]
