"""How programs name and lay out the variables of a Video Swin."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from vswin_cli.conversion.tensors import Shape


@dataclass(frozen=True)
class Layout:
    """How to rearrange the axes of a stored tensor into our layout."""

    axes: tuple[int, ...] | None  # None: as they are

    def shape(self, stored: Shape) -> Shape:
        """The shape that `apply` returns; a tensor of another rank keeps its shape."""
        if self.axes is None or len(stored) != len(self.axes):
            return stored
        return tuple(stored[axis] for axis in self.axes)

    def apply(self, values: np.ndarray) -> np.ndarray:
        """Put the axes in our order."""
        return values if self.axes is None else np.ascontiguousarray(values.transpose(self.axes))


SAME = Layout(None)
DENSE = Layout((1, 0))  # PyTorch's (outputs, inputs)
CONVOLUTION = Layout((2, 3, 4, 1, 0))  # PyTorch's (outputs, inputs, T, H, W)


@dataclass(frozen=True)
class TensorKey:
    """The tensor of a checkpoint that a variable is filled from."""

    key: str
    layout: Layout = SAME


class Style(Protocol):
    """The names of one program. Except for the head, keys are relative to the backbone's prefix."""

    @property
    def name(self) -> str:
        """Name for people to read."""

    @property
    def anchor(self) -> str:
        """The key of the patch embedding's weights, which every backbone has."""

    @property
    def backbone(self) -> str:
        """The end of the prefix if the backbone is part of a classifier."""

    def owns(self, keys: Iterable[str]) -> bool:
        """Whether these keys of a backbone have this style."""

    def depths(self, shapes: Mapping[str, Shape]) -> tuple[int, ...]:
        """Count the blocks of each stage, at least 1; gaps count, and are reported later."""

    def sources(self, depths: tuple[int, ...], keys: Iterable[str]) -> dict[str, TensorKey]:
        """Name the tensor of every variable of a backbone, by our paths."""

    def head_sources(self, keys: Iterable[str]) -> dict[str, TensorKey]:
        """Name the tensors of a classifier's head; empty where there is none.

        Args:
            keys: Keys below the prefix of the classifier.
        """

    def index_key(self, stage: int, block: int) -> str | None:
        """Name the stored relative position index of a block, if the style has any."""
