"""The lower bound: the multiply-accumulates of a view, as large matrix products."""

from collections.abc import Callable

import numpy as np
import openvino
from openvino import opset16

from vswin_cli.engines.base import Precision

SIDE = 2048
_HINTS = {"float32": "f32", "bfloat16": "bf16"}


def matrix_product(precision: Precision, num_threads: int) -> Callable[[], None]:
    """Make a function that multiplies two SIDE × SIDE matrices with OpenVINO.

    OpenVINO is faster on a CPU than NumPy and PyTorch, and so gives the best lower bound.

    Args:
        precision: Arithmetic.
        num_threads: CPU threads.
    """
    matrix = np.random.default_rng(0).standard_normal((SIDE, SIDE), np.float32)
    left = opset16.parameter(matrix.shape, openvino.Type.f32)
    product = opset16.matmul(left, opset16.constant(matrix), transpose_a=False, transpose_b=False)
    compiled = openvino.Core().compile_model(
        openvino.Model([opset16.result(product)], [left]),
        "CPU",
        {
            "INFERENCE_PRECISION_HINT": _HINTS[precision],
            "INFERENCE_NUM_THREADS": num_threads,
            "ENABLE_CPU_PINNING": False,
        },
    )
    request = compiled.create_infer_request()
    request.set_input_tensor(openvino.Tensor(matrix))

    def compute() -> None:
        request.infer()

    return compute
