"""The network for other runtimes, in operations that all of them support.

The arithmetic is that of `vswin_cli.network`; read its layers first. Here, no tensor has more than
five axes, because mobile runtimes support no more; every size except the batch is a constant; and a
format is a `Graph` with two dozen operations.

Axes: B batch; T, H, W tokens; C channels; N tokens of a window; h heads of d channels.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil, prod
from typing import Any, Protocol

import numpy as np

from vswin_cli.network.windows import WindowGrid, bias_index
from vswin_cli.zoo.architectures import Architecture, Size
from vswin_cli.zoo.protocols import MEAN, STD

Tensor = Any  # of a graph
NORMALISATION = "normalisation/"  # the constants that turn pixels into numbers around 0
MASKED = -1e30  # a score that the softmax makes 0 of
EPSILON = 1e-5


class Graph(Protocol):
    """Builds a graph of a runtime, operation by operation; tensors are float32."""

    def constant(self, name: str) -> Tensor:
        """One of the network's `constants`."""

    def number(self, value: float) -> Tensor:
        """A scalar."""

    def reshape(self, x: Tensor, shape: Sequence[int]) -> Tensor:
        """Reshape; the first side may be −1."""

    def transpose(self, x: Tensor, axes: Sequence[int]) -> Tensor:
        """Reorder the axes."""

    def add(self, x: Tensor, y: Tensor) -> Tensor:
        """Add, with broadcasting."""

    def multiply(self, x: Tensor, y: Tensor) -> Tensor:
        """Multiply, with broadcasting."""

    def matmul(self, x: Tensor, y: Tensor) -> Tensor:
        """Multiply matrices, the last two axes."""

    def part(self, x: Tensor, axis: int, start: int, stop: int) -> Tensor:
        """Slice one axis."""

    def join(self, parts: Sequence[Tensor], axis: int) -> Tensor:
        """Concatenate."""

    def pad(self, x: Tensor, after: Sequence[int]) -> Tensor:
        """Append zeros to each axis."""

    def take(self, table: Tensor, rows: Tensor) -> Tensor:
        """Take rows of a table by their numbers."""

    def where_different(self, a: Tensor, b: Tensor, value: Tensor, x: Tensor) -> Tensor:
        """Use a value where two whole numbers differ, and x elsewhere."""

    def normalise(self, x: Tensor, gamma: Tensor, beta: Tensor) -> Tensor:
        """Layer normalisation of the last axis, with `EPSILON`."""

    def gelu(self, x: Tensor) -> Tensor:
        """The exact GELU."""

    def softmax(self, x: Tensor) -> Tensor:
        """Softmax of the last axis."""

    def mean(self, x: Tensor, axis: int) -> Tensor:
        """The mean over an axis, which is removed."""


