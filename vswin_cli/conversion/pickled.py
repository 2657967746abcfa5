"""Pickles of PyTorch, read as data: nothing that they name is imported, and nothing of it called.

A pickle is a program that builds objects by calling what it names. Here, the few names that tensors
are made of stand for code of this module, and every other one for `Inert`, which takes whatever is
done to it and does nothing.
"""

import pickle
from collections.abc import Callable
from functools import partial
from typing import Any, BinaryIO, ClassVar

from vswin_cli.conversion.stored import BFLOAT16, Shape, Storage, StoredTensor

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


class _InertType(type):
    """Lets the class `Inert` itself stand for every instance of itself."""

    def __setitem__(cls, key: object, value: object) -> None:
        """Take what a dictionary would."""


class Inert(metaclass=_InertType):
    """Whatever a pickle names that is not known: called, filled or configured, it stays itself."""

    def __new__(cls, *_args: object, **_options: object) -> Any:  # noqa: ANN401, D102 - itself
        return cls

    @classmethod
    def _ignore(cls, *_args: object) -> None:
        pass

    append = extend = add = update = _ignore
    __setstate__ = _ignore


class _Items(dict[Any, Any]):
    """In place of OrderedDict: its items, and no attributes."""

    def __setstate__(self, state: object) -> None:
        """Ignore `_metadata`, the versions of a model's parts."""


class _Tuple(tuple[Any, ...]):
    """In place of a tuple: a key that is found by itself alone.

    A tuple's hash and comparison go through all that is in it, which ends the process where it is
    very deep, and never ends where its parts are shared.
    """

    __slots__ = ()
    __hash__ = object.__hash__
    __eq__ = object.__eq__
    __ne__ = object.__ne__


class _Builder:
    """A function of this module, sealed: a pickle can call it, and not change it."""

    __slots__ = ("_function",)

    def __init__(self, function: Callable[..., object]) -> None:
        self._function = function

    def __call__(self, *arguments: object) -> object:
        return self._function(*arguments)

    def __setstate__(self, state: object) -> None:
        """Take nothing from a pickle."""


class StorageType:
    """A class of storages, as pickles name it."""

    __slots__ = ("dtype",)

    def __init__(self, dtype: str) -> None:
        self.dtype = dtype

    def __setstate__(self, state: object) -> None:
        """Take nothing from a pickle."""


def _tensor(storage: object, offset: object, shape: object, strides: object, *_: object) -> object:
    """Stand in for `_rebuild_tensor` and `_rebuild_tensor_v2`; both begin with these arguments."""
    if isinstance(storage, Storage) and isinstance(offset, int):
        return StoredTensor(storage, offset, _shape(shape), _shape(strides))
    return Inert


def _parameter(tensor: object, *_: object) -> object:
    """Stand in for `_rebuild_parameter`: a tensor that is trained."""
    return tensor


def _typed(function: object, _type: object, arguments: object, *_: object) -> object:
    """Stand in for `_rebuild_from_type_v2`: a tensor with attributes, which are not needed."""
    if isinstance(function, _Builder) and isinstance(arguments, tuple):
        return function(*arguments)
    return Inert


def _shape(value: object) -> Shape:
    if isinstance(value, tuple | list) and all(isinstance(side, int) for side in value):
        return tuple(value)
    raise pickle.UnpicklingError(f"{value!r} is not a shape")


_BUILDERS: dict[tuple[str, str], Callable[..., object]] = {
    ("torch._utils", "_rebuild_tensor"): _tensor,
    ("torch._utils", "_rebuild_tensor_v2"): _tensor,
    ("torch._utils", "_rebuild_parameter"): _parameter,
    ("torch._utils", "_rebuild_parameter_with_state"): _parameter,
    ("torch._tensor", "_rebuild_from_type_v2"): _typed,
}


class Unpickler(pickle._Unpickler):
    """Reads one pickle from a stream.

    It is the one in Python: that in C makes room for as many objects as the highest number that the
    pickle gives one, which may be a billion, and cannot make other tuples.

    Args:
        stream: Stands at the pickle's begin, and after `load` at its end.
        storage_of: Makes the storage of a persistent id.
    """

    stack: list[Any]  # typeshed has none of these
    append: Callable[[object], None]
    pop_mark: Callable[[], list[Any]]

    def __init__(
        self,
        stream: BinaryIO,
        storage_of: Callable[[tuple[Any, ...]], Storage] | None = None,
    ) -> None:
        # Pickles of Python 2 hold bytes for text.
        super().__init__(stream, encoding="utf-8", errors="surrogateescape")
        self._storage_of = storage_of

    def find_class(self, module: str, name: str, /) -> object:
        """Stand in for an import."""
        if (module, name) == ("collections", "OrderedDict"):
            return _Items
        if (module, name) in _BUILDERS:
            return _Builder(_BUILDERS[module, name])
        if module in _STORAGE_MODULES and name in STORAGE_DTYPES:
            return StorageType(STORAGE_DTYPES[name])
        return Inert

    def persistent_load(self, pid: object, /) -> object:
        """Describe the storage that the id names; its numbers are elsewhere in the file."""
        if self._storage_of is None or not isinstance(pid, tuple) or pid[:1] != ("storage",):
            raise pickle.UnpicklingError("it refers to something that is not a storage")
        _, storage_type, _, _, num_elements = pid[:5]
        if not isinstance(num_elements, int) or num_elements < 0:
            raise pickle.UnpicklingError(f"it has a storage of {num_elements!r} elements")
        if not isinstance(storage_type, StorageType):  # of numbers that are not known
            return Inert
        return self._storage_of(pid)

    def _tuple(self) -> None:
        items = self.pop_mark()  # which changes where `append` appends
        self.append(_Tuple(items))

    def _tuple_of(self, count: int) -> None:
        self.stack[-count:] = [_Tuple(self.stack[-count:])]

    dispatch: ClassVar[dict[int, Callable[[Any], None]]] = {
        **pickle._Unpickler.dispatch,
        pickle.TUPLE[0]: _tuple,
        pickle.TUPLE1[0]: partial(_tuple_of, count=1),
        pickle.TUPLE2[0]: partial(_tuple_of, count=2),
        pickle.TUPLE3[0]: partial(_tuple_of, count=3),
    }
