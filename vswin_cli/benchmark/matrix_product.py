"""The floor: as many multiply-accumulates as a view has, in products of large matrices."""

from collections.abc import Callable

import numpy as np
import openvino
from openvino import opset16

from vswin_cli.engines.base import Precision

SIDE = 2048
_HINTS = {"float32": "f32", "bfloat16": "bf16"}


def matrix_product(precision: Precision, num_threads: int) -> Callable[[], None]:
    """Make a function that multiplies two matrices of SIDE × SIDE by OpenVINO.

    It is the fastest that was found on a CPU, ahead of NumPy and PyTorch, and so the best floor.

    Args:
        precision: Of the arithmetic.
        num_threads: To compute with.
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
