"""Tensors as a checkpoint stores them: described at once, read one at a time."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import prod

import numpy as np

from vswin_cli.errors import CheckpointError

Shape = tuple[int, ...]

MAX_AXES = 16  # a convolution's kernel has 5
BFLOAT16 = "bfloat16"  # NumPy has none; the upper half of a float32

_READABLE_KINDS = "fiub"  # of NumPy's dtypes


def element_bytes(dtype: str) -> int:
    """Bytes of one number."""
    return 2 if dtype == BFLOAT16 else np.dtype(dtype).itemsize


@dataclass(frozen=True)
class Storage:
    """A run of numbers of one type in a file; tensors are views of it.

    Args:
        dtype: NumPy's name, or `bfloat16`.
        num_elements: Number of elements.
        read: Returns the bytes, or raises CheckpointError.
    """

    dtype: str
    num_elements: int
    read: Callable[[], bytes] = field(repr=False)
    is_big_endian: bool = False

    @property
    def num_bytes(self) -> int:
        """Its size in the file."""
        return self.num_elements * element_bytes(self.dtype)

    def array(self) -> np.ndarray:
        """Read all numbers, 1-D; bfloat16 becomes float32."""
        content = self.read()
        if len(content) != self.num_bytes:
            raise CheckpointError(f"it has {len(content)} bytes instead of {self.num_bytes}")
        stored = np.dtype("uint16" if self.dtype == BFLOAT16 else self.dtype)
        values = np.frombuffer(content, stored.newbyteorder(">" if self.is_big_endian else "<"))
        if self.dtype == BFLOAT16:
            return (values.astype(np.uint32) << 16).view(np.float32)
        return values


@dataclass(frozen=True)
class StoredTensor:
    """A view of a storage; offset and strides are in elements."""

    storage: Storage
    offset: int
    shape: Shape
    strides: Shape

    @classmethod
    def whole(cls, storage: Storage, shape: Shape) -> "StoredTensor":
        """The contiguous tensor that fills a storage."""
        strides = tuple(prod(shape[axis + 1 :]) for axis in range(len(shape)))
        return cls(storage, 0, shape, strides)

    def read(self) -> np.ndarray:
        """Read the values in their stored dtype.

        Raises:
            CheckpointError: The view reaches beyond its storage or is larger than it (otherwise, a
                few bytes could fill the memory), or the file is damaged.
        """
        numbers = (self.offset, *self.shape, *self.strides)
        if not len(self.shape) == len(self.strides) <= MAX_AXES or min(numbers) < 0:
            raise CheckpointError("its shape and strides are invalid")
        if prod(self.shape) > self.storage.num_elements:
            raise CheckpointError("it has more numbers than its storage")
        if 0 in self.shape:
            if max(self.shape) > self.storage.num_elements:
                raise CheckpointError("its shape is invalid")
            return np.zeros(self.shape, np.float32)
        last = self.offset + sum(
            (side - 1) * stride for side, stride in zip(self.shape, self.strides, strict=True)
        )
        if last >= self.storage.num_elements:
            raise CheckpointError("it reaches beyond its storage")
        values = self.storage.array()
        if values.dtype.kind not in _READABLE_KINDS:
            raise CheckpointError(f"it contains {values.dtype} numbers")
        return np.lib.stride_tricks.as_strided(
            values[self.offset :],
            self.shape,
            tuple(stride * values.itemsize for stride in self.strides),
            writeable=False,
        )

    def floats(self) -> np.ndarray:
        """Read float32 values.

        Raises:
            CheckpointError: As for `read`, or the numbers are not floating-point numbers or not
                finite.
        """
        values = self.read()
        if values.dtype.kind != "f":
            raise CheckpointError(f"it contains {values.dtype}, not floating-point numbers")
        with np.errstate(over="ignore"):
            values = values.astype(np.float32)
        if not np.isfinite(values).all():
            raise CheckpointError("it contains numbers that are not finite")
        return values


# What a checkpoint file holds, by key; wrappers such as `state_dict` are dictionaries in it.
Tree = Mapping[str, "StoredTensor | Tree"]
