"""The engine on OpenVINO, the fastest on a CPU.

Its graph is exported from the Keras model once, then loaded from the cache without Keras.
"""

import hashlib
import logging
import os
import pickle
import subprocess
import sys
import tempfile
from collections.abc import Callable
from importlib.metadata import version
from itertools import cycle
from pathlib import Path

import numpy as np
import openvino
from openvino import opset16

from vswin_cli.engines.base import Backend, Engine, Outputs, Pending, Precision
from vswin_cli.engines.graph_cache import GRAPH, is_whole, prune, store
from vswin_cli.engines.keras import import_keras
from vswin_cli.errors import BackendError, VswinError
from vswin_cli.system.files import file_sha256
from vswin_cli.zoo.architectures import Size
from vswin_cli.zoo.models import Model

# Raise it when the same weights give other operations or constants, after a change in `network/` or
# in `_export` below. Graphs of other versions are never taken from the cache.
GRAPH_VERSION = 2

_NUM_QUEUED = 12  # views that keep the streams busy while this process does something else
_PRECISION_HINTS = {"float32": "f32", "bfloat16": "bf16"}
_EXPORT = "from vswin_cli.engines.openvino import serve_export; serve_export()"
_log = logging.getLogger(__name__)

Export = Callable[[Model, Path, Size, bool], openvino.Model]


class OpenVinoEngine(Engine):
    """Runs the exported Keras model, one view at a time, or one per stream.

    The model is compiled here, not by Keras, which would leave the precision to the processor: one
    with bfloat16 would use it without being asked.
    """

    backend: Backend = "openvino"
    precision: Precision

    def __init__(
        self,
        model: Model,
        weights_file: Path,
        precision: Precision,
        view_size: Size,
        with_head: bool,
        cache_folder: Path | None,
        cache_limit_bytes: int,
        num_threads: int,
        batch_size: int,
        spares_keras: bool = False,
    ) -> None:
        core = openvino.Core()
        graph = _load_graph(
            core,
            model,
            weights_file,
            view_size,
            with_head,
            cache_folder,
            cache_limit_bytes,
            _export_elsewhere if spares_keras else _export,
        )
        if "BF16" not in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES"):
            precision = "float32"  # some processors can only imitate bfloat16, twenty times slower
        compiled = core.compile_model(
            graph,
            "CPU",
            {
                "INFERENCE_PRECISION_HINT": _PRECISION_HINTS[precision],
                # One view per stream: threads that share a view wait for each other, above all for
                # threads whose processor is busy with a decoder.
                "NUM_STREAMS": batch_size,
                "INFERENCE_NUM_THREADS": num_threads,
                # Two runs with pinned threads would share the first processors.
                "ENABLE_CPU_PINNING": False,
            },
        )
        # The actual precision, as OpenVINO tells it.
        computed_in = compiled.get_property("INFERENCE_PRECISION_HINT")
        self.precision = "bfloat16" if computed_in == openvino.Type.bf16 else "float32"
        self.num_at_once = batch_size
        self.num_queued = _NUM_QUEUED
        self._turns = cycle(
            [_Turn(compiled.create_infer_request()) for _ in range(batch_size + _NUM_QUEUED)]
        )

    def start(self, views: np.ndarray) -> Pending:
        """Begin to compute one view; see `Engine`."""
        return next(self._turns).start(views)


class _Turn:
    """The request that computes one view at a time; its buffers are reused."""

    def __init__(self, request: openvino.InferRequest) -> None:
        self._request = request
        self._outputs = [tensor.data for tensor in request.output_tensors]
        self._views: np.ndarray | None = None

    def start(self, views: np.ndarray) -> Pending:
        if views is not self._views:
            self._request.set_input_tensor(openvino.Tensor(views, shared_memory=True))
            self._views = views
        self._request.start_async()
        return self._wait

    def _wait(self) -> Outputs:
        self._request.wait()
        return Outputs(*(output.copy() for output in self._outputs))


