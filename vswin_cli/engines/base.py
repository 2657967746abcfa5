"""The seam between the classifier and what computes its model: views in, outputs out."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol, get_args

if TYPE_CHECKING:  # what a command offers is told without NumPy
    import numpy as np

Backend = Literal["openvino", "tensorflow", "jax", "torch"]
Precision = Literal["float32", "bfloat16"]
BACKENDS: tuple[Backend, ...] = get_args(Backend)


@dataclass(frozen=True)
class Outputs:
    """What a model computes of some views.

    Attributes:
        probabilities: float32 (views, num_classes), rows add up to 1; no columns without top.
        features: float32 (views, num_features), the backbone's, averaged over T', H', W'.
    """

    probabilities: "np.ndarray"
    features: "np.ndarray"


class Engine(Protocol):
    """A model with its weights, ready to run."""

    backend: Backend
    precision: Precision

    def compute(self, views: "np.ndarray") -> Outputs:
        """Compute each view.

        Args:
            views: uint8 RGB (views, T, H, W, 3) of the size that the engine was loaded for.
        """
