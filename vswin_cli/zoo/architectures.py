"""The Video Swin architectures, and their cost.

Source: Liu et al., Video Swin Transformer, CVPR 2022, table 1 and section 3.
"""

from dataclasses import dataclass
from itertools import pairwise
from math import ceil, prod

Size = tuple[int, int, int]  # (T, H, W)


@dataclass(frozen=True)
class Architecture:
    """Everything that determines the shapes of a Video Swin backbone's variables."""

    name: str
    embed_dim: int
    depths: tuple[int, ...]  # blocks, one number per stage
    num_heads: tuple[int, ...]  # one number per stage
    window: Size = (8, 7, 7)  # in tokens
    patch: Size = (2, 4, 4)  # in pixels
    mlp_ratio: int = 4

    @property
    def stage_dims(self) -> tuple[int, ...]:
        """Channels of each stage; those of the last are the features."""
        return tuple(self.embed_dim << stage for stage in range(len(self.depths)))

    @property
    def num_features(self) -> int:
        """Channels of the backbone's output."""
        return self.stage_dims[-1]


NANO = Architecture(
    "nano", embed_dim=64, depths=(2, 4), num_heads=(2, 4), window=(8, 6, 6), patch=(4, 8, 8)
)
TINY = Architecture("tiny", embed_dim=96, depths=(2, 2, 6, 2), num_heads=(3, 6, 12, 24))
SMALL = Architecture("small", embed_dim=96, depths=(2, 2, 18, 2), num_heads=(3, 6, 12, 24))
BASE = Architecture("base", embed_dim=128, depths=(2, 2, 18, 2), num_heads=(4, 8, 16, 32))
LARGE = Architecture("large", embed_dim=192, depths=(2, 2, 18, 2), num_heads=(6, 12, 24, 48))


def num_parameters(architecture: Architecture, num_classes: int) -> int:
    """Number of trainable parameters of the classifier, including bias tables."""
    bias_rows = prod(2 * side - 1 for side in architecture.window)
    total = (3 * prod(architecture.patch) + 1 + 2) * architecture.embed_dim
    for dim, depth, heads in zip(
        architecture.stage_dims, architecture.depths, architecture.num_heads, strict=True
    ):
        attention = 3 * dim * (dim + 1) + dim * (dim + 1) + bias_rows * heads
        mlp = (2 * dim * architecture.mlp_ratio + architecture.mlp_ratio + 1) * dim
        total += depth * (attention + mlp + 4 * dim)
    for dim, next_dim in pairwise(architecture.stage_dims):
        total += 4 * dim * next_dim + 8 * dim
    features = architecture.num_features
    return total + 2 * features + (features + 1) * num_classes


def num_macs(architecture: Architecture, num_classes: int, size: Size) -> int:
    """Multiply-accumulates of the matrix products for one view of (T, H, W) pixels."""
    t, h, w = (ceil(side / patch) for side, patch in zip(size, architecture.patch, strict=True))
    total = t * h * w * 3 * prod(architecture.patch) * architecture.embed_dim
    for stage, (dim, depth) in enumerate(
        zip(architecture.stage_dims, architecture.depths, strict=True)
    ):
        if stage:
            h, w = ceil(h / 2), ceil(w / 2)
            total += t * h * w * 4 * architecture.stage_dims[stage - 1] * dim
        window = [
            min(side, tokens) for side, tokens in zip((t, h, w), architecture.window, strict=True)
        ]
        padded = prod(
            ceil(side / tokens) * tokens for side, tokens in zip((t, h, w), window, strict=True)
        )
        attention = padded * (4 * dim * dim + 2 * prod(window) * dim)
        mlp = t * h * w * 2 * architecture.mlp_ratio * dim * dim
        total += depth * (attention + mlp)
    return total + architecture.num_features * num_classes
