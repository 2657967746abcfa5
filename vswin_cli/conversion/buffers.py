"""Stored constants, which this program computes itself: compared, never loaded."""

from math import prod

import numpy as np

from vswin_cli.conversion.tensors import StoredTensor
from vswin_cli.errors import CheckpointError
from vswin_cli.zoo.protocols import MEAN, STD

# Of MMAction2 1.x, which subtracts and divides before the backbone.
_NORMALISATION = {"data_preprocessor.mean": MEAN, "data_preprocessor.std": STD}
_TOLERANCE = 0.01  # of values between 50 and 130, which configurations round


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
