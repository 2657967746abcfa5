"""The files of `torch.save`: a zip with a pickle and an entry per storage; before 1.6, pickles.

In the latter, the magic number, the protocol version, the system, the object and the keys of the
storages are one pickle each. Then comes each storage: the number of its elements in 8 bytes, and
their bytes.
"""

import os
import re
import struct
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from io import BytesIO
from pickle import UnpicklingError
from typing import Any, BinaryIO
from zipfile import ZipFile

from vswin_cli.conversion.pickles import (
    IGNORED,
    MAX_BYTES,
    Function,
    NoNames,
    called,
    read_pickle,
)
from vswin_cli.conversion.tensors import (
    BFLOAT16,
    MAX_AXES,
    Shape,
    Storage,
    StoredTensor,
    element_bytes,
)
from vswin_cli.errors import CheckpointError

PICKLE = "data.pkl"

# The magic number as every pickle has it, behind the protocol's number and perhaps a frame's size.
_MAGIC = re.compile(
    rb"\x80[\x02-\x05](?:\x95.{8})?" + re.escape(bytes.fromhex("8a0a6cfc9c46f9206aa850192e")),
    re.DOTALL,
)
_PROTOCOL_VERSION = 1001
_COUNT = struct.Struct("<q")
_MAX_KEY = 100  # characters of a storage's
_SMALL = 4096  # bytes, of what has always the same few


# Classes of storages, by name, and the dtypes that they stand for.
STORAGE_DTYPES = {
    "DoubleStorage": "float64",
    "FloatStorage": "float32",
    "HalfStorage": "float16",
    "BFloat16Storage": BFLOAT16,
    "LongStorage": "int64",
    "IntStorage": "int32",
    "ShortStorage": "int16",
    "CharStorage": "int8",
    "ByteStorage": "uint8",
    "BoolStorage": "bool",
    "ComplexFloatStorage": "complex64",
    "ComplexDoubleStorage": "complex128",
    "QInt8Storage": "int8",
    "QUInt8Storage": "uint8",
    "QInt32Storage": "int32",
    "UntypedStorage": "uint8",
}
_STORAGE_MODULES = {"torch", "torch.cuda", "torch.storage"}


class _StorageType:
    """A storage class, as pickles name it."""

    def __init__(self, dtype: str) -> None:
        self.dtype = dtype


def _tensor(storage: object, offset: object, shape: object, strides: object, *_: object) -> object:
    """Stand in for `_rebuild_tensor` and `_rebuild_tensor_v2`; both begin with these arguments."""
    if isinstance(storage, Storage) and isinstance(offset, int):
        return StoredTensor(storage, offset, _shape(shape), _shape(strides))
    return IGNORED


def _parameter(tensor: object, *_: object) -> object:
    """Stand in for `_rebuild_parameter`: a tensor that is trained."""
    return tensor


def _typed(function: object, _type: object, arguments: object, *_: object) -> object:
    """Stand in for `_rebuild_from_type_v2`: a tensor with attributes that are not needed."""
    return called(function, arguments)


def _shape(value: object) -> Shape:
    if (
        isinstance(value, tuple | list)
        and len(value) <= MAX_AXES
        and all(isinstance(side, int) for side in value)
    ):
        return tuple(value)
    raise UnpicklingError("the shape of a tensor is invalid")


_FUNCTIONS: dict[str, Function] = {
    "torch._utils _rebuild_tensor": Function(_tensor),
    "torch._utils _rebuild_tensor_v2": Function(_tensor),
    "torch._utils _rebuild_parameter": Function(_parameter),
    "torch._utils _rebuild_parameter_with_state": Function(_parameter),
    "torch._tensor _rebuild_from_type_v2": Function(_typed),
}


@dataclass(frozen=True)
class _TorchNames:
    """The names that tensors need, and the storages in one file."""

    storage_of: Callable[[str, str, tuple[Any, ...]], Storage]  # of a key, a dtype and the whole id

    def find(self, module: str, name: str) -> object:
        """See `Names`."""
        if module in _STORAGE_MODULES and name in STORAGE_DTYPES:
            return _StorageType(STORAGE_DTYPES[name])
        return _FUNCTIONS.get(f"{module} {name}", IGNORED)

    def storage(self, pid: tuple[Any, ...]) -> object:
        """See `Names`."""
        match pid:
            case ("storage", kind, str() | int() as key, _, int() as count, *_) if (
                count >= 0 and len(str(key)) <= _MAX_KEY
            ):
                if not isinstance(kind, _StorageType):  # of numbers that are not known
                    return IGNORED
                return self.storage_of(str(key), kind.dtype, pid)
        raise UnpicklingError("it refers to something that is not a storage")


