"""Matches the tensors of a checkpoint with the variables of the model that they are."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from vswin_cli.conversion.buffers import check_normalisation, is_normalisation
from vswin_cli.conversion.parts import Part
from vswin_cli.conversion.shapes import architecture_of, two_dimensional
from vswin_cli.conversion.styles import Layout, Source
from vswin_cli.conversion.tensors import StoredTensor
from vswin_cli.conversion.windows import check_window, window_of_index, window_of_rows
from vswin_cli.errors import CheckpointError
from vswin_cli.network.checkpoint import key_table
from vswin_cli.zoo.architectures import Architecture, Size


@dataclass(frozen=True)
class Origin:
    """The tensor that a variable is filled from."""

    key: str
    tensor: StoredTensor
    layout: Layout

    def values(self) -> np.ndarray:
        """Read float32 values in our layout.

        Raises:
            CheckpointError: As `StoredTensor.floats`; the message names the tensor.
        """
        try:
            return self.layout.apply(self.tensor.floats())
        except CheckpointError as exc:
            raise CheckpointError(f"tensor {self.key}: {exc}") from exc


class Variables(Mapping[str, np.ndarray]):
    """The model's variables, each read when it is asked for, so that one at a time is in memory."""

    def __init__(self, origins: Mapping[str, Origin]) -> None:
        self._origins = origins

    def __getitem__(self, variable: str) -> np.ndarray:
        return self._origins[variable].values()

    def __iter__(self) -> Iterator[str]:
        return iter(self._origins)

    def __len__(self) -> int:
        return len(self._origins)


@dataclass(frozen=True)
class Match:
    """A checkpoint's model, understood."""

    style: str
    architecture: Architecture
    num_classes: int | None  # None: without top
    variables: Variables
    checked: tuple[str, ...]  # keys of buffers that were compared with what this program computes
    unused: tuple[str, ...]  # keys of all other tensors in the same dictionary
    is_window_guessed: bool


def match(part: Part, window: Size | None = None) -> Match:
    """Find every variable of the model, and check all that can be before numbers are read.

    Args:
        part: The dictionary that holds the model.
        window: Of the attention; None reads it off the stored indices, or the bias table's rows.

    Raises:
        CheckpointError: A tensor is missing, or of another shape than its model's, or a buffer
            is not what this program computes.
        UsageError: The window cannot be told, or is not this model's.
    """
    below = {
        key.removeprefix(part.prefix): key for key in part.tensors if key.startswith(part.prefix)
    }
    depths = part.style.depths({key: part.tensors[full].shape for key, full in below.items()})
    sources = {
        variable: Source(part.prefix + source.key, source.layout)
        for variable, source in part.style.sources(depths, below).items()
    }
    sources |= _head(part)
    _refuse_missing(part, sources)
    origins = {
        variable: Origin(source.key, part.tensors[source.key], source.layout)
        for variable, source in sources.items()
    }
    shapes = {
        variable: origin.layout.shape(origin.tensor.shape) for variable, origin in origins.items()
    }
    num_rows, _ = two_dimensional(shapes, "stage0_block0/attention/bias_table")
    indices = _stored_indices(part, depths)
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
            origin = origins[key.variable]
            raise CheckpointError(
                f"tensor {origin.key} is {origin.tensor.shape}, which as {key.variable} would be "
                f"{shapes[key.variable]}; the model needs {key.shape}"
            )
    checked = [*indices, *_checked_normalisation(part)]
    used = {origin.key for origin in origins.values()}.union(checked)
    return Match(
        part.style.name,
        architecture,
        num_classes,
        Variables(origins),
        tuple(checked),
        tuple(key for key in part.tensors if key not in used),
        is_window_guessed=window is None,
    )


def _head(part: Part) -> dict[str, Source]:
    """Look for the head below the backbone's prefix, and below the classifier's."""
    for prefix in dict.fromkeys((part.prefix.removesuffix(part.style.backbone), part.prefix)):
        keys = {key.removeprefix(prefix) for key in part.tensors if key.startswith(prefix)}
        if sources := part.style.head_sources(keys):
            return {
                variable: Source(prefix + source.key, source.layout)
                for variable, source in sources.items()
            }
    return {}


def _refuse_missing(part: Part, sources: Mapping[str, Source]) -> None:
    missing = [source.key for source in sources.values() if source.key not in part.tensors]
    if missing:
        more = f" and {len(missing) - 6} more" if len(missing) > 6 else ""
        raise CheckpointError(f"it has no {', '.join(missing[:6])}{more}")


def _stored_indices(part: Part, depths: tuple[int, ...]) -> list[str]:
    keys = (
        part.style.index_key(stage, block)
        for stage, depth in enumerate(depths)
        for block in range(depth)
    )
    return [
        part.prefix + key for key in keys if key is not None and part.prefix + key in part.tensors
    ]


def _common_window(
    part: Part, indices: list[str], num_rows: int, wanted: Size | None
) -> Size | None:
    """Check all stored indices, and tell the window that they are of."""
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
        if is_normalisation(key):
            try:
                check_normalisation(key, tensor)
            except CheckpointError as exc:
                raise CheckpointError(f"tensor {key}: {exc}") from exc
            yield key
