"""How programs name the variables of a Video Swin, and how they lay them out."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from vswin_cli.conversion.tensors import Shape


@dataclass(frozen=True)
class Layout:
    """How the axes of a stored tensor become those of ours."""

    axes: tuple[int, ...] | None  # None: as they are

    def shape(self, stored: Shape) -> Shape:
        """The shape that `apply` gives; a tensor of another rank keeps its own."""
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
    """One program's names. Keys are those below the backbone's prefix, but for the head's."""

    @property
    def name(self) -> str:
        """Name for people to read."""

    @property
    def anchor(self) -> str:
        """The key of the patch embedding's weights, which every backbone has."""

    @property
    def backbone(self) -> str:
        """What a prefix ends in where the backbone is a part of a classifier."""

    def owns(self, keys: Iterable[str]) -> bool:
        """Whether these keys of a backbone are this style's."""

    def depths(self, shapes: Mapping[str, Shape]) -> tuple[int, ...]:
        """Count the blocks of each stage, at least 1; gaps count as well, and are missed later."""

    def sources(self, depths: tuple[int, ...], keys: Iterable[str]) -> dict[str, TensorKey]:
        """Name the tensor of every variable of a backbone, by our paths."""

    def head_sources(self, keys: Iterable[str]) -> dict[str, TensorKey]:
        """Name the tensors of a classifier's head; empty where there is none.

        Args:
            keys: Keys below the prefix of the classifier.
        """

    def index_key(self, stage: int, block: int) -> str | None:
        """Name the stored relative position index of a block, if the style has any."""
