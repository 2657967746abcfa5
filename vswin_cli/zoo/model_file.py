"""Model files: a custom model in TOML, next to its weights.

    name = "mine"
    weights = "mine.weights.h5"     # a path from this file's folder
    sha256 = "…"                    # of the weights
    num_classes = 5                 # left out if there is no head
    labels = "kinetics400"          # a label set's name, a text file, or a list; or left out
    multi_label = true              # left out where a video has one class

    [architecture]
    embed_dim = 96
    …

Every key is checked, and one that is not known is an error.
"""

import json
import re
import reprlib
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from math import prod
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from vswin_cli.errors import ModelFileError, UsageError
from vswin_cli.system.text import read_text
from vswin_cli.zoo.architectures import Architecture
from vswin_cli.zoo.labels import (
    LABEL_SETS,
    LabelSet,
    custom_label_set,
    read_label_file,
    what_is_wrong,
)
from vswin_cli.zoo.models import CustomModel
from vswin_cli.zoo.protocols import Sampling, ViewProtocol

_MAX_FILE_BYTES = 10_000_000
_MAX_WINDOW_TOKENS = 4096  # 16 × 7 × 7 has 784
_MAX_NUMBERS = 1 << 29  # held at once; the largest published model has 20 million
_MAX_VIEW_PIXELS = 1 << 25  # 32 × 1024 × 1024; the published models have 32 × 224 × 224


def valid_name(text: str) -> str:
    """Turn any text into a valid model name."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", text).strip("-._")[:100] or "model"


def numbered_names(num_classes: int) -> tuple[str, ...]:
    """Names for classes that have none."""
    return tuple(f"class {index}" for index in range(num_classes))


def _number(high: int, default: Any = ...) -> Any:  # noqa: ANN401 - as pydantic's Field
    description = f"a whole number from 1 to {high}"
    return Field(default, strict=True, ge=1, le=high, description=description)


class _Table(BaseModel):
    """A table of the file; each description completes "… is not"."""

    model_config = ConfigDict(extra="forbid")


class _Architecture(_Table):
    name: str = Field("custom", description="text")
    embed_dim: int = _number(8192)
    depths: tuple[Annotated[int, _number(999)], ...] = Field(
        min_length=1, max_length=8, description="a list of whole numbers from 1 to 999"
    )
    num_heads: tuple[Annotated[int, _number(8192)], ...] = Field(
        description="a list of whole numbers from 1 to 8192"
    )
    window: tuple[Annotated[int, _number(1024)], ...] = Field(
        min_length=3, max_length=3, description="[T, H, W], whole numbers from 1 to 1024"
    )
    patch: tuple[Annotated[int, _number(256)], ...] = Field(
        min_length=3, max_length=3, description="[T, H, W], whole numbers from 1 to 256"
    )
    mlp_ratio: int = _number(64)


class _Protocol(_Table):
    sampling: Sampling = Field(description=f"one of {', '.join(Sampling)}")
    num_clips: int = _number(1000)
    num_crops: int = _number(3)
    clip_len: int = _number(1024)
    frame_interval: int = _number(1024)
    crop_size: int = _number(4096)


class _File(_Table):
    name: str | None = Field(  # it becomes part of file names
        None,
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$",
        description="letters, digits, '.', '_' and '-'",
    )
    weights: str = Field(pattern=r"^[^\x00]+$", description="text")
    sha256: str = Field(pattern="^[0-9a-f]{64}$", description="64 hexadecimal digits in lower case")
    num_classes: int | None = _number(1_000_000, None)
    labels: str | list[str] | None = Field(
        None, description="a name, a file, or a list that is all text"
    )
    multi_label: bool = Field(False, strict=True, description="true or false")
    architecture: _Architecture
    protocol: _Protocol


_SECTIONS: Mapping[str, type[_Table]] = {"architecture": _Architecture, "protocol": _Protocol}


def read_model_file(path: Path) -> CustomModel:
    """Read and check a model file, but not the weights.

    Raises:
        ModelFileError: It cannot be read or is invalid; the message names the first fault.
    """
    try:
        text = read_text(path, _MAX_FILE_BYTES)
    except (OSError, ValueError) as exc:  # the latter is also what a NUL in the path raises
        reason = getattr(exc, "strerror", None) or str(exc)
        raise ModelFileError(f"cannot read model file {path}: {reason.lower()}") from exc
    return parse_model_file(path, text)


def parse_model_file(path: Path, text: str) -> CustomModel:
    """Check the content of a model file, existing or about to be written.

    Raises:
        ModelFileError: As for `read_model_file`.
    """
    try:
        table = tomllib.loads(text)
    except (ValueError, RecursionError) as exc:  # a number of 5000 digits is the former
        raise ModelFileError(f"model file {path}: not TOML: {exc}") from exc
    try:
        file = _File.model_validate(table)
    except ValidationError as exc:
        places = [error["loc"] for error in exc.errors()]
        raise ModelFileError(f"model file {path}: {_first_fault(places, table)}") from exc
    model = CustomModel(
        name=file.name or valid_name(path.stem),
        architecture=Architecture(**file.architecture.model_dump()),
        label_set=_label_set(file, path),
        protocol=ViewProtocol(**file.protocol.model_dump()),
        path=path,
        weights_path=path.parent / file.weights,
        sha256=file.sha256,
        has_head=file.num_classes is not None,
        multi_label=file.multi_label,
    )
    for fault in _contradictions(file, model):
        raise ModelFileError(f"model file {path}: {fault}")
    return model


def model_text(model: CustomModel, *, origin: str) -> str:
    """Write a model file's content.

    Args:
        model: A model whose weights are next to the file.
        origin: Where they come from, such as `converted from theirs.pth`.
    """
    origin = "".join(character if character.isprintable() else "?" for character in origin)
    lines = [
        f"# A model for the --model of vswin, {origin}.",
        f"name = {_value(model.name)}",
        f"weights = {_value(model.weights_path.name)}  # a path from this file's folder",
        f"sha256 = {_value(model.sha256)}",
    ]
    if model.has_head:
        lines.append(f"num_classes = {model.num_classes}")
        names = model.label_set.names
        if names is None:
            lines.append(f"labels = {_value(model.label_set.name)}")
        elif names != numbered_names(model.num_classes):
            lines += ["labels = [", *(f"  {_value(name)}," for name in names), "]"]
        if model.multi_label:
            lines.append("multi_label = true")
    for title, values in (
        ("architecture", asdict(model.architecture)),
        ("protocol", asdict(model.protocol)),
    ):
        lines += ["", f"[{title}]"]
        lines += [f"{key} = {_value(value)}" for key, value in values.items()]
    return "\n".join(lines) + "\n"


def _value(value: object) -> str:
    """Return text, a number or numbers as TOML, which understands JSON's escapes."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _first_fault(places: list[tuple[int | str, ...]], table: dict[str, Any]) -> str:
    """Return the first fault; an unknown key may explain a missing one, so it comes first."""
    faults = []
    for section, *rest in places:
        fields, values, key, name = _File.model_fields, table, str(section), str(section)
        if name in _SECTIONS:
            if not rest:
                faults.append(f"there is no table [{name}]")
                continue
            fields, values = _SECTIONS[name].model_fields, table[name]
            key, name = str(rest[0]), f"{name}.{rest[0]}"
        if key not in fields:
            return f"{name} is not known; known are {', '.join(sorted(fields))}"
        faults.append(
            f"{name} {reprlib.repr(values[key])} is not {fields[key].description}"
            if key in values
            else f"{name} is missing"
        )
    return faults[0]


