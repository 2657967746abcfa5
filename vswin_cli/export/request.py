"""What is asked of a format: a network with its numbers, and what its file says of itself."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from vswin_cli.export.network import Network

# From views, (B, T, H, W, 3), to the outputs by their names.
Run = Callable[[np.ndarray], dict[str, np.ndarray]]


@dataclass(frozen=True)
class Request:
    """One export.

    Attributes:
        name: Of the model.
        labels: Of its classes, in index order; none without top.
        network: Its graph.
        weights: By variable path, float32.
        description: What the file says of itself: text by key.
        half: Whether numbers are stored in float16; the arithmetic is float32 in any case.
        batch: Views that the graph takes at once; None is any number.
    """

    name: str
    labels: tuple[str, ...]
    network: Network
    weights: Mapping[str, np.ndarray]
    description: Mapping[str, str]
    half: bool
    batch: int | None

    @property
    def constants(self) -> dict[str, np.ndarray]:
        """As for `Network.constants`."""
        return self.network.constants(self.weights)

    @property
    def output_widths(self) -> dict[str, int]:
        """The length of each output's rows."""
        network = self.network
        widths = {"features": network.architecture.num_features}
        if network.num_classes is not None:
            widths["probabilities"] = network.num_classes
        return {name: widths[name] for name in network.output_names}