def _load_graph(
    core: openvino.Core,
    model: Model,
    weights_file: Path,
    view_size: Size,
    with_head: bool,
    cache_folder: Path | None,
    cache_limit_bytes: int,
    export: Export,
) -> openvino.Model:
    """Return the graph from one uint8 view (1, T, H, W, 3) to the fields of `Outputs`, in order.

    If the cache folder cannot be used, the model is exported each time.

    Args:
        core: Reads graphs from the cache.
        model: As for `build_inference_model`, like the next three.
        weights_file: The weights file; its content is part of the entry's name.
        view_size: (T, H, W).
        with_head: Whether the file has a head.
        cache_folder: Where graphs are kept; None keeps nothing.
        cache_limit_bytes: Size limit of all graphs; the least recently used ones are removed first.
        export: Makes the graph if it is not in the cache.

    Raises:
        WeightsNotFoundError, CheckpointError: As for `read_checkpoint`.
    """

    def exported() -> openvino.Model:
        # Report a wrong file before importing Keras, which takes seconds.
        from vswin_cli.network.checkpoint import check_layout  # noqa: PLC0415 - imports HDF5

        check_layout(weights_file, model.architecture, model.num_classes if with_head else None)
        return export(model, weights_file, view_size, with_head)

    if cache_folder is None or not os.path.isfile(weights_file):  # noqa: PTH113 - never raises
        return exported()
    try:
        entry = cache_folder / _entry_name(model, weights_file, view_size)
        if is_whole(entry):
            return core.read_model(entry / GRAPH)
    except (OSError, RuntimeError) as exc:  # an error of OpenVINO, if the entry was just pruned
        _log.info("the cache %s is not read: %s", cache_folder, exc)
        return exported()
    graph = exported()
    try:
        store(entry, lambda xml, constants: openvino.serialize(graph, xml, constants))
        prune(cache_folder, cache_limit_bytes, keep=entry)
    except (OSError, RuntimeError) as exc:  # OpenVINO reports a full disk as a RuntimeError
        _log.info("the cache %s is not written: %s", cache_folder, exc)
    return graph


def _entry_name(model: Model, weights_file: Path, view_size: Size) -> str:
    """Make the name of an entry from everything that the graph depends on."""
    parts = (
        str(GRAPH_VERSION),
        file_sha256(weights_file),
        # The weights of a custom model do not determine its window or heads.
        repr((model.architecture, model.num_classes, model.is_multi_label)),
        "x".join(map(str, view_size)),
        version("keras"),
        version("openvino"),
    )
    return f"{model.name}-{hashlib.sha256(' '.join(parts).encode()).hexdigest()[:32]}"


def _export(model: Model, weights_file: Path, view_size: Size, with_head: bool) -> openvino.Model:
    """Call the Keras model on the OpenVINO backend of Keras, with the input of a graph."""
    import_keras("openvino")
    from keras import ops  # noqa: PLC0415 - both after the above

    from vswin_cli.network.inference import build_inference_model  # noqa: PLC0415

    inference_model = build_inference_model(model, weights_file, view_size, with_head)
    views = opset16.parameter([1, *view_size, 3], openvino.Type.u8, name="views")
    keras_tensor = type(ops.convert_to_tensor(0.0))  # the class that wraps the outputs of a graph
    outputs = inference_model(keras_tensor(views.output(0)))
    results = [opset16.result(output.output) for output in outputs]
    return openvino.Model(results, [views], model.name)


def _export_elsewhere(
    model: Model, weights_file: Path, view_size: Size, with_head: bool
) -> openvino.Model:
    """Export in a separate process, so that Keras in this process can have any backend.

    Raises:
        VswinError: As for `_export`.
        BackendError: The process fails.
    """
    # Windows cannot remove a file that is mapped into memory.
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        graph, constants = Path(folder, "model.xml"), Path(folder, "model.bin")
        error = Path(folder, "error.pickle")  # libraries may print to standard output
        asked = pickle.dumps((model, weights_file, view_size, with_head, graph, constants, error))
        done = subprocess.run(
            [sys.executable, "-P", "-c", _EXPORT],
            input=asked,
            capture_output=True,
            check=False,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )
        if error.exists():
            told: VswinError = pickle.loads(error.read_bytes())
            raise told
        if done.returncode:
            reason = done.stderr.decode(errors="replace").strip().rpartition("\n")[2]
            raise BackendError(f"cannot export {model.name} in a separate process: {reason}")
        return openvino.Core().read_model(graph, constants)


def serve_export() -> None:
    """Export by the arguments on standard input; write an error to the file that they name."""
    *what, graph, constants, file = pickle.load(sys.stdin.buffer)
    try:
        openvino.serialize(_export(*what), graph, constants)
    except VswinError as error:
        file.write_bytes(pickle.dumps(error))
