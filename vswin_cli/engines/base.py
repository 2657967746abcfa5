"""The interface between the classifier and an engine: views in, outputs out."""

from abc import abstractmethod
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol, get_args

if TYPE_CHECKING:  # `--help` lists the backends without importing NumPy
    import numpy as np

Backend = Literal["openvino", "tensorflow", "jax", "torch"]
Precision = Literal["float32", "bfloat16"]
BACKENDS: tuple[Backend, ...] = get_args(Backend)
BATCH_ON_GPU = 32  # views


@dataclass(frozen=True)
class Outputs:
    """The outputs of a model for some views.

    Attributes:
        probabilities: float32 (views, num_classes), rows add up to 1; no columns without a head.
        features: float32 (views, num_features), backbone outputs averaged over T', H', W'.
    """

    probabilities: "np.ndarray"
    features: "np.ndarray"

    def row(self, number: int) -> "Outputs":
        """The outputs of one view."""
        return Outputs(self.probabilities[number : number + 1], self.features[number : number + 1])


Pending = Callable[[], Outputs]  # waits until they are computed


class Engine(Protocol):
    """A model with its weights, ready to run; every engine must define `start`.

    Attributes:
        batch_size: Largest number of views per batch.
        num_at_once: Batches that can be started before the outputs of the first are taken.
        num_queued: Batches that can be started beyond these, to wait in the engine.
    """

    backend: Backend
    precision: Precision
    batch_size: int = 1
    num_at_once: int = 1
    num_queued: int = 0

    @abstractmethod
    def start(self, views: "np.ndarray") -> Pending:
        """Begin to compute a batch.

        Args:
            views: RGB uint8 (views, T, H, W, 3), at most `batch_size` views, in the size that the
                engine was loaded for. Do not change them before the outputs are ready.
        """

    def new_batch(self, shape: tuple[int, ...]) -> "np.ndarray":
        """Allocate a batch in the memory that the engine reads fastest.

        Args:
            shape: Shape of one view.
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
    """Concatenate outputs."""
    import numpy as np  # noqa: PLC0415

    return Outputs(
        np.concatenate([each.probabilities for each in outputs]),
        np.concatenate([each.features for each in outputs]),
    )
