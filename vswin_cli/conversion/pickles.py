"""PyTorch's pickles, read as data: nothing that they name is imported or called.

A pickle is a program that builds objects by calling what it names. The machine here runs it without
Python's unpickler: it knows lists, tuples, dictionaries, text, whole numbers, and the few names
that tensors need, as `Names` defines them. Everything else becomes `IGNORED`, which accepts any
operation and does nothing. Memory grows only in proportion to what has been read, which is limited.

Source of the operations: `pickletools`, which reads their arguments here.
"""

import pickletools
from collections.abc import Callable
from pickle import UnpicklingError
from typing import Any, BinaryIO, Final, Protocol, cast

MAX_BYTES = 64 << 20  # of one pickle, whose tensors are elsewhere; a model's has 200 kB
_MAX_OPERATIONS = 2_000_000  # a model's are 20,000
_MAX_BITS = 63  # of a number that counts something
_MAX_NAME = 200  # characters, of a function
_MAX_ARGUMENTS = 8  # of the functions that make tensors

IGNORED: Final = object()


class Function:
    """A function of this package that stands in for one that a pickle names and calls."""

    def __init__(self, call: Callable[..., object]) -> None:
        self.call = call


def called(function: object, arguments: object) -> object:
    """Call what a pickle calls, if it is a function of this package."""
    if not isinstance(function, Function) or not isinstance(arguments, tuple):
        return IGNORED
    return function.call(*arguments[:_MAX_ARGUMENTS])


_ORDERED_DICT: Final = object()
_OPERATIONS = {operation.code.encode("latin-1"): operation for operation in pickletools.opcodes}


class Names(Protocol):
    """The meaning of the names in a pickle."""

    def find(self, module: str, name: str) -> object:
        """Return a `Function`, another value, or `IGNORED`."""

    def storage(self, pid: tuple[Any, ...]) -> object:
        """Return what a persistent id stands for."""


class NoNames:
    """For pickles of text and numbers."""

    def find(self, module: str, name: str) -> object:
        """Know no name."""
        return IGNORED

    def storage(self, pid: tuple[Any, ...]) -> object:
        """Refuse every name."""
        raise UnpicklingError("it refers to something that is not in it")


class _Input:
    """The bytes of a pickle, counted; the lengths that it states are trusted up to the limit."""

    def __init__(self, stream: BinaryIO, max_bytes: int) -> None:
        self._stream = stream
        self._left = max_bytes

    def read(self, num_bytes: int) -> bytes:
        self._left -= num_bytes
        if self._left < 0:
            raise UnpicklingError("it is too long for a pickle")
        return self._stream.read(num_bytes)

    def readline(self) -> bytes:
        line = self._stream.readline(self._left)
        self._left -= len(line)
        return line


class _Machine:
    """Runs one pickle."""

    def __init__(self, names: Names) -> None:
        self._names = names
        self._stack: list[Any] = []
        self._below: list[list[Any]] = []  # the stacks below the marks
        self._memo: dict[int, Any] = {}
        self._num_copied = 0

    def run(self, stream: _Input) -> object:
        """Return what the pickle makes.

        Raises:
            Exception: Any, if the pickle makes no sense.
        """
        for _ in range(_MAX_OPERATIONS):
            code = stream.read(1)
            if not code:
                raise UnpicklingError("it ends too early")
            operation = _OPERATIONS[code]
            argument = operation.arg.reader(cast("BinaryIO", stream)) if operation.arg else None
            if operation.name == "STOP":
                return self._stack.pop()
            _ACTIONS[operation.name](self, argument)
        raise UnpicklingError(f"it has more than {_MAX_OPERATIONS:,} operations")

    def push(self, value: object) -> None:
        self._stack.append(value)

    def ignore(self, _: object) -> None:
        self._stack.append(IGNORED)

    def push_scalar(self, value: object) -> None:
        is_kept = isinstance(value, str) or (
            isinstance(value, int) and value.bit_length() <= _MAX_BITS
        )
        self._stack.append(value if is_kept else IGNORED)

    def top(self) -> Any:  # noqa: ANN401 - of a pickle
        return self._stack[-1]

    def pop(self) -> Any:  # noqa: ANN401 - of a pickle
        return self._stack.pop()

    def pop_item(self) -> None:
        if self._stack:
            self._stack.pop()
        else:
            self.pop_mark()

    def mark(self) -> None:
        self._below.append(self._stack)
        self._stack = []

    def pop_mark(self) -> list[Any]:
        items, self._stack = self._stack, self._below.pop()
        return items

    def last(self, count: int) -> tuple[Any, ...]:
        if len(self._stack) < count:
            raise UnpicklingError("its stack is empty")
        items = tuple(self._stack[-count:])
        del self._stack[-count:]
        return items

    def remember(self, number: int | None) -> None:
        number = len(self._memo) if number is None else number
        if number.bit_length() > 32:  # others are chosen to slow a dictionary down
            raise UnpicklingError("its numbers of objects are too large")
        self._memo[number] = self._stack[-1]

    def recall(self, number: int) -> None:
        self._stack.append(self._memo[number])

    def extend(self, items: list[Any]) -> None:
        if isinstance(self._stack[-1], list):
            self._stack[-1].extend(items)

    def set_items(self, items: list[Any]) -> None:
        target = self._stack[-1]
        if isinstance(target, dict):
            _fill(target, zip(items[::2], items[1::2], strict=True))

    def make_dict(self) -> None:
        items = self.pop_mark()
        self._stack.append({})
        self.set_items(items)

    def name(self, module_and_name: str) -> None:
        if len(module_and_name) > _MAX_NAME:
            self._stack.append(IGNORED)
        elif module_and_name == "collections OrderedDict":
            self._stack.append(_ORDERED_DICT)
        else:
            module, _, name = module_and_name.partition(" ")
            self._stack.append(self._names.find(module, name))

    def name_of_stack(self) -> None:
        names = self.last(2)
        are_names = all(isinstance(name, str) and len(name) <= _MAX_NAME for name in names)
        self.name(" ".join(names) if are_names else "")

    def call(self) -> None:
        function, arguments = self.last(2)
        if function is _ORDERED_DICT:
            self._stack.append(self._ordered(arguments))
        else:
            self._stack.append(called(function, arguments))

    def _ordered(self, arguments: object) -> dict[str, Any]:
        """Make a dictionary from pairs, as Python 2 pickled it; the list is not needed again."""
        made: dict[str, Any] = {}
        match arguments:
            case (list() as pairs,):
                self._num_copied += len(pairs)
                if self._num_copied > _MAX_OPERATIONS:
                    raise UnpicklingError("it copies without end")
                are_pairs = (isinstance(pair, list | tuple) and len(pair) == 2 for pair in pairs)
                if all(are_pairs):
                    _fill(made, pairs)
        return made

    def call_ignored(self, num_operands: int) -> None:
        """Call an unknown class: ignore it, except for an OrderedDict."""
        function, *_ = self.last(num_operands)
        self._stack.append({} if function is _ORDERED_DICT else IGNORED)

    def find_storage(self) -> None:
        pid = self._stack.pop()
        if not isinstance(pid, tuple):
            raise UnpicklingError("it refers to something that is not a storage")
        self._stack.append(self._names.storage(pid))


