"""Finds the model in a checkpoint: matches its tensors with the variables of the network."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from math import prod
from pathlib import Path

import numpy as np

from vswin_cli.conversion.architecture import (
    MAX_TOKENS,
    architecture_of,
    check_window,
    two_dimensional,
    window_of_index,
    window_of_rows,
)
from vswin_cli.conversion.checkpoint_file import checkpoint_bytes, open_checkpoint
from vswin_cli.conversion.parts import Part, choose_part, others
from vswin_cli.conversion.shards import shard_hint
from vswin_cli.conversion.styles import Layout, TensorKey
from vswin_cli.conversion.tensors import StoredTensor
from vswin_cli.errors import CheckpointError, UsageError
from vswin_cli.network.checkpoint import key_table
from vswin_cli.zoo.architectures import Architecture, Size
from vswin_cli.zoo.protocols import MEAN, STD

# Stored constants, which this program computes itself: compared, never loaded. These are of
# MMAction2 1.x, which subtracts and divides before the backbone.
_NORMALISATION = {"data_preprocessor.mean": MEAN, "data_preprocessor.std": STD}
_TOLERANCE = 0.01  # of values between 50 and 130, which configurations round


@dataclass(frozen=True)
class MatchedTensor:
    """The tensor that a variable is filled from."""

    key: str
    stored: StoredTensor
    layout: Layout

    def values(self) -> np.ndarray:
        """Read float32 values in our layout.

        Raises:
            CheckpointError: As `StoredTensor.floats`; the message names the tensor.
        """
        try:
            return self.layout.apply(self.stored.floats())
        except CheckpointError as exc:
            raise CheckpointError(f"tensor {self.key}: {exc}") from exc


class Variables(Mapping[str, np.ndarray]):
    """The model's variables, each read when requested, so that only one is in memory at a time."""

    def __init__(self, matched: Mapping[str, MatchedTensor]) -> None:
        self._matched = matched

    def __getitem__(self, variable: str) -> np.ndarray:
        return self._matched[variable].values()

    def __iter__(self) -> Iterator[str]:
        return iter(self._matched)

    def __len__(self) -> int:
        return len(self._matched)


@dataclass(frozen=True)
class Match:
    """The model of a checkpoint."""

    style: str
    architecture: Architecture
    num_classes: int | None  # None: without a head
    variables: Variables
    checked: tuple[str, ...]  # keys of buffers that were compared with what this program computes
    unused: tuple[str, ...]  # keys of all other tensors in the same dictionary
    is_window_guessed: bool


@dataclass(frozen=True)
class FoundModel:
    """The chosen model, and the other content of the file."""

    part: Part
    match: Match
    others: tuple[str, ...]  # all else that holds tensors, one line each


@contextmanager
def find_model_in(
    checkpoint: Path, part: str | None = None, window: Size | None = None
) -> Iterator[FoundModel]:
    """Open a checkpoint and find its model, whose numbers can be read until the block ends.

    Args:
        checkpoint: The file.
        part: Which of several models, as for `choose_part`.
        window: As for `match`.

    Raises:
        WeightsNotFoundError, CheckpointError, UsageError: It cannot be converted; the message names
            the file and the reason.
    """
    with open_checkpoint(checkpoint) as tree:
        try:
            chosen = choose_part(tree, part)
            understood = match(chosen, checkpoint_bytes(checkpoint), window)
            found = FoundModel(chosen, understood, tuple(others(tree, chosen.path)))
        except (CheckpointError, UsageError) as exc:
            raise type(exc)(f"cannot convert {checkpoint}: {exc}{shard_hint(checkpoint)}") from exc
        yield found


