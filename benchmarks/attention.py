"""The time of a view on OpenVINO by kind of kernel, and the gain of changes to its attention.

    python benchmarks/attention.py swin-t-k400 --precision float32 --rounds 7

Prints the time per kind of kernel and of the bare matrix products, and the time of changed graphs,
in turns with the unchanged one. Two of the changes compute wrong numbers, and are bounds: without
masks (grouping windows so that most need none gains less), and without transposes after the product
for queries, keys and values (a layout without them gains less). Weights are random numbers, which
do not affect the time.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

import numpy as np
import openvino
from engines import matrix_products  # in this folder
from openvino import opset13

from vswin_cli.engines.openvino import _PRECISION_HINTS, _export
from vswin_cli.system.processors import available_processors
from vswin_cli.zoo.catalog import find_model

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

Compute = Callable[[], object]


def as_it_is(graph: openvino.Model) -> None:
    """Change nothing."""


def fused(graph: openvino.Model) -> None:
    """Make each attention one operation, with bias and mask as its addend."""
    for node in graph.get_ordered_ops():
        if node.get_type_name() != "Softmax" or len(node.get_output_partial_shape(0)) != 4:
            continue
        scores, mask = _before(node.input_value(0)), None
        if scores.get_type_name() == "Select":
            mask = opset13.select(
                scores.input_value(0), _number(-1e30), _number(0.0)
            )  # masked scores, as in the graph
            scores = _before(scores.input_value(2))
        product, bias = _before(scores.input_value(0)), _value(scores.input_value(1))
        queries = _value(product.input_value(0))
        keys = _value(_before(product.input_value(1)).input_value(0))
        weighted = _after(node)
        addend = opset13.unsqueeze(bias, opset13.constant(0))
        if mask is not None:
            addend = opset13.add(addend, mask)
        attention = opset13.scaled_dot_product_attention(
            queries, keys, _value(weighted.input_value(1)), addend, _number(1.0), causal=False
        )
        _replace(weighted, attention.output(0))


def unmasked(graph: openvino.Model) -> None:
    """Leave out every mask."""
    for node in graph.get_ordered_ops():
        if node.get_type_name() == "Select":
            _replace(node, node.input_value(2))


def untransposed(graph: openvino.Model) -> None:
    """Use queries, keys and values without transposing them, so the result is wrong."""
    for node in graph.get_ordered_ops():
        shape = node.get_output_partial_shape(0)
        if node.get_type_name() == "Transpose" and len(shape) == 5:
            sizes = np.array([side.get_length() if side.is_static else -1 for side in shape])
            taken = opset13.reshape(node.input_value(0), opset13.constant(sizes), False)
            _replace(node, taken.output(0))


def int8_weights(graph: openvino.Model) -> None:
    """Keep the weights of dense layers in 8 bits, with a scale per column."""
    for node in graph.get_ordered_ops():
        if node.get_type_name() != "MatMul":
            continue
        kernel = _before(node.input_value(1))
        if kernel.get_type_name() != "Constant" or len(kernel.get_output_shape(0)) != 2:
            continue
        values = kernel.get_data().astype(np.float32)
        scale = np.abs(values).max(0, keepdims=True) / 127
        rounded = opset13.constant(np.round(values / scale).astype(np.int8))
        whole = opset13.multiply(opset13.convert(rounded, np.float32), opset13.constant(scale))
        node.input(1).replace_source_output(whole.output(0))


CHANGES: dict[str, Callable[[openvino.Model], None]] = {
    "as it is": as_it_is,
    "one operation per attention": fused,
    "int8 weights": int8_weights,
    "no masks (a bound)": unmasked,
    "no transposes of q, k and v (a bound)": untransposed,
}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", nargs="?", default="swin-t-k400")
    parser.add_argument("--precision", choices=tuple(_PRECISION_HINTS), default="float32")
    parser.add_argument("--rounds", type=int, default=7)
    asked = parser.parse_args()
    model = find_model(asked.model)
    view = np.random.default_rng(0).integers(
        0, 256, (1, *model.protocol.view_size, 3), dtype=np.uint8
    )
    with TemporaryDirectory() as folder:
        from reference import write_checkpoint  # noqa: PLC0415 - of the tests; h5py, here alone

        weights = write_checkpoint(Path(folder, "random.weights.h5"), model)
        file = Path(folder, "graph.xml")
        openvino.serialize(_export(model, weights, model.protocol.view_size, True), file)
        contenders: dict[str, Compute] = {
            "matrix products alone": matrix_products(model, asked.precision)
        }
        outputs = {}
        for name, change in CHANGES.items():
            graph = openvino.Core().read_model(file)
            change(graph)
            request = _compiled(graph, asked.precision).create_infer_request()
            request.infer({0: view})
            outputs[name] = request.get_output_tensor(0).data.copy()
            contenders[name] = lambda request=request: request.infer({0: view})
        graph = openvino.Core().read_model(file)
        two = _compiled(graph, asked.precision, streams=2)
        pair = [two.create_infer_request() for _ in range(2)]
        contenders["two streams, two views"] = lambda: _at_once(pair, view)
        profiled = _compiled(graph, asked.precision, profiled=True).create_infer_request()
        _print_kernels(profiled, view, asked.rounds)
    seconds: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(asked.rounds):
        for name, compute in contenders.items():
            start = perf_counter()
            compute()
            views = 2 if name.startswith("two") else 1
            seconds[name].append((perf_counter() - start) / views)
    base = median(seconds["as it is"])
    print("\n| | ms per view | × as it is | output differs by |\n|---|---|---|---|")
    for name, times in seconds.items():
        difference = (
            f"{abs(outputs[name] - outputs['as it is']).max():.1g}" if name in outputs else ""
        )
        print(f"| {name} | {median(times) * 1e3:.0f} | {median(times) / base:.2f} | {difference} |")


def _compiled(
    graph: openvino.Model, precision: str, *, streams: int = 1, profiled: bool = False
) -> openvino.CompiledModel:
    settings: dict[str, Any] = {
        "INFERENCE_PRECISION_HINT": _PRECISION_HINTS[precision],
        "INFERENCE_NUM_THREADS": available_processors(),
        "NUM_STREAMS": streams,
        "ENABLE_CPU_PINNING": False,
        "PERF_COUNT": profiled,
    }
    return openvino.Core().compile_model(graph, "CPU", settings)


def _at_once(requests: list[openvino.InferRequest], view: np.ndarray) -> None:
    for request in requests:
        request.start_async({0: view})
    for request in requests:
        request.wait()


def _print_kernels(request: openvino.InferRequest, view: np.ndarray, rounds: int) -> None:
    times: Counter[str] = Counter()
    counts: Counter[str] = Counter()
    request.infer({0: view})
    for _ in range(rounds):
        request.infer({0: view})
        for kernel in request.profiling_info:
            if kernel.status == openvino.ProfilingInfo.Status.EXECUTED:
                times[kernel.node_type] += kernel.real_time.total_seconds() / rounds
                counts[kernel.node_type] += 1
    whole = sum(times.values())
    print("| kernels | number | ms per view | share |\n|---|---|---|---|")
    for kind, seconds in times.most_common(8):
        print(
            f"| {kind} | {counts[kind] // rounds} | {seconds * 1e3:.1f} | {seconds / whole:.1%} |"
        )


def _value(output: openvino.Output) -> openvino.Output:
    """Return the input of a chain of conversions."""
    while output.get_node().get_type_name() == "Convert":
        output = output.get_node().input_value(0)
    return output


def _before(output: openvino.Output) -> openvino.Node:
    return _value(output).get_node()


def _after(node: openvino.Node) -> openvino.Node:
    following = next(iter(node.output(0).get_target_inputs())).get_node()
    return _after(following) if following.get_type_name() == "Convert" else following


def _number(value: float) -> openvino.Node:
    return opset13.constant(np.float32(value))


def _replace(node: openvino.Node, output: openvino.Output) -> None:
    for user in node.output(0).get_target_inputs():
        user.replace_source_output(output)


if __name__ == "__main__":
    main()
