"""Stored constants, which this program computes itself: compared, never loaded."""

from math import ceil, prod

import numpy as np

from vswin_cli.conversion.stored import StoredTensor
from vswin_cli.errors import CheckpointError
from vswin_cli.model.windows import WindowGrid
from vswin_cli.zoo.architectures import Architecture
from vswin_cli.zoo.protocols import KINETICS, MEAN, STD

# Of MMAction2 1.x, which subtracts and divides before the backbone.
_NORMALISATION = {"data_preprocessor.mean": MEAN, "data_preprocessor.std": STD}
_TOLERANCE = 0.01  # of values between 50 and 130, which configurations round


def check_mask(tensor: StoredTensor, architecture: Architecture, stage: int) -> bool:
    """Compare an attention mask with that of the published input size, 32 × 224 × 224.

    Returns:
        Whether it could be compared: masks are of one input size, and others are as good.

    Raises:
        CheckpointError: It keeps other tokens apart than the shifted windows do.
    """
    t, h, w = (
        ceil(side / cell) for side, cell in zip(KINETICS.view_size, architecture.patch, strict=True)
    )
    for _ in range(stage):
        h, w = ceil(h / 2), ceil(w / 2)
    grid = WindowGrid.of((t, h, w), architecture.window, shifted=True)
    if prod(tensor.shape) != prod(grid.counts) * grid.num_tokens**2:
        return False
    apart = grid.apart()
    if apart is None:
        return False
    if not np.array_equal(tensor.read().reshape(apart.shape) < 0, apart):
        raise CheckpointError("it is not the mask of shifted windows")
    return True


def is_normalisation(key: str) -> bool:
    """Whether a tensor is a mean or a standard deviation of pixels."""
    return any(key.endswith(name) for name in _NORMALISATION)


def check_normalisation(key: str, tensor: StoredTensor) -> None:
    """Compare a mean or a standard deviation with ours.

    Raises:
        CheckpointError: It is another one, so the model would see other numbers here.
    """
    [expected] = [values for name, values in _NORMALISATION.items() if key.endswith(name)]
    if prod(tensor.shape) != 3:
        raise CheckpointError(f"it is {tensor.shape}, not one number a colour")
    values = tensor.read().reshape(-1)
    if not np.allclose(values, expected, rtol=0, atol=_TOLERANCE):
        raise CheckpointError(
            f"it is {values.tolist()}, but vswin normalises by {list(expected)}; adapt the "
            "model to these"
        )