def read_torch_zip(archive: ZipFile, pickle_entry: str) -> object:
    """Read the pickled object; the tensors in it are read when they are asked for.

    Args:
        archive: Must stay open while tensors are read; no entry is larger than its file.
        pickle_entry: Its entry that ends in `data.pkl`.

    Raises:
        CheckpointError: A storage that the pickle names is missing, or the pickle is too large.
        Exception: Any, if the zip or the pickle is damaged.
    """
    folder = pickle_entry.removesuffix(PICKLE)
    sizes = {entry.filename: entry.file_size for entry in archive.infolist()}
    byteorder = f"{folder}byteorder"
    is_big_endian = sizes.get(byteorder) == 3 and archive.read(byteorder) == b"big"

    @lru_cache(maxsize=1)  # tensors that share a storage often follow each other
    def read(entry: str) -> bytes:
        try:
            return archive.read(entry)
        except Exception as exc:  # zipfile raises what zlib, struct and the system do
            raise CheckpointError(f"{entry} of the zip is damaged ({str(exc)[:100]})") from exc

    def storage_of(key: str, dtype: str, pid: tuple[Any, ...]) -> Storage:
        entry = f"{folder}data/{key}"
        if entry not in sizes:
            raise CheckpointError(f"the zip has no {entry}")
        storage = Storage(dtype, pid[4], lambda: read(entry), is_big_endian)
        if sizes[entry] != storage.num_bytes:
            raise CheckpointError(f"{entry} of the zip is not of {storage.num_bytes} bytes")
        return storage

    if sizes[pickle_entry] > MAX_BYTES:
        raise CheckpointError(
            f"{pickle_entry} of the zip has more than {MAX_BYTES:,} bytes without the tensors; "
            "save the state_dict() alone"
        )
    return read_pickle(BytesIO(archive.read(pickle_entry)), _TorchNames(storage_of))


def is_torch_legacy(stream: BinaryIO) -> bool:
    """Whether a file begins with the pickled magic number; the stream is then after it."""
    match = _MAGIC.match(stream.read(64))
    if match:
        stream.seek(match.end())
    return match is not None


def read_torch_legacy(stream: BinaryIO) -> object:
    """Read the pickled object; the tensors in it are read when they are asked for.

    Args:
        stream: After the magic number; must stay open while tensors are read.

    Raises:
        CheckpointError: It has another version, or a storage is incomplete or missing.
        Exception: Any, if the pickle is damaged.
    """
    if read_pickle(stream, NoNames(), _SMALL) != _PROTOCOL_VERSION:
        raise CheckpointError("an unknown version of torch.save wrote it")
    system = read_pickle(stream, NoNames(), _SMALL)
    is_big_endian = isinstance(system, dict) and system.get("little_endian") is False
    sizes: dict[str, tuple[int, int]] = {}  # elements and bytes an element, by key
    places: dict[str, int] = {}

    @lru_cache(maxsize=1)  # tensors that share a storage often follow each other
    def read(key: str) -> bytes:
        count, width = sizes[key]
        stream.seek(places[key])
        return stream.read(count * width)

    def read_part(key: str, start: int, count: int) -> bytes:
        width = sizes[key][1]
        return read(key)[start * width : (start + count) * width]

    def storage_of(key: str, dtype: str, pid: tuple[Any, ...]) -> Storage:
        count, view = (*pid, None)[4:6]
        sizes[key] = (count, element_bytes(dtype))
        start = 0
        if view is not None:  # PyTorch before 0.4 let storages be views of others
            _, start, count = view
            if not (isinstance(start, int) and isinstance(count, int) and min(start, count) >= 0):
                raise CheckpointError(f"storage {key} is invalid")
        return Storage(dtype, count, lambda: read_part(key, start, count), is_big_endian)

    tree = read_pickle(stream, _TorchNames(storage_of))
    keys = read_pickle(stream, NoNames())
    if not isinstance(keys, list) or not all(isinstance(key, str | int) for key in keys):
        raise CheckpointError("its list of storages is invalid")
    if set(map(str, keys)) != set(sizes):
        raise CheckpointError("its list of storages does not match its tensors")
    end = stream.seek(0, os.SEEK_END) if not keys else _place(stream, keys, sizes, places)
    if end > os.fstat(stream.fileno()).st_size:
        raise CheckpointError("it ends too early")
    return tree


def _place(
    stream: BinaryIO, keys: list[Any], sizes: dict[str, tuple[int, int]], places: dict[str, int]
) -> int:
    """Find where each storage begins; return where the last one ends."""
    for key in map(str, keys):
        written = stream.read(_COUNT.size)
        if len(written) < _COUNT.size:
            raise CheckpointError("it ends too early")
        [count] = _COUNT.unpack(written)
        if count != sizes[key][0]:
            raise CheckpointError(f"storage {key} has {count} elements, not {sizes[key][0]}")
        places[key] = stream.tell()
        stream.seek(count * sizes[key][1], os.SEEK_CUR)
    return stream.tell()
