"""The input of each format: a network with its weights, and the description for its file."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from vswin_cli.export.network import NORMALISATION, Network

# From views, (B, T, H, W, 3), to the outputs by their names.
Run = Callable[[np.ndarray], dict[str, np.ndarray]]


@dataclass(frozen=True)
class Request:
    """One export.

    Attributes:
        name: Name of the model.
        labels: Names of the classes, in index order; none without a head.
        network: Graph of the model.
        weights: Weights by variable path, float32.
        description: Metadata for the file: text by key.
        half: Whether weights are stored in float16; the arithmetic is float32 in any case.
        batch: Views per batch; None is any number.
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
    def stored(self) -> dict[str, np.ndarray]:
        """The constants as stored in the file: float16 if requested, except for the normalisation.

        Rounding its six numbers would shift every pixel in the same direction.
        """
        return {
            name: values.astype(np.float16)
            if self.half and values.dtype == np.float32 and not name.startswith(NORMALISATION)
            else values
            for name, values in self.constants.items()
        }

    @property
    def output_widths(self) -> dict[str, int]:
        """The length of each output's rows."""
        network = self.network
        widths = {"features": network.architecture.num_features}
        if network.num_classes is not None:
            widths["probabilities"] = network.num_classes
        return {name: widths[name] for name in network.output_names}