def match(part: Part, num_bytes: int, window: Size | None = None) -> Match:
    """Find every variable of the model, and check what can be checked before numbers are read.

    Args:
        part: The dictionary that contains the model.
        num_bytes: Size of the file, which limits how much is read.
        window: Window of the attention. Default: found by the stored indices, or by the rows of
            the bias table.

    Raises:
        CheckpointError: A tensor is missing or has the wrong shape, or a buffer differs from the
            computed one.
        UsageError: The window cannot be determined, or is not this model's.
    """
    below = {
        key.removeprefix(part.prefix): key for key in part.tensors if key.startswith(part.prefix)
    }
    depths = part.style.depths({key: part.tensors[full].shape for key, full in below.items()})
    if sum(depths) > len(below):  # else a few numbers in keys could fill all memory
        raise CheckpointError(f"its keys name {sum(depths)} blocks, but most are missing")
    sources = {
        variable: TensorKey(part.prefix + source.key, source.layout)
        for variable, source in part.style.sources(depths, below).items()
    }
    sources |= _head(part)
    _refuse_missing(part, sources)
    matched = {
        variable: MatchedTensor(source.key, part.tensors[source.key], source.layout)
        for variable, source in sources.items()
    }
    shapes = {
        variable: tensor.layout.shape(tensor.stored.shape) for variable, tensor in matched.items()
    }
    num_rows, _ = two_dimensional(shapes, "stage0_block0/attention/bias_table")
    indices = _stored_indices(part, depths)
    _refuse_repeated([tensor.stored for tensor in matched.values()], num_bytes)
    if window is not None:
        check_window(window, num_rows)
    found = _common_window(part, indices, num_rows, window)
    if window is not None and found not in (None, window):
        raise CheckpointError(
            f"tensor {indices[0]}: it is the index of the window {found}, not of {window}"
        )
    window = window or found
    architecture = architecture_of(shapes, depths, window or window_of_rows(num_rows))
    has_head = "head/kernel" in shapes
    num_classes = two_dimensional(shapes, "head/kernel")[1] if has_head else None
    for key in key_table(architecture, num_classes):
        if shapes[key.variable] != key.shape:
            tensor = matched[key.variable]
            raise CheckpointError(
                f"tensor {tensor.key} is {tensor.stored.shape}, which as {key.variable} would be "
                f"{shapes[key.variable]}; the model needs {key.shape}"
            )
    checked = [*indices, *_checked_normalisation(part)]
    used = {tensor.key for tensor in matched.values()}.union(checked)
    return Match(
        part.style.name,
        architecture,
        num_classes,
        Variables(matched),
        tuple(checked),
        tuple(key for key in part.tensors if key not in used),
        is_window_guessed=window is None,
    )


def _head(part: Part) -> dict[str, TensorKey]:
    """Look for the head below the backbone's prefix, and below the classifier's."""
    for prefix in dict.fromkeys((part.prefix.removesuffix(part.style.backbone), part.prefix)):
        keys = {key.removeprefix(prefix) for key in part.tensors if key.startswith(prefix)}
        if sources := part.style.head_sources(keys):
            return {
                variable: TensorKey(prefix + source.key, source.layout)
                for variable, source in sources.items()
            }
    return {}


def _refuse_missing(part: Part, sources: Mapping[str, TensorKey]) -> None:
    missing = [source.key for source in sources.values() if source.key not in part.tensors]
    if missing:
        more = f" and {len(missing) - 6} more" if len(missing) > 6 else ""
        raise CheckpointError(f"it has no {', '.join(missing[:6])}{more}")


def _refuse_repeated(tensors: list[StoredTensor], num_bytes: int) -> None:
    """Refuse tensors that share numbers: a small file could contain any number of them."""
    num_written = sum(prod(tensor.shape) for tensor in tensors) * np.dtype(np.float32).itemsize
    if num_written > 2 * num_bytes:  # numbers of 16 bits become twice as long
        raise CheckpointError(
            f"its variables have {num_written:,} bytes, the file {num_bytes:,}; save them once each"
        )


def _stored_indices(part: Part, depths: tuple[int, ...]) -> list[str]:
    found = []
    for stage, depth in enumerate(depths):
        for block in range(depth):
            key = part.style.index_key(stage, block)
            if key is not None and (tensor := part.tensors.get(part.prefix + key)):
                if prod(tensor.shape) > MAX_TOKENS**2:
                    raise CheckpointError(f"tensor {key}: {tensor.shape} is larger than any index")
                found.append(part.prefix + key)
    return found


def _common_window(
    part: Part, indices: list[str], num_rows: int, wanted: Size | None
) -> Size | None:
    """Check all stored indices, and return their window."""
    seen: dict[bytes, Size] = {}  # most are the same
    for key in indices:
        try:
            values = part.tensors[key].read()
            content = values.tobytes()
            if content not in seen:
                seen[content] = window_of_index(values, num_rows, wanted)
        except CheckpointError as exc:
            raise CheckpointError(f"tensor {key}: {exc}") from exc
    windows = set(seen.values())
    if len(windows) > 1:
        raise CheckpointError(f"its blocks have the windows {' and '.join(map(str, windows))}")
    return windows.pop() if windows else None


def _checked_normalisation(part: Part) -> Iterator[str]:
    for key, tensor in part.tensors.items():
        for name, expected in _NORMALISATION.items():
            if key.endswith(name):
                try:
                    _check_normalisation(tensor, expected)
                except CheckpointError as exc:
                    raise CheckpointError(f"tensor {key}: {exc}") from exc
                yield key


def _check_normalisation(tensor: StoredTensor, expected: tuple[float, ...]) -> None:
    """Compare a mean or a standard deviation with ours.

    Raises:
        CheckpointError: It differs, so the model would get different input here.
    """
    if prod(tensor.shape) != 3:
        raise CheckpointError(f"it is {tensor.shape}, not one number per colour")
    values = tensor.read().reshape(-1)
    if not np.allclose(values, expected, rtol=0, atol=_TOLERANCE):
        raise CheckpointError(
            f"it is {values.tolist()}, but vswin normalises by {list(expected)}; adapt the "
            "model to these"
        )
