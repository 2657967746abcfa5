"""The layers of Video Swin, in `keras.ops` only, for every Keras backend.

Shapes are static once a layer is built: windows, masks and table rows are then constants.
Axes: B batch; T, H, W tokens; C channels; nT, nH, nW windows; wT, wH, wW tokens of a window;
N = wT·wH·wW; h heads of d channels.
Source: Liu et al., Video Swin Transformer, CVPR 2022, and its published code.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from math import prod
from typing import Any

import keras
import numpy as np
from keras import ops

from vswin_cli.network.windows import WindowGrid, bias_index
from vswin_cli.zoo.architectures import Size

# The published models add −100 to these scores; both become 0 in the softmax.
MASKED = -1e30

Config = dict[str, Any]
Shape = tuple[Any, ...]  # the batch axis is None
Tensor = Any  # the backend's tensor

_kernel_initializer = ContextVar("kernel_initializer", default="glorot_uniform")


@contextmanager
def kernels_of_zeros() -> Iterator[None]:
    """Build layers with zeros, for weights to come: random numbers take seconds for Swin-B."""
    token = _kernel_initializer.set("zeros")
    try:
        yield
    finally:
        _kernel_initializer.reset(token)


class TokenNorm(keras.layers.LayerNormalization):
    """Layer normalisation of C, written in steps that OpenVINO fuses: a tenth faster than Keras's.

    Like Keras's, it computes in float32 under every policy.
    """

    def __init__(self, epsilon: float = 1e-5, **options: object) -> None:
        super().__init__(epsilon=epsilon, **options)

    def call(self, tokens: Tensor) -> Tensor:
        x = ops.cast(tokens, "float32")
        x = x - ops.mean(x, axis=(-1,), keepdims=True)
        variance = ops.mean(ops.power(x, 2.0), axis=(-1,), keepdims=True)
        x = x / ops.sqrt(variance + self.epsilon) * self.gamma + self.beta
        return ops.cast(x, self.compute_dtype)


class _Layer(keras.layers.Layer):
    """A layer that passes its dtype policy on to its parts."""

    def get_config(self) -> Config:
        """Return the name and the dtype too; Keras omits them unless this is overridden."""
        return dict(super().get_config())

    def _norm(self, name: str) -> TokenNorm:
        return TokenNorm(dtype=self.dtype_policy, name=name)

    def _dense(self, units: int, name: str, **options: object) -> keras.layers.Dense:
        return keras.layers.Dense(
            units,
            kernel_initializer=_kernel_initializer.get(),
            dtype=self.dtype_policy,
            name=name,
            **options,
        )


class PatchEmbedding(_Layer):
    """Turns pixels (B, T, H, W, 3) into normalised tokens (B, ⌈T/pT⌉, ⌈H/pH⌉, ⌈W/pW⌉, C)."""

    def __init__(self, dim: int, patch: Size, **options: object) -> None:
        super().__init__(**options)
        self.dim = dim
        self.patch = patch
        self.norm = self._norm("norm")

    def build(self, input_shape: Shape) -> None:
        _, *sides, channels = input_shape
        self.padding = [(0, -have % cell) for have, cell in zip(sides, self.patch, strict=True)]
        self.kernel = self.add_weight(name="kernel", shape=(*self.patch, channels, self.dim))
        self.bias = self.add_weight(name="bias", shape=(self.dim,), initializer="zeros")
        self.norm.build((None, self.dim))

    def call(self, pixels: Tensor) -> Tensor:
        # A matrix product, since patches do not overlap; a convolution would change the layout.
        x = _pad(pixels, self.padding)
        pt, ph, pw = self.patch
        _, t, h, w, channels = x.shape
        nt, nh, nw = t // pt, h // ph, w // pw
        # Six axes, with neighbours joined: OpenVINO takes three times as long for eight.
        x = ops.reshape(x, (-1, pt, nh, ph, nw, pw * channels))
        x = ops.transpose(x, (0, 2, 4, 1, 3, 5))  # (B·nT, nH, nW, pT, pH, pW·3)
        x = ops.reshape(x, (-1, nt, nh, nw, pt * ph * pw * channels))  # (B, T, H, W, pixels)
        x = ops.matmul(x, ops.reshape(self.kernel, (-1, self.dim))) + self.bias
        return self.norm(x)  # (B, T, H, W, C)

    def get_config(self) -> Config:
        return {**super().get_config(), "dim": self.dim, "patch": self.patch}


class WindowAttention(_Layer):
    """Multi-head self-attention inside each window, with a relative position bias.

    Maps (B·windows, N, C) to the same shape.

    Args:
        num_heads: h, a divisor of C.
        window: Window of the architecture, which determines the rows of the bias table.
        apart: bool (windows, N, N), true for tokens that must not attend to each other, because
            only the wrap-around of the shift made them neighbours; or None.
    """

    def __init__(
        self, num_heads: int, window: Size, apart: np.ndarray | None, **options: object
    ) -> None:
        super().__init__(**options)
        self.num_heads = num_heads
        self.window = window
        self.apart = apart

    def build(self, input_shape: Shape) -> None:
        _, num_tokens, dim = input_shape
        self.head_dim = dim // self.num_heads
        self.qkv = self._dense(3 * dim, "qkv")
        self.qkv.build((None, dim))
        self.projection = self._dense(dim, "projection")
        self.projection.build((None, dim))
        self.bias_table = self.add_weight(
            name="bias_table",
            shape=(prod(2 * side - 1 for side in self.window), self.num_heads),
            initializer=keras.initializers.TruncatedNormal(stddev=0.02),
        )
        self.bias_rows = bias_index(self.window, num_tokens).reshape(-1)

    def call(self, windows: Tensor) -> Tensor:
        _, num_tokens, dim = windows.shape
        qkv = ops.reshape(self.qkv(windows), (-1, num_tokens, 3, self.num_heads, self.head_dim))
        query, key, value = ops.unstack(ops.transpose(qkv, (2, 0, 3, 1, 4)))  # (B·windows, h, N, d)
        query = query * self.head_dim**-0.5
        scores = ops.matmul(query, ops.transpose(key, (0, 1, 3, 2)))  # (B·windows, h, N, N)
        scores = scores + self._bias(num_tokens)
        if self.apart is not None:
            # As numbers: TensorFlow copies an array of booleans one by one, which takes seconds.
            apart = ops.cast(self.apart[:, np.newaxis].view(np.uint8), "bool")
            scores = self._masked(scores, apart)
        # Keras warns about a softmax over one score, which is 1.
        weights = ops.softmax(scores) if num_tokens > 1 else ops.ones_like(scores)
        attended = ops.matmul(weights, value)  # (B·windows, h, N, d)
        attended = ops.transpose(attended, (0, 2, 1, 3))  # (B·windows, N, h, d)
        return self.projection(ops.reshape(attended, (-1, num_tokens, dim)))  # (B·windows, N, C)

    def _masked(self, scores: Tensor, apart: Tensor) -> Tensor:
        """Replace scores (B·windows, h, N, N) where `apart`, (windows, 1, N, N), is true."""
        if scores.shape[0] == apart.shape[0]:
            # One view: OpenVINO fuses four axes into one attention kernel.
            return ops.where(apart, MASKED, scores)
        by_view = ops.reshape(scores, (-1, apart.shape[0], *scores.shape[1:]))
        return ops.reshape(ops.where(apart, MASKED, by_view), (-1, *scores.shape[1:]))

    def _bias(self, num_tokens: int) -> Tensor:
        bias = ops.take(self.bias_table, self.bias_rows, axis=0)  # (N·N, h)
        return ops.reshape(ops.transpose(bias), (self.num_heads, num_tokens, num_tokens))


class Mlp(_Layer):
    """Two dense layers with an exact GELU between them, for each token."""

    def __init__(self, ratio: int, **options: object) -> None:
        super().__init__(**options)
        self.ratio = ratio

    def build(self, input_shape: Shape) -> None:
        dim = input_shape[-1]
        self.expand = self._dense(self.ratio * dim, "expand")
        self.expand.build((None, dim))
        self.reduce = self._dense(dim, "reduce")
        self.reduce.build((None, self.ratio * dim))

    def call(self, tokens: Tensor) -> Tensor:
        return self.reduce(ops.gelu(self.expand(tokens), approximate=False))


class SwinBlock(_Layer):
    """Window attention and MLP, each with a normalisation before it and a residual around it.

    Maps (B, T, H, W, C) to the same shape. In training, a share `drop_path` of the views skips each
    of the two, and the result for the others is scaled up (stochastic depth, Huang et al., 2016).
    """

    def __init__(
        self,
        num_heads: int,
        window: Size,
        shifted: bool,
        mlp_ratio: int = 4,
        drop_path: float = 0.0,
        **options: object,
    ) -> None:
        super().__init__(**options)
        self.num_heads = num_heads
        self.window = window
        self.shifted = shifted
        self.mlp_ratio = mlp_ratio
        self.drop_path = drop_path
        self.drops = [_drop_path(drop_path, number) for number in range(2)] if drop_path else None
        self.norm1 = self._norm("norm1")
        self.norm2 = self._norm("norm2")
        self.mlp = Mlp(mlp_ratio, dtype=self.dtype_policy, name="mlp")

    def build(self, input_shape: Shape) -> None:
        _, t, h, w, dim = input_shape
        self.grid = WindowGrid.of((t, h, w), self.window, shifted=self.shifted)
        self.norm1.build((None, dim))
        self.attention = WindowAttention(
            self.num_heads,
            self.window,
            self.grid.apart(),
            dtype=self.dtype_policy,
            name="attention",
        )
        self.attention.build((None, self.grid.num_tokens, dim))
        self.norm2.build((None, dim))
        self.mlp.build((None, dim))

    def call(self, tokens: Tensor, training: bool = False) -> Tensor:
        if self.drops is None or not training:
            tokens = tokens + self._attend(self.norm1(tokens))
            return tokens + self.mlp(self.norm2(tokens))
        first, second = self.drops
        tokens = tokens + first(self._attend(self.norm1(tokens)), training=True)
        return tokens + second(self.mlp(self.norm2(tokens)), training=True)

    def _attend(self, x: Tensor) -> Tensor:
        grid = self.grid
        _, t, h, w, dim = x.shape
        x = _pad(x, [(0, whole - have) for have, whole in zip((t, h, w), grid.padded, strict=True)])
        if any(grid.shift):
            x = ops.roll(x, [-shift for shift in grid.shift], axis=(1, 2, 3))
        (nt, nh, nw), (wt, wh, ww) = grid.counts, grid.window
        x = ops.reshape(x, (-1, nt, wt, nh, wh, nw, ww, dim))
        x = ops.transpose(x, (0, 1, 3, 5, 2, 4, 6, 7))  # (B, nT, nH, nW, wT, wH, wW, C)
        x = ops.reshape(x, (-1, grid.num_tokens, dim))  # (B·windows, N, C)
        x = self.attention(x)
        x = ops.reshape(x, (-1, nt, nh, nw, wt, wh, ww, dim))
        x = ops.transpose(x, (0, 1, 4, 2, 5, 3, 6, 7))  # (B, nT, wT, nH, wH, nW, wW, C)
        x = ops.reshape(x, (-1, *grid.padded, dim))  # (B, T, H, W, C), padded
        if any(grid.shift):
            x = ops.roll(x, list(grid.shift), axis=(1, 2, 3))
        return x[:, :t, :h, :w]  # (B, T, H, W, C)

    def get_config(self) -> Config:
        return {
            **super().get_config(),
            "num_heads": self.num_heads,
            "window": self.window,
            "shifted": self.shifted,
            "mlp_ratio": self.mlp_ratio,
            "drop_path": self.drop_path,
        }


def _drop_path(rate: float, number: int) -> keras.layers.Dropout:
    """Drop whole views of a batch."""
    return keras.layers.Dropout(rate, noise_shape=(None, 1, 1, 1, 1), name=f"drop_path{number}")


class PatchMerging(_Layer):
    """Join 2×2 neighbours: (B, T, H, W, C) to (B, T, ⌈H/2⌉, ⌈W/2⌉, 2·C)."""

    def __init__(self, **options: object) -> None:
        super().__init__(**options)
        self.norm = self._norm("norm")

    def build(self, input_shape: Shape) -> None:
        _, _, h, w, dim = input_shape
        self.padding = [(0, 0), (0, h % 2), (0, w % 2)]
        self.norm.build((None, 4 * dim))
        self.reduction = self._dense(2 * dim, "reduction", use_bias=False)
        self.reduction.build((None, 4 * dim))

    def call(self, tokens: Tensor) -> Tensor:
        x = _pad(tokens, self.padding)
        corners = [x[:, :, row::2, column::2] for column in (0, 1) for row in (0, 1)]
        return self.reduction(self.norm(ops.concatenate(corners, axis=-1)))  # (B, T, H/2, W/2, 2C)


def _pad(x: Tensor, padding: list[tuple[int, int]]) -> Tensor:
    """Append zeros to T, H, W; without padding, nothing is computed."""
    return ops.pad(x, [(0, 0), *padding, (0, 0)]) if any(after for _, after in padding) else x
