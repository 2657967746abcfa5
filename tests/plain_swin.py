"""Video Swin in plain NumPy and float64, with loops instead of the model's tensor operations.

Weights have the original's keys and PyTorch's layout: dense layers (outputs, inputs), the patch
embedding (outputs, 3, T, H, W).
"""

from itertools import product
from math import ceil, erf, sqrt

import numpy as np

from vswin_cli.zoo.architectures import Architecture

Weights = dict[str, np.ndarray]
_gelu = np.vectorize(lambda x: 0.5 * x * (1 + erf(x / sqrt(2))))


def logits(weights: Weights, architecture: Architecture, pixels: np.ndarray) -> np.ndarray:
    """Compute (num_classes,) for normalised pixels (T, H, W, 3)."""
    features = pooled_features(weights, architecture, pixels)
    return _dense(weights, "cls_head.fc_cls", features)


def pooled_features(weights: Weights, architecture: Architecture, pixels: np.ndarray) -> np.ndarray:
    """Compute the mean over all tokens of the backbone's output, (num_features,)."""
    weights = {key: values.astype(np.float64) for key, values in weights.items()}
    x = _embed(weights, pixels.astype(np.float64), architecture.patch)
    for stage, depth in enumerate(architecture.depths):
        for block in range(depth):
            name = f"backbone.layers.{stage}.blocks.{block}"
            attended = _attend(
                weights,
                f"{name}.attn",
                _norm(weights, f"{name}.norm1", x),
                architecture.window,
                architecture.num_heads[stage],
                shifted=block % 2 == 1,
            )
            x = x + attended
            hidden = _gelu(_dense(weights, f"{name}.mlp.fc1", _norm(weights, f"{name}.norm2", x)))
            x = x + _dense(weights, f"{name}.mlp.fc2", hidden)
        if stage < len(architecture.depths) - 1:
            x = _merge(weights, f"backbone.layers.{stage}.downsample", x)
    return _norm(weights, "backbone.norm", x).mean(axis=(0, 1, 2))


def _embed(weights: Weights, pixels: np.ndarray, patch: tuple[int, int, int]) -> np.ndarray:
    kernel = weights["backbone.patch_embed.proj.weight"]
    counts = [ceil(side / cell) for side, cell in zip(pixels.shape, patch, strict=False)]
    padded = np.zeros([*(n * cell for n, cell in zip(counts, patch, strict=True)), 3])
    t, h, w, _ = pixels.shape
    padded[:t, :h, :w] = pixels
    tokens = np.zeros((*counts, len(kernel)))
    for i, j, k in np.ndindex(*counts):
        cell = padded[
            i * patch[0] : (i + 1) * patch[0],
            j * patch[1] : (j + 1) * patch[1],
            k * patch[2] : (k + 1) * patch[2],
        ]
        tokens[i, j, k] = np.einsum("octhw,thwc->o", kernel, cell)
    tokens += weights["backbone.patch_embed.proj.bias"]
    return _norm(weights, "backbone.patch_embed.norm", tokens)


def _attend(weights, name, x, window, num_heads, *, shifted):
    t, h, w, dim = x.shape
    used = [min(have, side) for have, side in zip((t, h, w), window, strict=True)]
    shift = [
        side // 2 if shifted and have > side else 0
        for have, side in zip((t, h, w), window, strict=True)
    ]
    sides = [ceil(have / side) * side for have, side in zip((t, h, w), used, strict=True)]
    padded = np.zeros((*sides, dim))
    padded[:t, :h, :w] = x
    out = np.zeros_like(padded)
    for corner in product(*(range(0, n, side) for n, side in zip(sides, used, strict=True))):
        # The grid position of each token of the window, and its side of the wrap-around.
        places, halves = [], []
        for offset in np.ndindex(*used):
            rolled = [c + o for c, o in zip(corner, offset, strict=True)]
            places.append(tuple((r + s) % n for r, s, n in zip(rolled, shift, sides, strict=True)))
            halves.append(tuple(r + s >= n for r, s, n in zip(rolled, shift, sides, strict=True)))
        tokens = np.stack([padded[place] for place in places])
        attended = _window(weights, name, tokens, halves, window, num_heads)
        for place, token in zip(places, attended, strict=True):
            out[place] = token
    return out[:t, :h, :w]


def _window(weights, name, tokens, halves, window, num_heads):
    n, dim = tokens.shape
    size = dim // num_heads
    qkv = _dense(weights, f"{name}.qkv", tokens)
    # Small inputs use the first tokens in the numbering of the whole window.
    positions = list(np.ndindex(*window))[:n]
    table = weights[f"{name}.relative_position_bias_table"]
    result = np.zeros((n, dim))
    for head in range(num_heads):
        part = slice(head * size, (head + 1) * size)
        query, key, value = (qkv[:, i * dim : (i + 1) * dim][:, part] for i in range(3))
        scores = query @ key.T / sqrt(size)
        for i, j in np.ndindex(n, n):
            row = 0
            for a, b, side in zip(positions[i], positions[j], window, strict=True):
                row = row * (2 * side - 1) + a - b + side - 1
            scores[i, j] += table[row, head]
            if halves[i] != halves[j]:
                scores[i, j] -= 100
        scores = np.exp(scores - scores.max(axis=1, keepdims=True))
        result[:, part] = scores / scores.sum(axis=1, keepdims=True) @ value
    return _dense(weights, f"{name}.proj", result)


def _merge(weights, name, x):
    t, h, w, dim = x.shape
    padded = np.zeros((t, h + h % 2, w + w % 2, dim))
    padded[:, :h, :w] = x
    corners = [padded[:, i::2, j::2] for i, j in ((0, 0), (1, 0), (0, 1), (1, 1))]
    joined = _norm(weights, f"{name}.norm", np.concatenate(corners, axis=-1))
    return joined @ weights[f"{name}.reduction.weight"].T


def _norm(weights, name, x):
    centred = x - x.mean(axis=-1, keepdims=True)
    scaled = centred / np.sqrt((centred**2).mean(axis=-1, keepdims=True) + 1e-5)
    return scaled * weights[f"{name}.weight"] + weights[f"{name}.bias"]


def _dense(weights, name, x):
    return x @ weights[f"{name}.weight"].astype(np.float64).T + weights[f"{name}.bias"]