def _label_set(file: _File, path: Path) -> LabelSet:
    if file.num_classes is None:
        return custom_label_set(())
    if file.labels is None:
        return custom_label_set(numbered_names(file.num_classes))
    if isinstance(file.labels, list):
        return custom_label_set(tuple(file.labels))
    if file.labels in LABEL_SETS:
        return LABEL_SETS[file.labels]
    names = path.parent / file.labels
    try:
        if not names.resolve().is_relative_to(path.parent.resolve()):
            raise UsageError(f"labels {names}: in another folder")  # noqa: TRY301 - as the others
        return custom_label_set(read_label_file(names))
    except (UsageError, OSError, ValueError) as exc:
        raise ModelFileError(
            f"model file {path}: {exc}; labels name a file next to it, or one of "
            f"{', '.join(LABEL_SETS)}"
        ) from exc


def _contradictions(file: _File, model: CustomModel) -> Iterator[str]:
    """Yield contradictions between keys."""
    if isinstance(file.labels, list) and (fault := what_is_wrong(file.labels)):
        yield f"labels: {fault}"
    if model.multi_label and not model.has_head:
        yield "multi_label is true, but there is no num_classes"
    if file.labels is not None and not model.has_head:
        yield "there are labels, but no num_classes"
    if model.num_classes != (file.num_classes or 0):
        yield f"there are {model.num_classes} labels, but num_classes is {file.num_classes}"
    architecture, protocol = model.architecture, model.protocol
    dims, heads = architecture.stage_dims, architecture.num_heads
    if len(dims) != len(heads):
        yield "architecture.depths and num_heads need one number per stage each"
    elif any(dim % number for dim, number in zip(dims, heads, strict=True)):
        yield f"architecture.num_heads {list(heads)} do not divide {list(dims)}"
    yield from _excesses(architecture, protocol)
    if protocol.num_crops == 2:
        yield "protocol.num_crops is neither 1 nor 3"
    if protocol.sampling is Sampling.UNIFORM and protocol.num_clips != 1:
        yield "protocol.num_clips is not 1, as it must be for uniform sampling"
    if any(s % cell for s, cell in zip(protocol.view_size, architecture.patch, strict=True)):
        yield (
            f"protocol.clip_len and crop_size, {protocol.view_size}, are not whole patches of "
            f"{architecture.patch}"
        )


def _excesses(architecture: Architecture, protocol: ViewProtocol) -> Iterator[str]:
    """Yield what would fill the memory with any weights."""
    num_pixels, num_tokens = prod(protocol.view_size), prod(architecture.window)
    if num_tokens > _MAX_WINDOW_TOKENS:
        yield f"architecture.window has more than {_MAX_WINDOW_TOKENS} tokens"
    if max(architecture.num_heads) * num_tokens**2 > _MAX_NUMBERS:
        yield "architecture.window and num_heads need more memory than any model"
    if num_pixels > _MAX_VIEW_PIXELS:
        yield f"protocol.clip_len and crop_size, {protocol.view_size}, are larger than any view"
    if num_pixels // prod(architecture.patch) * architecture.embed_dim > _MAX_NUMBERS:
        yield "architecture.patch and embed_dim need more memory than any model"
