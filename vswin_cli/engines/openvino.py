"""The engine on OpenVINO, the fastest on a CPU.

Its graph is exported from the Keras model once, and then found in the cache without Keras.
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

# Raise it when other operations, or other numbers in them, come of the same weights: a change of
# `network/`, or of `_export` here. A graph of another version is never taken from the cache.
GRAPH_VERSION = 1

_PRECISION_HINTS = {"float32": "f32", "bfloat16": "bf16"}
_EXPORT = "from vswin_cli.engines.openvino import serve_export; serve_export()"
_log = logging.getLogger(__name__)

Export = Callable[[Model, Path, Size, bool], openvino.Model]


class OpenVinoEngine(Engine):
    """Runs the exported Keras model, one view at a time, or one on each of several streams.

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
        batch_size: int,
        spares_keras: bool = False,
    ) -> None:
        core = openvino.Core()
        graph = _load_graph(
            core,
            model,
            weights_file,
            view_size,
            with_top,
            cache_folder,
            cache_limit_bytes,
            _export_elsewhere if spares_keras else _export,
        )
        compiled = core.compile_model(
            graph,
            "CPU",
            {
                "INFERENCE_PRECISION_HINT": _PRECISION_HINTS[precision],
                # A view on each: threads that share one wait for each other, for those above all
                # that a decoder keeps from their processor.
                "NUM_STREAMS": batch_size,
                "INFERENCE_NUM_THREADS": num_threads,
                # Two runs that pin would meet on the first processors and leave others idle.
                "ENABLE_CPU_PINNING": False,
            },
        )
        # What the processor does: one without bfloat16 computes in float32.
        computed_in = compiled.get_property("INFERENCE_PRECISION_HINT")
        self.precision = "bfloat16" if computed_in == openvino.Type.bf16 else "float32"
        self.num_at_once = batch_size
        self._turns = cycle([_Turn(compiled.create_infer_request()) for _ in range(batch_size)])

    def start(self, views: np.ndarray) -> Pending:
        """Begin to compute one view; see `Engine`."""
        return next(self._turns).start(views)


class _Turn:
    """What one view at a time goes through; its input and outputs stay where they are."""

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
    with_top: bool,
    cache_folder: Path | None,
    cache_limit_bytes: int,
    export: Export,
) -> openvino.Model:
    """Return the graph from one uint8 view (1, T, H, W, 3) to its `Outputs`, in their order.

    A cache folder that cannot be used costs the export anew, and nothing else.

    Args:
        core: Reads what is in the cache.
        model: As of `build_inference_model`, like the next three.
        weights_file: The published file; its content is part of the entry's name.
        view_size: (T, H, W).
        with_top: Whether the file has a head.
        cache_folder: Where graphs are kept; None keeps nothing.
        cache_limit_bytes: The least recently used graphs go when all together are larger.
        export: Makes the graph where the cache does not have it.

    Raises:
        WeightsNotFoundError, CheckpointError: As `read_checkpoint`.
    """

    def exported() -> openvino.Model:
        # A wrong file is told before Keras is imported, which takes seconds.
        from vswin_cli.network.checkpoint import check_layout  # noqa: PLC0415 - imports HDF5

        check_layout(weights_file, model.architecture, model.num_classes if with_top else None)
        return export(model, weights_file, view_size, with_top)

    if cache_folder is None or not os.path.isfile(weights_file):  # noqa: PTH113 - never raises
        return exported()
    try:
        entry = cache_folder / _entry_name(model, weights_file, view_size)
        if is_whole(entry):
            return core.read_model(entry / GRAPH)
    except (OSError, RuntimeError) as exc:  # OpenVINO's, if the entry has just been pruned
        _log.info("the cache %s is not read: %s", cache_folder, exc)
        return exported()
    graph = exported()
    try:
        store(entry, lambda xml, constants: openvino.serialize(graph, xml, constants))
        prune(cache_folder, cache_limit_bytes, keep=entry)
    except (OSError, RuntimeError) as exc:  # OpenVINO reports a full disk as the latter
        _log.info("the cache %s is not written: %s", cache_folder, exc)
    return graph


def _entry_name(model: Model, weights_file: Path, view_size: Size) -> str:
    """Everything that the graph depends on."""
    parts = (
        str(GRAPH_VERSION),
        file_sha256(weights_file),
        # Of a custom model, the weights alone do not tell the window or the heads.
        repr((model.architecture, model.num_classes, model.is_multi_label)),
        "x".join(map(str, view_size)),
        version("keras"),
        version("openvino"),
    )
    return f"{model.name}-{hashlib.sha256(' '.join(parts).encode()).hexdigest()[:32]}"


def _export(model: Model, weights_file: Path, view_size: Size, with_top: bool) -> openvino.Model:
    """Call the Keras model, on Keras's OpenVINO backend, with a graph's input."""
    import_keras("openvino")
    from keras import ops  # noqa: PLC0415 - both after the above

    from vswin_cli.network.inference import build_inference_model  # noqa: PLC0415

    inference_model = build_inference_model(model, weights_file, view_size, with_top)
    views = opset16.parameter([1, *view_size, 3], openvino.Type.u8, name="views")
    keras_tensor = type(ops.convert_to_tensor(0.0))  # the class that wraps a graph's outputs
    outputs = inference_model(keras_tensor(views.output(0)))
    results = [opset16.result(output.output) for output in outputs]
    return openvino.Model(results, [views], model.name)


def _export_elsewhere(
    model: Model, weights_file: Path, view_size: Size, with_top: bool
) -> openvino.Model:
    """Export in a process that ends with it, so that this one's Keras keeps, or gets, any backend.

    Raises:
        VswinError: As `_export`.
        BackendError: The process fails.
    """
    with tempfile.TemporaryDirectory() as folder:
        graph, constants = Path(folder, "model.xml"), Path(folder, "model.bin")
        asked = pickle.dumps((model, weights_file, view_size, with_top, graph, constants))
        done = subprocess.run(
            [sys.executable, "-P", "-c", _EXPORT],
            input=asked,
            capture_output=True,
            check=False,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )
        error = pickle.loads(done.stdout) if done.returncode == 0 and done.stdout else None
        if isinstance(error, VswinError):
            raise error
        if done.returncode:
            reason = done.stderr.decode(errors="replace").strip().rpartition("\n")[2]
            raise BackendError(f"cannot export {model.name} in a separate process: {reason}")
        return openvino.Core().read_model(graph, constants)


def serve_export() -> None:
    """Export by the arguments on standard input; tell an error on standard output."""
    *what, graph, constants = pickle.load(sys.stdin.buffer)
    try:
        openvino.serialize(_export(*what), graph, constants)
    except VswinError as error:
        sys.stdout.buffer.write(pickle.dumps(error))
