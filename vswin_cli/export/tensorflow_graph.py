"""TensorFlow functions, from which SavedModel and LiteRT files are made."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from vswin_cli.export.network import EPSILON
from vswin_cli.export.request import Request


class TensorFlowGraph:
    """Calls TensorFlow; see `Graph`."""

    def __init__(self, constants: Mapping[str, Any]) -> None:
        self._constants = constants

    def constant(self, name: str) -> tf.Tensor:
        found = tf.convert_to_tensor(self._constants[name])
        return tf.cast(found, tf.float32) if found.dtype == tf.float16 else found

    def number(self, value: float) -> tf.Tensor:
        return tf.constant(value, tf.float32)

    def reshape(self, x: tf.Tensor, shape: Sequence[int]) -> tf.Tensor:
        return tf.reshape(x, shape)

    def transpose(self, x: tf.Tensor, axes: Sequence[int]) -> tf.Tensor:
        return tf.transpose(x, axes)

    def add(self, x: tf.Tensor, y: tf.Tensor) -> tf.Tensor:
        return x + y

    def multiply(self, x: tf.Tensor, y: tf.Tensor) -> tf.Tensor:
        return x * y

    def matmul(self, x: tf.Tensor, y: tf.Tensor) -> tf.Tensor:
        if len(y.shape) == 2 and len(x.shape) > 2:  # one large product, not many small ones
            flat = tf.matmul(tf.reshape(x, (-1, y.shape[0])), y)
            return tf.reshape(flat, (-1, *x.shape[1:-1], y.shape[1]))
        return tf.matmul(x, y)

    def part(self, x: tf.Tensor, axis: int, start: int, stop: int) -> tf.Tensor:
        return x[(slice(None),) * axis + (slice(start, stop),)]

    def join(self, parts: Sequence[tf.Tensor], axis: int) -> tf.Tensor:
        return tf.concat(parts, axis)

    def pad(self, x: tf.Tensor, after: Sequence[int]) -> tf.Tensor:
        return tf.pad(x, [(0, count) for count in after])

    def take(self, table: tf.Tensor, rows: tf.Tensor) -> tf.Tensor:
        return tf.gather(table, rows)

    def where_different(
        self, a: tf.Tensor, b: tf.Tensor, value: tf.Tensor, x: tf.Tensor
    ) -> tf.Tensor:
        return tf.where(tf.equal(a, b), x, value)

    def normalise(self, x: tf.Tensor, gamma: tf.Tensor, beta: tf.Tensor) -> tf.Tensor:
        centred = x - tf.reduce_mean(x, -1, keepdims=True)
        variance = tf.reduce_mean(centred * centred, -1, keepdims=True)
        return centred * tf.math.rsqrt(variance + EPSILON) * gamma + beta

    def gelu(self, x: tf.Tensor) -> tf.Tensor:
        return tf.nn.gelu(x, approximate=False)

    def softmax(self, x: tf.Tensor) -> tf.Tensor:
        return tf.nn.softmax(x)

    def mean(self, x: tf.Tensor, axis: int) -> tf.Tensor:
        return tf.reduce_mean(x, axis)


def module_of(request: Request, constants: Mapping[str, np.ndarray]) -> tf.Module:
    """Make a module whose `call`, a function with a signature, goes from views to the outputs.

    The constants are variables, since TensorFlow copies constants of a function several times.
    """
    module = tf.Module(name="vswin")
    module.constants = {
        name: tf.Variable(values, trainable=False, name=name) for name, values in constants.items()
    }
    module.call = _function_of(request, module.constants)
    return module


def _function_of(request: Request, constants: Mapping[str, Any]) -> Any:  # noqa: ANN401 - untyped
    network = request.network
    pixel = tf.float32 if network.is_normalised else tf.uint8
    views = tf.TensorSpec((request.batch, *network.input_size, 3), pixel, "views")

    # Autograph writes temporary files, and there are no conditions or loops for it.
    @tf.function(input_signature=[views], autograph=False)  # type: ignore[untyped-decorator]
    def outputs(views: tf.Tensor) -> dict[str, tf.Tensor]:
        computed = network.outputs(TensorFlowGraph(constants), tf.cast(views, tf.float32))
        return dict(zip(network.output_names, computed, strict=True))

    return outputs
