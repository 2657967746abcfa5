"""The network in PyTorch only, in few large kernels, as GPUs need; read `layers.py` first.

Axes are named as in `layers.py`. Sizes are constants, and so is the batch after the first run.
"""

from collections.abc import Mapping
from math import ceil, prod

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from vswin_cli.network.windows import WindowGrid, bias_index
from vswin_cli.zoo.architectures import Architecture, Size
from vswin_cli.zoo.protocols import MEAN, STD

_MASKED = -1e30  # as in `layers.py`
_EPSILON = 1e-5


class TorchSwin(torch.nn.Module):
    """Maps views, uint8 (B, T, H, W, 3), to float32 probabilities (B, num_classes) and features.

    Matrix products are computed in `dtype`; normalisations, and the residual sums of the blocks, in
    float32.

    Args:
        architecture: Determines the shapes.
        view_size: (T, H, W); whole patches.
        weights: By variable path, as from `read_checkpoint`; "head/kernel" may be missing.
        dtype: torch.float32 or torch.bfloat16.
    """

    def __init__(
        self,
        architecture: Architecture,
        view_size: Size,
        weights: Mapping[str, np.ndarray],
        dtype: torch.dtype,
    ) -> None:
        super().__init__()
        self._architecture = architecture
        self._dtype = dtype
        self.has_head = "head/kernel" in weights
        (t, h, w), (pt, ph, pw) = view_size, architecture.patch
        self._size = t // pt, h // ph, w // pw
        for name, values in weights.items():
            # Kernels become (outputs, inputs), as `linear` needs them.
            matrix = values.reshape(-1, values.shape[-1]).T if name.endswith("kernel") else values
            is_multiplied = name.startswith("stage") or "patch" in name
            is_multiplied = is_multiplied and "norm" not in name and "bias_table" not in name
            self._keep(name, matrix, dtype if is_multiplied else torch.float32)
        self._groups: dict[str, tuple[WindowGrid, list[int]]] = {}
        self._keep("mean", np.array(MEAN, np.float32), torch.float32)
        self._keep("std", np.array(STD, np.float32), torch.float32)
        for stage, block, size in self._blocks():
            grid = WindowGrid.of(size, architecture.window, shifted=block % 2 == 1)
            name = f"stage{stage}_block{block}"
            table = weights[f"{name}/attention/bias_table"]
            rows = bias_index(architecture.window, grid.num_tokens)
            bias = table[rows].transpose(2, 0, 1)  # (h, N, N)
            groups = grid.groups()
            tokens = grid.tokens()[np.concatenate([windows for windows, _ in groups])]
            self._keep(f"{name}/tokens", tokens, None)
            self._keep(f"{name}/places", np.argsort(tokens, axis=None), None)
            for number, (_, apart) in enumerate(groups):
                addend = np.where(apart, np.float32(_MASKED), bias)
                self._keep(f"{name}/addend{number}", addend, dtype)
            self._groups[name] = grid, [len(windows) for windows, _ in groups]

    def forward(self, views: Tensor) -> tuple[Tensor, Tensor]:
        """Compute probabilities, or (B, 0) without a head, and features."""
        x = ((views.float() - self._get("mean")) / self._get("std")).to(self._dtype)
        x = self._embed(x)
        for stage, block, _ in self._blocks():
            if stage and not block:
                x = self._merge(x, f"patch_merging{stage - 1}")
            name = f"stage{stage}_block{block}"
            heads = self._architecture.num_heads[stage]
            x = x + self._attend(self._norm(x, f"{name}/norm1").to(self._dtype), name, heads)
            y = self._dense(self._norm(x, f"{name}/norm2").to(self._dtype), f"{name}/mlp/expand")
            x = x + self._dense(functional.gelu(y), f"{name}/mlp/reduce")
        features = self._norm(x, "norm").flatten(1, 3).mean(1)
        if not self.has_head:
            return features[:, :0], features
        return self._dense(features, "head").softmax(-1), features

    def _embed(self, x: Tensor) -> Tensor:
        """Turn pixels (B, T, H, W, 3) into tokens (B, T, H, W, C)."""
        (pt, ph, pw), (t, h, w) = self._architecture.patch, self._size
        x = x.reshape(-1, t, pt, h, ph, w, pw * 3).permute(0, 1, 3, 5, 2, 4, 6)
        x = self._dense(x.reshape(-1, t, h, w, pt * ph * pw * 3), "patch_embedding")
        return self._norm(x, "patch_embedding/norm")

    def _attend(self, x: Tensor, name: str, num_heads: int) -> Tensor:
        """Compute attention inside windows: (B, T, H, W, C) to the same shape.

        Windows are sorted by mask, and most have none. Each kind of mask is one call, which adds
        the same few matrices to all its windows.
        """
        grid, counts = self._groups[name]
        batch, t, h, w, dim = x.shape
        n = grid.num_tokens
        nt, nh, nw = grid.padded
        x = functional.pad(x, _after(nt - t, nh - h, nw - w))
        view = torch.arange(batch, device=x.device).reshape(-1, 1)
        there = self._get(f"{name}/tokens").unsqueeze(1) + prod(grid.padded) * view
        x = x.reshape(-1, dim).index_select(0, there.flatten()).reshape(-1, n, dim)
        qkv = self._dense(x, f"{name}/attention/qkv")  # (windows·B, N, 3·C)
        done = []
        for number, part in enumerate(qkv.split([batch * count for count in counts])):
            parted = part.reshape(-1, n, 3, num_heads, dim // num_heads)
            query, key, value = parted.permute(2, 0, 3, 1, 4)  # (windows·B, h, N, d)
            addend = self._get(f"{name}/addend{number}")
            y = functional.scaled_dot_product_attention(query, key, value, addend)
            done.append(y.transpose(1, 2).reshape(-1, n, dim))
        y = self._dense(torch.cat(done), f"{name}/attention/projection").reshape(-1, dim)
        home = self._get(f"{name}/places")
        back = home // n * (n * batch) + home % n + n * view  # (B, tokens)
        y = y.index_select(0, back.flatten()).reshape(batch, *grid.padded, dim)
        return y[:, :t, :h, :w]

    def _merge(self, x: Tensor, name: str) -> Tensor:
        """Join 2×2 neighbours: (B, T, H, W, C) to (B, T, ⌈H/2⌉, ⌈W/2⌉, 2·C)."""
        x = functional.pad(x, _after(0, x.shape[2] % 2, x.shape[3] % 2))
        x = torch.cat([x[:, :, row::2, column::2] for column in (0, 1) for row in (0, 1)], -1)
        return self._dense(self._norm(x, f"{name}/norm").to(self._dtype), f"{name}/reduction")

    def _norm(self, x: Tensor, name: str) -> Tensor:
        gamma, beta = self._get(f"{name}/gamma"), self._get(f"{name}/beta")
        return functional.layer_norm(x.float(), gamma.shape, gamma, beta, _EPSILON)

    def _dense(self, x: Tensor, name: str) -> Tensor:
        has_bias = not name.endswith("reduction")
        return functional.linear(
            x, self._get(f"{name}/kernel"), self._get(f"{name}/bias") if has_bias else None
        )

    def _blocks(self) -> list[tuple[int, int, Size]]:
        """Return stage, number in the stage, and token grid size of each block."""
        found, (t, h, w) = [], self._size
        for stage, depth in enumerate(self._architecture.depths):
            found += [(stage, block, (t, h, w)) for block in range(depth)]
            h, w = ceil(h / 2), ceil(w / 2)
        return found

    def _keep(self, name: str, values: np.ndarray, dtype: torch.dtype | None) -> None:
        tensor = torch.from_numpy(np.ascontiguousarray(values))
        self.register_buffer(name.replace("/", "__"), tensor if dtype is None else tensor.to(dtype))

    def _get(self, name: str) -> Tensor:
        return self.get_buffer(name.replace("/", "__"))


def _after(t: int, h: int, w: int) -> list[int]:
    """Return padding for `pad`: zeros after T, H, W; none after C."""
    return [0, 0, 0, w, 0, h, 0, t]
