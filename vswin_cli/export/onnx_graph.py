"""ONNX: a graph of opset 17, whose initializers have the names of the model's variables."""

from collections.abc import Mapping, Sequence
from itertools import count
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

from vswin_cli.export.network import EPSILON
from vswin_cli.export.request import Request, Run

OPSET = 17  # the first with LayerNormalization
_IR_VERSION = 8  # of that time; newer numbers are refused by older runtimes
_MAX_BYTES = 1_900_000_000  # of one file; protobuf's limit is 2 GiB

LANGUAGE = "python"
EXAMPLE = """
import json, numpy as np, onnxruntime

session = onnxruntime.InferenceSession("{file}")
labels = json.loads(session.get_modelmeta().custom_metadata_map["labels"])
{views}
{outputs} = session.run({names}, {{"views": views}})
"""


class OnnxGraph:
    """Adds nodes and numbers to a model, each in memory once; see `Graph`. Tensors are names."""

    def __init__(self, constants: Mapping[str, np.ndarray]) -> None:
        self.model = onnx.ModelProto()
        self.num_bytes = 0
        self._constants = constants
        self._names = count(1)
        self._made: dict[object, str] = {}

    def constant(self, name: str) -> str:
        if name not in self._made:
            values = self._constants[name]
            if values.dtype == np.float16:
                self._add_initializer(f"{name}/half", values)
                self._made[name] = self._node("Cast", f"{name}/half", to=TensorProto.FLOAT)
            else:
                self._made[name] = self._add_initializer(name, values)
        return self._made[name]

    def number(self, value: float) -> str:
        if value not in self._made:
            self._made[value] = self._small(np.array(value, np.float32))
        return self._made[value]

    def reshape(self, x: str, shape: Sequence[int]) -> str:
        return self._node("Reshape", x, self._integers(shape))

    def transpose(self, x: str, axes: Sequence[int]) -> str:
        return self._node("Transpose", x, perm=list(axes))

    def add(self, x: str, y: str) -> str:
        return self._node("Add", x, y)

    def multiply(self, x: str, y: str) -> str:
        return self._node("Mul", x, y)

    def matmul(self, x: str, y: str) -> str:
        return self._node("MatMul", x, y)

    def part(self, x: str, axis: int, start: int, stop: int) -> str:
        bounds = [self._integers([number]) for number in (start, stop, axis)]
        return self._node("Slice", x, *bounds)

    def join(self, parts: Sequence[str], axis: int) -> str:
        return self._node("Concat", *parts, axis=axis)

    def pad(self, x: str, after: Sequence[int]) -> str:
        return self._node("Pad", x, self._integers([0] * len(after) + list(after)))

    def take(self, table: str, rows: str) -> str:
        return self._node("Gather", table, rows, axis=0)

    def where_different(self, a: str, b: str, value: str, x: str) -> str:
        return self._node("Where", self._node("Equal", a, b), x, value)

    def normalise(self, x: str, gamma: str, beta: str) -> str:
        return self._node("LayerNormalization", x, gamma, beta, axis=-1, epsilon=EPSILON)

    def gelu(self, x: str) -> str:
        # Opset 20 has Gelu; runtimes recognise this form, and older ones have Erf.
        erf = self._node("Erf", self.multiply(x, self.number(0.5**0.5)))
        return self.multiply(self.multiply(x, self.add(erf, self.number(1.0))), self.number(0.5))

    def softmax(self, x: str) -> str:
        return self._node("Softmax", x, axis=-1)

    def mean(self, x: str, axis: int) -> str:
        return self._node("ReduceMean", x, axes=[axis], keepdims=0)

    def as_float(self, x: str) -> str:
        """Convert whole numbers to float32."""
        return self._node("Cast", x, to=TensorProto.FLOAT)

    def named(self, x: str, name: str) -> None:
        """Give an output its name."""
        self.model.graph.node.append(
            helper.make_node("Identity", [x], [name], name=f"output/{name}")
        )

    def _node(self, kind: str, *inputs: str, **attributes: object) -> str:
        name = f"{kind}_{next(self._names)}"
        self.model.graph.node.append(
            helper.make_node(kind, list(inputs), [name], name=name, **attributes)
        )
        return name

    def _integers(self, numbers: Sequence[int]) -> str:
        key = tuple(numbers)
        if key not in self._made:
            self._made[key] = self._small(np.array(key, np.int64))
        return self._made[key]

    def _small(self, values: np.ndarray) -> str:
        return self._add_initializer(f"constant_{next(self._names)}", np.asarray(values))

    def _add_initializer(self, name: str, values: np.ndarray) -> str:
        tensor = numpy_helper.from_array(np.ascontiguousarray(values), name)
        self.model.graph.initializer.append(tensor)
        self.num_bytes += len(tensor.raw_data)
        return name


def write(request: Request, path: Path) -> None:
    """Write the model; if the numbers are too many for one file, they go next to it."""
    network = request.network
    graph = OnnxGraph(request.stored)
    outputs = network.outputs(graph, graph.as_float("views"))
    for name, output in zip(network.output_names, outputs, strict=True):
        graph.named(output, name)
    batch = request.batch or "batch"
    pixel = TensorProto.FLOAT if network.is_normalised else TensorProto.UINT8
    model = graph.model
    model.graph.name = request.name
    model.graph.input.append(
        helper.make_tensor_value_info("views", pixel, [batch, *network.input_size, 3])
    )
    for name, width in request.output_widths.items():
        model.graph.output.append(
            helper.make_tensor_value_info(name, TensorProto.FLOAT, [batch, width])
        )
    model.ir_version = _IR_VERSION
    model.opset_import.append(helper.make_opsetid("", OPSET))
    model.producer_name, model.producer_version = "vswin", request.description["vswin"]
    helper.set_model_props(model, request.description)
    is_large = graph.num_bytes > _MAX_BYTES
    location = f"{path.name}.data" if is_large else None
    onnx.save_model(model, path, save_as_external_data=is_large, location=location)
    onnx.checker.check_model(path, full_check=True)


def load(path: Path, request: Request) -> Run:
    """Open the file in ONNX Runtime."""
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    names = list(request.network.output_names)
    return lambda views: dict(zip(names, session.run(names, {"views": views}), strict=True))
