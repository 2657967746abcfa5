"""Derives an architecture from the shapes of its variables.

A bias table shows only how many rows the attention window needs; the stored index of each pair of
tokens shows the whole window.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from math import isqrt, prod

import numpy as np

from vswin_cli.conversion.tensors import Shape
from vswin_cli.errors import CheckpointError, UsageError
from vswin_cli.network.windows import bias_index
from vswin_cli.zoo.architectures import BASE, LARGE, NANO, SMALL, TINY, Architecture, Size
from vswin_cli.zoo.models import KERAS_MODELS

CUSTOM = "custom"  # name of an architecture that the zoo does not have

# Of the zoo's models, the paper's ablations and common configurations.
_IN_USE: tuple[Size, ...] = (
    *dict.fromkeys(model.architecture.window for model in KERAS_MODELS),
    (4, 7, 7),
    (2, 7, 7),
    (32, 7, 7),
    (4, 4, 4),
)
MAX_TOKENS = 4096  # of a window; 16 × 7 × 7 has 784
_MAX_ROWS = 1_000_000  # of a bias table; 16 × 7 × 7 has 5239


def architecture_of(
    shapes: Mapping[str, Shape], depths: tuple[int, ...], window: Size
) -> Architecture:
    """Derive the architecture from the shapes that determine it; other shapes are not checked.

    Args:
        shapes: In our layout, by variable.
        depths: Blocks of each stage.
        window: Window of the attention, in tokens.

    Raises:
        CheckpointError: These are not the shapes of a Video Swin.
    """
    kernel = shapes["patch_embedding/kernel"]
    if len(kernel) != 5 or kernel[3] != 3:
        raise CheckpointError(
            f"its patch embedding is {kernel}, not (T, H, W, 3, channels) once it is transposed; "
            "a model of images, or of channels other than RGB, does not read videos"
        )
    *patch, _, embed_dim = kernel
    expand = two_dimensional(shapes, "stage0_block0/mlp/expand/kernel")
    if expand[0] != embed_dim or expand[1] % embed_dim:
        raise CheckpointError(
            f"its first MLP is {expand}, which is not a multiple of {embed_dim} channels"
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
    """Give an architecture the name of the equal one in the zoo, if any; windows may differ."""
    for known in (NANO, TINY, SMALL, BASE, LARGE):
        if replace(architecture, name=known.name, window=known.window) == known:
            return replace(architecture, name=known.name)
    return architecture


def two_dimensional(shapes: Mapping[str, Shape], variable: str) -> tuple[int, int]:
    """Return the shape of a variable that has two axes.

    Raises:
        CheckpointError: It has another number of axes, or is empty.
    """
    shape = shapes[variable]
    if len(shape) != 2 or 0 in shape:
        raise CheckpointError(f"its {variable} is {shape}, which are not two axes")
    return shape[0], shape[1]


def window_of_index(index: np.ndarray, num_rows: int, wanted: Size | None = None) -> Size:
    """Find the window whose relative position index is the stored one.

    Args:
        index: (N, N) or (N·N,), for the N tokens of a window.
        num_rows: Rows of the bias table.
        wanted: Window to take if several have this index.

    Raises:
        CheckpointError: No window with this table has this index, or it does not contain integers.
        UsageError: Several windows have it.
    """
    if index.dtype.kind not in "iu":
        raise CheckpointError(f"it contains {index.dtype}, not integers")
    num_tokens = isqrt(index.size)
    if num_tokens**2 != index.size or num_tokens > MAX_TOKENS:
        raise CheckpointError(f"its {index.size} numbers are not one for each pair of tokens")
    pairs = index.reshape(num_tokens, num_tokens)
    fitting = [
        window
        for window in _windows(num_rows)
        if prod(window) == num_tokens and np.array_equal(pairs, bias_index(window, num_tokens))
    ]
    if not fitting:
        raise CheckpointError(
            f"it fits no window with {num_rows} rows in its bias table, so this is not the "
            "attention of Video Swin"
        )
    if wanted in fitting:
        return wanted
    # Windows of one token along an axis have the same index as others, lying elsewhere.
    square = [window for window in fitting if window[1] == window[2]] or fitting
    if len(square) > 1:
        raise UsageError(f"several windows have the stored index: {_asking(square)}")
    return square[0]


def window_of_rows(num_rows: int) -> Size:
    """Guess the window from its table alone, among common windows.

    Raises:
        UsageError: Only uncommon windows have such a table.
        CheckpointError: No window has such a table.
    """
    for window in _IN_USE:
        if _num_rows(window) == num_rows:
            return window
    fitting = sorted(_windows(num_rows), key=max)[:6]
    if not fitting:
        raise CheckpointError(f"no window has a bias table of {num_rows} rows")
    raise UsageError(
        f"the window cannot be determined from a bias table of {num_rows} rows, and no "
        f"index is stored: {_asking(fitting)}"
    )


def check_window(window: Size, num_rows: int) -> None:
    """Refuse a window from the user that does not fit the bias table.

    Raises:
        UsageError: Its table has a different number of rows.
    """
    if _num_rows(window) != num_rows:
        raise UsageError(
            f"--window {','.join(map(str, window))} has a bias table of {_num_rows(window)} rows, "
            f"the checkpoint's have {num_rows}"
        )


def _asking(windows: list[Size]) -> str:
    examples = " or ".join(",".join(map(str, window)) for window in windows)
    return f"use --window T,H,W, such as {examples}"


def _num_rows(window: Size) -> int:
    return prod(2 * side - 1 for side in window)


def _windows(num_rows: int) -> Iterator[Size]:
    """List every window with this number of rows: three odd factors."""
    if num_rows % 2 == 0 or num_rows > _MAX_ROWS:
        return
    factors = [factor for factor in range(1, num_rows + 1, 2) if num_rows % factor == 0]
    for t in factors:
        for h in factors:
            if num_rows % (t * h) == 0:
                yield (t + 1) // 2, (h + 1) // 2, (num_rows // (t * h) + 1) // 2
