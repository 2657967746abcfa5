"""OpenVINO's IR: a `.xml` of the graph and a `.bin` of its numbers."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import openvino
from openvino import opset16 as ops

from vswin_cli.export.network import EPSILON
from vswin_cli.export.request import Request, Run

LANGUAGE = "python"
EXAMPLE = """
import json, numpy as np, openvino

model = openvino.Core().read_model("{file}")
labels = json.loads(model.get_rt_info(["vswin", "labels"]).astype(str))
run = openvino.compile_model(model, "CPU")
{views}
found = run({{"views": views}})
{outputs} = (found[name] for name in {names})
"""


class OpenVinoGraph:
    """Makes nodes; see `Graph`."""

    def __init__(self, constants: Mapping[str, np.ndarray]) -> None:
        self._constants = constants
        self._made: dict[str, openvino.Node] = {}

    def constant(self, name: str) -> openvino.Node:
        if name not in self._made:
            values = self._constants[name]
            node = ops.constant(values, shared_memory=True)
            node.set_friendly_name(name)
            self._made[name] = ops.convert(node, "f32") if values.dtype == np.float16 else node
        return self._made[name]

    def number(self, value: float) -> openvino.Node:
        return ops.constant(np.float32(value))

    def reshape(self, x: openvino.Node, shape: Sequence[int]) -> openvino.Node:
        return ops.reshape(x, _integers(shape), special_zero=False)

    def transpose(self, x: openvino.Node, axes: Sequence[int]) -> openvino.Node:
        return ops.transpose(x, _integers(axes))

    def add(self, x: openvino.Node, y: openvino.Node) -> openvino.Node:
        return ops.add(x, y)

    def multiply(self, x: openvino.Node, y: openvino.Node) -> openvino.Node:
        return ops.multiply(x, y)

    def matmul(self, x: openvino.Node, y: openvino.Node) -> openvino.Node:
        return ops.matmul(x, y, transpose_a=False, transpose_b=False)

    def part(self, x: openvino.Node, axis: int, start: int, stop: int) -> openvino.Node:
        bounds = (_integers([number]) for number in (start, stop, 1, axis))
        return ops.slice(x, *bounds)

    def join(self, parts: Sequence[openvino.Node], axis: int) -> openvino.Node:
        return ops.concat(list(parts), axis)

    def pad(self, x: openvino.Node, after: Sequence[int]) -> openvino.Node:
        zero = self.number(0.0)
        return ops.pad(x, _integers([0] * len(after)), _integers(after), "constant", zero)

    def take(self, table: openvino.Node, rows: openvino.Node) -> openvino.Node:
        return ops.gather(table, rows, _integers(0))

    def where_different(
        self, a: openvino.Node, b: openvino.Node, value: openvino.Node, x: openvino.Node
    ) -> openvino.Node:
        return ops.select(ops.equal(a, b), x, value)

    def normalise(
        self, x: openvino.Node, gamma: openvino.Node, beta: openvino.Node
    ) -> openvino.Node:
        scaled = ops.mvn(x, _integers([-1]), True, EPSILON, "inside_sqrt")
        return ops.add(ops.multiply(scaled, gamma), beta)

    def gelu(self, x: openvino.Node) -> openvino.Node:
        return ops.gelu(x, "ERF")

    def softmax(self, x: openvino.Node) -> openvino.Node:
        return ops.softmax(x, -1)

    def mean(self, x: openvino.Node, axis: int) -> openvino.Node:
        return ops.reduce_mean(x, _integers([axis]), keep_dims=False)


def _integers(numbers: Sequence[int] | int) -> openvino.Node:
    return ops.constant(np.array(numbers, np.int64))


def write(request: Request, path: Path) -> None:
    """Write the IR, with its description in `rt_info`, below `vswin`."""
    network = request.network
    graph = OpenVinoGraph(request.stored)
    pixel = openvino.Type.f32 if network.is_normalised else openvino.Type.u8
    shape = openvino.PartialShape([request.batch or -1, *network.input_size, 3])
    views = ops.parameter(shape, pixel, name="views")
    views.output(0).set_names({"views"})
    results = []
    for name, output in zip(
        request.network.output_names, network.outputs(graph, ops.convert(views, "f32")), strict=True
    ):
        output.output(0).set_names({name})
        results.append(ops.result(output, name=name))
    model = openvino.Model(results, [views], request.name)
    for key, text in request.description.items():
        model.set_rt_info(text, ["vswin", key])
    openvino.save_model(model, path, compress_to_fp16=False)


def load(path: Path, request: Request) -> Run:
    """Open the files in OpenVINO, in the precision that they promise."""
    compiled = openvino.Core().compile_model(path, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})

    def run(views: np.ndarray) -> dict[str, np.ndarray]:
        found = compiled({"views": views})
        return {name: found[name].copy() for name in request.network.output_names}

    return run