def _fill(target: dict[str, Any], pairs: Any) -> None:  # noqa: ANN401 - of a pickle
    """Keep entries whose key is text or a number, which becomes text: its hash is random."""
    for key, value in pairs:
        if isinstance(key, str | int):
            target[str(key)] = value


_Action = Callable[[_Machine, Any], object]


def _all(names: str, action: _Action) -> dict[str, _Action]:
    return dict.fromkeys(names.split(), action)


_SCALARS = (
    "INT BININT BININT1 BININT2 LONG LONG1 LONG4 FLOAT BINFLOAT STRING BINSTRING SHORT_BINSTRING "
    "UNICODE BINUNICODE SHORT_BINUNICODE BINUNICODE8 BINBYTES SHORT_BINBYTES BINBYTES8 BYTEARRAY8"
)
_ACTIONS: dict[str, _Action] = {
    **_all("PROTO FRAME READONLY_BUFFER", lambda machine, _: None),
    **_all(_SCALARS, _Machine.push_scalar),
    **_all("EXT1 EXT2 EXT4 EMPTY_SET NEXT_BUFFER", _Machine.ignore),
    "NONE": lambda machine, _: machine.push(None),
    "NEWTRUE": lambda machine, _: machine.push(True),
    "NEWFALSE": lambda machine, _: machine.push(False),
    "EMPTY_LIST": lambda machine, _: machine.push([]),
    "EMPTY_TUPLE": lambda machine, _: machine.push(()),
    "EMPTY_DICT": lambda machine, _: machine.push({}),
    "TUPLE1": lambda machine, _: machine.push(machine.last(1)),
    "TUPLE2": lambda machine, _: machine.push(machine.last(2)),
    "TUPLE3": lambda machine, _: machine.push(machine.last(3)),
    "MARK": lambda machine, _: machine.mark(),
    "POP": lambda machine, _: machine.pop_item(),
    "POP_MARK": lambda machine, _: machine.pop_mark(),
    "DUP": lambda machine, _: machine.push(machine.top()),
    "LIST": lambda machine, _: machine.push(machine.pop_mark()),
    "TUPLE": lambda machine, _: machine.push(tuple(machine.pop_mark())),
    "DICT": lambda machine, _: machine.make_dict(),
    **_all("PUT BINPUT LONG_BINPUT MEMOIZE", _Machine.remember),
    **_all("GET BINGET LONG_BINGET", _Machine.recall),
    "APPEND": lambda machine, _: machine.extend([machine.pop()]),
    "APPENDS": lambda machine, _: machine.extend(machine.pop_mark()),
    "SETITEM": lambda machine, _: machine.set_items([*machine.last(2)]),
    "SETITEMS": lambda machine, _: machine.set_items(machine.pop_mark()),
    "ADDITEMS": lambda machine, _: machine.pop_mark(),
    **_all("FROZENSET INST OBJ", lambda machine, _: machine.ignore(machine.pop_mark())),
    "GLOBAL": _Machine.name,
    "STACK_GLOBAL": lambda machine, _: machine.name_of_stack(),
    "REDUCE": lambda machine, _: machine.call(),
    "NEWOBJ": lambda machine, _: machine.call_ignored(2),
    "NEWOBJ_EX": lambda machine, _: machine.call_ignored(3),
    "BUILD": lambda machine, _: machine.pop(),
    "BINPERSID": lambda machine, _: machine.find_storage(),
}


def read_pickle(stream: BinaryIO, names: Names, max_bytes: int = MAX_BYTES) -> object:
    """Read one pickle.

    Args:
        stream: At the start of the pickle; afterwards, at its end.
        names: The names that the pickle may use.
        max_bytes: Largest size of the pickle.

    Raises:
        Exception: Any, if the pickle is damaged.
    """
    return _Machine(names).run(_Input(stream, max_bytes))
