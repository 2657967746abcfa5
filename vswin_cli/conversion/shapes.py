"""Reads an architecture off the shapes of its variables."""

from collections.abc import Mapping
from dataclasses import replace

from vswin_cli.conversion.tensors import Shape
from vswin_cli.errors import CheckpointError
from vswin_cli.zoo.architectures import BASE, NANO, SMALL, TINY, Architecture, Size

CUSTOM = "custom"  # the name of an architecture that has none


def architecture_of(
    shapes: Mapping[str, Shape], depths: tuple[int, ...], window: Size
) -> Architecture:
    """Derive what fixes all shapes; the other shapes are not looked at.

    Args:
        shapes: In our layout, by variable.
        depths: Blocks of each stage.
        window: Of the attention.

    Raises:
        CheckpointError: The shapes are those of no Video Swin.
    """
    kernel = shapes["patch_embedding/kernel"]
    if len(kernel) != 5 or kernel[3] != 3:
        raise CheckpointError(
            f"its patch embedding is {kernel}, not (T, H, W, 3, channels) once it is transposed; "
            "a model of images, or of other channels than RGB, does not read videos"
        )
    *patch, _, embed_dim = kernel
    expand = two_dimensional(shapes, "stage0_block0/mlp/expand/kernel")
    if expand[0] != embed_dim or expand[1] % embed_dim:
        raise CheckpointError(
            f"its first MLP is {expand}, which is no whole multiple of {embed_dim} channels"
        )
    found = Architecture(
        CUSTOM,
        embed_dim=embed_dim,
        depths=depths,
        num_heads=tuple(
            two_dimensional(shapes, f"stage{stage}_block0/attention/bias_table")[1]
            for stage in range(len(depths))
        ),
        window=window,
        patch=(patch[0], patch[1], patch[2]),
        mlp_ratio=expand[1] // embed_dim,
    )
    if any(dim % heads for dim, heads in zip(found.stage_dims, found.num_heads, strict=True)):
        raise CheckpointError(
            f"{found.num_heads} attention heads do not divide {found.stage_dims} channels"
        )
    return named(found)


def named(architecture: Architecture) -> Architecture:
    """Give an architecture the name of the zoo's that is the same, whatever its window."""
    for known in (NANO, TINY, SMALL, BASE):
        if replace(architecture, name=known.name, window=known.window) == known:
            return replace(architecture, name=known.name)
    return architecture


def two_dimensional(shapes: Mapping[str, Shape], variable: str) -> tuple[int, int]:
    """Return the shape of a variable that has two axes.

    Raises:
        CheckpointError: It has others, or nothing in them.
    """
    shape = shapes[variable]
    if len(shape) != 2 or 0 in shape:
        raise CheckpointError(f"its {variable} is {shape}, which are not two axes")
    return shape[0], shape[1]
