"""The safetensors format: the length of a JSON header, the header, the numbers.

It is read here, without a dependency, because it is simple. Source:
https://github.com/huggingface/safetensors, section "Format".
"""

import json
import os
import struct
from math import prod
from typing import Any, BinaryIO

from vswin_cli.conversion.tensors import (
    BFLOAT16,
    MAX_AXES,
    Storage,
    StoredTensor,
    Tree,
    element_bytes,
)
from vswin_cli.errors import CheckpointError

_LENGTH = struct.Struct("<Q")
_LONGEST_BYTES = 100_000_000  # of a header, by the format
_MAX_HEADER_BYTES = 4 << 20  # here; a model has 100 kB of it
_DTYPES = {
    "F64": "float64",
    "F32": "float32",
    "F16": "float16",
    "BF16": BFLOAT16,
    "I64": "int64",
    "I32": "int32",
    "I16": "int16",
    "I8": "int8",
    "U64": "uint64",
    "U32": "uint32",
    "U16": "uint16",
    "U8": "uint8",
    "BOOL": "bool",
}


def is_safetensors(stream: BinaryIO) -> bool:
    """Whether a file begins like safetensors."""
    start = stream.read(_LENGTH.size + 1)
    return start[_LENGTH.size :] == b"{" and 2 <= _LENGTH.unpack(start[:-1])[0] <= _LONGEST_BYTES


def read_safetensors(stream: BinaryIO) -> Tree:
    """Describe all tensors; their numbers are read when requested.

    Args:
        stream: Must stay open while tensors are read.

    Raises:
        CheckpointError: The header is damaged, or tensors overlap or reach beyond the file.
    """
    stream.seek(0)
    [length] = _LENGTH.unpack(stream.read(_LENGTH.size))
    if length > _MAX_HEADER_BYTES:
        raise CheckpointError(f"its header has more than {_MAX_HEADER_BYTES:,} bytes")
    try:
        header = json.loads(stream.read(length), object_pairs_hook=_without_repetition)
    except (ValueError, RecursionError) as exc:
        raise CheckpointError("its header is damaged") from exc
    begin = _LENGTH.size + length
    num_bytes = os.fstat(stream.fileno()).st_size - begin
    tensors: dict[str, StoredTensor | Tree] = {}
    places = []
    for key, entry in header.items():
        if key == "__metadata__":
            continue
        try:
            dtype, shape, (start, end) = entry["dtype"], entry["shape"], entry["data_offsets"]
        except (TypeError, KeyError, ValueError) as exc:
            raise CheckpointError(f"its header does not describe {key}") from exc
        if not isinstance(dtype, str) or dtype not in _DTYPES:
            continue  # such as 8-bit floats; a tensor that is needed will be missed
        _check(key, dtype, shape, start, end)
        places.append((start, end))
        tensors[key] = _tensor(stream, _DTYPES[dtype], shape, begin + start)
    reached = 0
    for start, end in sorted(places):
        if start < reached:
            raise CheckpointError("its tensors overlap")
        reached = end
    if reached > num_bytes:
        raise CheckpointError("it ends too early")
    return tensors


def _without_repetition(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(dict(pairs)) < len(pairs):
        raise ValueError("a key is repeated")
    return dict(pairs)


def _check(key: str, dtype: str, shape: Any, start: Any, end: Any) -> None:  # noqa: ANN401 - JSON
    is_shape = isinstance(shape, list) and len(shape) <= MAX_AXES
    numbers = [start, end, *shape] if is_shape else [None]
    are_counts = all(type(number) is int and 0 <= number < 1 << 63 for number in numbers)
    if not are_counts or end - start != prod(shape) * element_bytes(_DTYPES[dtype]):
        raise CheckpointError(f"its header contradicts itself about {key}")


def _tensor(stream: BinaryIO, dtype: str, shape: list[int], place: int) -> StoredTensor:
    def read() -> bytes:
        stream.seek(place)
        return stream.read(prod(shape) * element_bytes(dtype))

    return StoredTensor.whole(Storage(dtype, prod(shape), read), tuple(shape))
