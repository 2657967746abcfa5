"""The seam between the classifier and what computes its model: views in, outputs out."""

from abc import abstractmethod
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol, get_args

if TYPE_CHECKING:  # what a command offers is told without NumPy
    import numpy as np

Backend = Literal["openvino", "tensorflow", "jax", "torch"]
Precision = Literal["float32", "bfloat16"]
BACKENDS: tuple[Backend, ...] = get_args(Backend)
BATCH_ON_GPU = 32  # views


@dataclass(frozen=True)
class Outputs:
    """What a model computes of some views.

    Attributes:
        probabilities: float32 (views, num_classes), rows add up to 1; no columns without top.
        features: float32 (views, num_features), the backbone's, averaged over T', H', W'.
    """

    probabilities: "np.ndarray"
    features: "np.ndarray"

    def row(self, number: int) -> "Outputs":
        """Those of one view."""
        return Outputs(self.probabilities[number : number + 1], self.features[number : number + 1])


Pending = Callable[[], Outputs]  # waits until they are computed


class Engine(Protocol):
    """A model with its weights, ready to run; `start` is what an engine has to have.

    Attributes:
        batch_size: Views that it computes at once, at most.
        num_at_once: Batches that it can be given before the outputs of the first are taken.
    """

    backend: Backend
    precision: Precision
    batch_size: int = 1
    num_at_once: int = 1

    @abstractmethod
    def start(self, views: "np.ndarray") -> Pending:
        """Begin to compute a batch.

        Args:
            views: uint8 RGB (views, T, H, W, 3), at most `batch_size`, of the size that the engine
                was loaded for; not to be changed until the outputs are there.
        """

    def new_batch(self, shape: tuple[int, ...]) -> "np.ndarray":
        """Make room for views, where the engine takes them from the fastest.

        Args:
            shape: Of one view.
        """
        import numpy as np  # noqa: PLC0415

        return np.empty((self.batch_size, *shape), np.uint8)

    def compute(self, views: "np.ndarray") -> Outputs:
        """Compute any number of views, and wait for them."""
        pending, found = deque[Pending](), []
        for first in range(0, len(views), self.batch_size):
            if len(pending) == self.num_at_once:
                found.append(pending.popleft()())
            pending.append(self.start(views[first : first + self.batch_size]))
        return joined([*found, *(wait() for wait in pending)])


def joined(outputs: "Sequence[Outputs]") -> Outputs:
    """Put the outputs of some views behind those of others."""
    import numpy as np  # noqa: PLC0415

    return Outputs(
        np.concatenate([each.probabilities for each in outputs]),
        np.concatenate([each.features for each in outputs]),
    )