@dataclass(frozen=True)
class Network:
    """Defines a graph: from RGB views (B, T, H, W, 3), in float32, to its outputs."""

    architecture: Architecture
    input_size: Size  # (T, H, W) of a view, in pixels
    num_classes: int | None  # None: without a head
    is_normalised: bool  # whether views come normalised, or as pixels in 0 … 255
    is_multi_label: bool = False

    @property
    def output_names(self) -> tuple[str, ...]:
        """Names of the tensors that `outputs` returns."""
        return ("features",) if self.num_classes is None else ("probabilities", "features")

    def constants(self, weights: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """All constants by name: the model's variables, and int32 ones of the windows' geometry.

        Args:
            weights: By variable path, as `read_checkpoint` returns them.
        """
        found = dict(weights)
        found[f"{NORMALISATION}scale"] = np.float32(1) / np.array(STD, np.float32)
        found[f"{NORMALISATION}shift"] = (-np.array(MEAN) / np.array(STD)).astype(np.float32)
        for grid in self._grids():
            name = _rows(grid)
            rows = bias_index(self.architecture.window, grid.num_tokens)
            found[name] = rows.reshape(-1)
            if any(grid.shift):
                regions = grid.regions().astype(np.int32)
                found[f"{_regions(grid)}/rows"] = regions[:, np.newaxis, :, np.newaxis]
                found[f"{_regions(grid)}/columns"] = regions[:, np.newaxis, np.newaxis, :]
        return found

    def outputs(self, g: Graph, views: Tensor) -> tuple[Tensor, ...]:
        """Compute probabilities (B, num_classes), if any, and features (B, num_features)."""
        x = views
        if not self.is_normalised:
            x = g.multiply(x, g.constant(f"{NORMALISATION}scale"))
            x = g.add(x, g.constant(f"{NORMALISATION}shift"))
        architecture = self.architecture
        x, size = self._embed(g, x)
        for stage, depth in enumerate(architecture.depths):
            for block in range(depth):
                grid = WindowGrid.of(size, architecture.window, shifted=block % 2 == 1)
                x = self._block(g, x, size, grid, stage, f"stage{stage}_block{block}")
            if stage < len(architecture.depths) - 1:
                x, size = _merge(g, x, size, architecture.stage_dims[stage], stage)
        x = _norm(g, x, "norm")
        features = g.mean(g.reshape(x, (-1, prod(size), architecture.num_features)), 1)
        if self.num_classes is None:
            return (features,)
        logits = _dense(g, features, "head")
        if not self.is_multi_label:
            return g.softmax(logits), features
        # The sigmoid of x is the first of the softmax of x and 0.
        single = g.reshape(logits, (-1, 1))
        pairs = g.join([single, g.multiply(single, g.number(0.0))], 1)
        first = g.part(g.softmax(pairs), 1, 0, 1)
        return g.reshape(first, (-1, self.num_classes)), features

    def _grids(self) -> list[WindowGrid]:
        """The windows of each stage, shifted and not."""
        t, h, w = (
            ceil(side / cell)
            for side, cell in zip(self.input_size, self.architecture.patch, strict=True)
        )
        grids = []
        for depth in self.architecture.depths:
            grids += [
                WindowGrid.of((t, h, w), self.architecture.window, shifted=shifted)
                for shifted in (False, True)[:depth]
            ]
            h, w = ceil(h / 2), ceil(w / 2)
        return grids

    def _embed(self, g: Graph, x: Tensor) -> tuple[Tensor, Size]:
        """Pixels (B, T, H, W, 3) to tokens (B, T, H, W, C)."""
        dim, patch = self.architecture.embed_dim, self.architecture.patch
        size, padded = _whole(self.input_size, patch)
        x = _padded(g, x, self.input_size, padded)
        x = _partition(g, x, padded, patch, 3)
        x = g.reshape(x, (-1, prod(patch) * 3))
        kernel = g.reshape(g.constant("patch_embedding/kernel"), (prod(patch) * 3, dim))
        x = g.add(g.matmul(x, kernel), g.constant("patch_embedding/bias"))
        x = g.reshape(x, (-1, *size, dim))
        return _norm(g, x, "patch_embedding/norm"), size

    def _block(
        self, g: Graph, x: Tensor, size: Size, grid: WindowGrid, stage: int, name: str
    ) -> Tensor:
        """Window attention and MLP: (B, T, H, W, C) to the same shape."""
        dim, heads = self.architecture.stage_dims[stage], self.architecture.num_heads[stage]
        y = _padded(g, _norm(g, x, f"{name}/norm1"), size, grid.padded)
        y = _rolled(g, y, grid, [-shift for shift in grid.shift])
        y = _partition(g, y, grid.padded, grid.window, dim)  # (B·windows, N, C)
        y = _attend(g, y, grid, heads, dim, f"{name}/attention")
        y = _departition(g, y, grid.padded, grid.window, dim)
        y = _rolled(g, y, grid, list(grid.shift))
        for axis, (have, whole) in enumerate(zip(size, grid.padded, strict=True), start=1):
            y = y if have == whole else g.part(y, axis, 0, have)
        x = g.add(x, y)
        y = _dense(g, _norm(g, x, f"{name}/norm2"), f"{name}/mlp/expand")
        return g.add(x, _dense(g, g.gelu(y), f"{name}/mlp/reduce"))


def _attend(g: Graph, x: Tensor, grid: WindowGrid, num_heads: int, dim: int, name: str) -> Tensor:
    """Attention inside windows (B·windows, N, C), with position bias and the shift's mask."""
    n, d = grid.num_tokens, dim // num_heads
    qkv = _dense(g, x, f"{name}/qkv")
    query, key, value = (
        g.reshape(g.part(qkv, 2, start, start + dim), (-1, n, num_heads, d))
        for start in (0, dim, 2 * dim)
    )
    query = g.multiply(g.transpose(query, (0, 2, 1, 3)), g.number(d**-0.5))  # (B·windows, h, N, d)
    scores = g.matmul(query, g.transpose(key, (0, 2, 3, 1)))  # (B·windows, h, N, N)
    bias = g.take(g.constant(f"{name}/bias_table"), g.constant(_rows(grid)))  # (N·N, h)
    scores = g.add(scores, g.reshape(g.transpose(bias, (1, 0)), (num_heads, n, n)))
    if any(grid.shift):
        rows, columns = (g.constant(f"{_regions(grid)}/{side}") for side in ("rows", "columns"))
        scores = g.reshape(scores, (-1, prod(grid.counts), num_heads, n, n))
        scores = g.where_different(rows, columns, g.number(MASKED), scores)
        scores = g.reshape(scores, (-1, num_heads, n, n))
    y = g.matmul(g.softmax(scores), g.transpose(value, (0, 2, 1, 3)))
    y = g.reshape(g.transpose(y, (0, 2, 1, 3)), (-1, n, dim))
    return _dense(g, y, f"{name}/projection")


def _merge(g: Graph, x: Tensor, size: Size, dim: int, stage: int) -> tuple[Tensor, Size]:
    """Join 2×2 neighbours: (B, T, H, W, C) to (B, T, ⌈H/2⌉, ⌈W/2⌉, 2·C)."""
    (t, h, w), padded = _whole(size, (1, 2, 2))
    x = _padded(g, x, size, padded)
    x = g.reshape(x, (-1, 2, w, 2, dim))  # (B·T·H/2, row, W/2, column, C)
    x = g.reshape(g.transpose(x, (0, 2, 3, 1, 4)), (-1, t, h, w, 4 * dim))
    x = _norm(g, x, f"patch_merging{stage}/norm")
    return g.matmul(x, g.constant(f"patch_merging{stage}/reduction/kernel")), (t, h, w)


def _partition(g: Graph, x: Tensor, size: Size, cell: Size, dim: int) -> Tensor:
    """Cut (B, T, H, W, C) into cells: (B·cells, tokens, C), in two steps of four axes."""
    (ct, ch, cw), (_, nh, nw) = cell, _counts(size, cell)
    x = g.reshape(x, (-1, ch, nw, cw * dim))
    x = g.transpose(x, (0, 2, 1, 3))  # (B·T·nH, nW, cH, cW·C)
    x = g.reshape(x, (-1, ct, nh * nw, ch * cw * dim))
    x = g.transpose(x, (0, 2, 1, 3))  # (B·nT, nH·nW, cT, cH·cW·C)
    return g.reshape(x, (-1, prod(cell), dim))


def _departition(g: Graph, x: Tensor, size: Size, cell: Size, dim: int) -> Tensor:
    """Undo `_partition`."""
    (ct, ch, cw), (_, nh, nw) = cell, _counts(size, cell)
    x = g.reshape(x, (-1, nh * nw, ct, ch * cw * dim))
    x = g.transpose(x, (0, 2, 1, 3))  # (B·nT, cT, nH·nW, cH·cW·C)
    x = g.reshape(x, (-1, nw, ch, cw * dim))
    x = g.transpose(x, (0, 2, 1, 3))  # (B·T·nH, cH, nW, cW·C)
    return g.reshape(x, (-1, *size, dim))


def _rolled(g: Graph, x: Tensor, grid: WindowGrid, shifts: Sequence[int]) -> Tensor:
    """Move tokens along T, H, W; those that leave at one end come in at the other."""
    for axis, (side, shift) in enumerate(zip(grid.padded, shifts, strict=True), start=1):
        if shift:
            cut = -shift % side
            x = g.join([g.part(x, axis, cut, side), g.part(x, axis, 0, cut)], axis)
    return x


def _padded(g: Graph, x: Tensor, size: Size, whole: Size) -> Tensor:
    after = [end - have for have, end in zip(size, whole, strict=True)]
    return g.pad(x, (0, *after, 0)) if any(after) else x


def _norm(g: Graph, x: Tensor, name: str) -> Tensor:
    return g.normalise(x, g.constant(f"{name}/gamma"), g.constant(f"{name}/beta"))


def _dense(g: Graph, x: Tensor, name: str) -> Tensor:
    return g.add(g.matmul(x, g.constant(f"{name}/kernel")), g.constant(f"{name}/bias"))


def _whole(size: Size, cell: Size) -> tuple[Size, Size]:
    """How many cells cover a size, and the size that they cover."""
    t, h, w = (ceil(side / part) for side, part in zip(size, cell, strict=True))
    return (t, h, w), (t * cell[0], h * cell[1], w * cell[2])


def _counts(size: Size, cell: Size) -> Size:
    t, h, w = (side // part for side, part in zip(size, cell, strict=True))
    return t, h, w


def _rows(grid: WindowGrid) -> str:
    return f"windows/{grid.num_tokens}/bias_rows"


def _regions(grid: WindowGrid) -> str:
    sizes = "x".join(map(str, (*grid.padded, *grid.window)))
    return f"windows/{sizes}/regions"
