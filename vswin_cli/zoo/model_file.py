"""Model files: a custom model in TOML, beside its weights.

    name = "mine"
    weights = "mine.weights.h5"     # a path from this file's folder
    sha256 = "…"                    # of the weights
    num_classes = 5                 # left out where the weights have no top
    labels = "kinetics400"          # a label set's name, a text file, or a list; or left out

    [architecture]
    embed_dim = 96
    …

Every key is checked, and one that is not known is an error.
"""

import re
import tomllib
from dataclasses import fields
from math import prod
from pathlib import Path
from typing import Any

from vswin_cli.errors import ModelFileError, UsageError
from vswin_cli.zoo.architectures import Architecture, Size
from vswin_cli.zoo.label_file import read_label_file, what_is_wrong
from vswin_cli.zoo.labels import LABEL_SETS, LabelSet, custom_label_set
from vswin_cli.zoo.models import CustomModel
from vswin_cli.zoo.protocols import Sampling, ViewProtocol

SUFFIX = ".toml"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")  # it becomes part of file names
_SHA256 = re.compile(r"[0-9a-f]{64}")
_MAX_FILE_BYTES = 10_000_000
_MAX_CLASSES = 1_000_000


def valid_name(text: str) -> str:
    """Turn any text into a name that a model may have."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", text).strip("-._")[:100] or "model"


def read_model_file(path: Path) -> CustomModel:
    """Read and check a model file; the weights are not looked at.

    Raises:
        ModelFileError: It cannot be read, or does not say what it must; the first fault is named.
    """
    try:
        with path.open("rb") as stream:
            content = stream.read(_MAX_FILE_BYTES + 1)
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        raise ModelFileError(f"model file {path}: not UTF-8 text") from exc
    except OSError as exc:
        reason = (exc.strerror or str(exc)).lower()
        raise ModelFileError(f"cannot read model file {path}: {reason}") from exc
    except ValueError as exc:  # such as a NUL in the path
        raise ModelFileError(f"cannot read model file {path}: {exc}") from exc
    if len(content) > _MAX_FILE_BYTES:
        raise ModelFileError(f"model file {path}: too large to be one")
    return parse_model_file(path, text)


def parse_model_file(path: Path, text: str) -> CustomModel:
    """Check what a model file says, or is going to say.

    Raises:
        ModelFileError: As `read_model_file`.
    """
    try:
        table = tomllib.loads(text)
    except (ValueError, RecursionError) as exc:  # a number of 5000 digits is the former
        raise ModelFileError(f"model file {path}: not TOML: {exc}") from exc
    return _Reader(path, table).model()


class _Reader:
    """Takes every value out of a table, and says where the first fault is."""

    def __init__(self, path: Path, table: dict[str, Any]) -> None:
        self._path = path
        self._table = table

    def model(self) -> CustomModel:
        table = self._table
        self._refuse_unknown(
            table,
            {"name", "weights", "sha256", "num_classes", "labels", "architecture", "protocol"},
            "",
        )
        name = table.get("name", valid_name(self._path.stem))
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise self._fault(f"name {name!r} is not letters, digits, '.', '_' and '-'")
        weights = self._text("weights")
        sha256 = self._text("sha256")
        if not _SHA256.fullmatch(sha256):
            raise self._fault("sha256 is not 64 hexadecimal digits in lower case")
        has_top = "num_classes" in table
        if not has_top and "labels" in table:
            raise self._fault("there are labels, but no num_classes")
        architecture = self._architecture()
        return CustomModel(
            name=name,
            architecture=architecture,
            label_set=self._label_set() if has_top else custom_label_set(()),
            protocol=self._protocol(architecture.patch),
            path=self._path,
            weights_path=self._path.parent / weights,
            sha256=sha256,
            has_top=has_top,
        )

    def _label_set(self) -> LabelSet:
        num_classes = self._number(self._table, "", "num_classes", 1, _MAX_CLASSES)
        labels = self._table.get("labels")
        if labels is None:
            label_set = custom_label_set(numbered_names(num_classes))
        elif isinstance(labels, list):
            if not all(isinstance(name, str) for name in labels):
                raise self._fault("labels are not all text")
            if fault := what_is_wrong(labels):
                raise self._fault(f"labels: {fault}")
            label_set = custom_label_set(tuple(labels))
        elif isinstance(labels, str):
            label_set = self._named_label_set(labels)
        else:
            raise self._fault("labels are neither a name, nor a file, nor a list")
        if label_set.num_classes != num_classes:
            raise self._fault(
                f"there are {label_set.num_classes} labels, but num_classes is {num_classes}"
            )
        return label_set

    def _named_label_set(self, name: str) -> LabelSet:
        if name in LABEL_SETS:
            return LABEL_SETS[name]
        try:
            return custom_label_set(read_label_file(self._path.parent / name))
        except (UsageError, ValueError) as exc:
            raise self._fault(
                f"{exc}; labels name a file beside it, or one of {', '.join(LABEL_SETS)}"
            ) from exc

    def _architecture(self) -> Architecture:
        keys = {field.name for field in fields(Architecture)}
        table = self._section("architecture", keys)
        title = "architecture."
        name = table.get("name", "custom")
        if not isinstance(name, str):
            raise self._fault("architecture.name is not text")
        architecture = Architecture(
            name,
            embed_dim=self._number(table, title, "embed_dim", 1, 8192),
            depths=self._numbers(table, title, "depths", 1, 999),
            num_heads=self._numbers(table, title, "num_heads", 1, 8192),
            window=self._size(table, title, "window", 1024),
            patch=self._size(table, title, "patch", 256),
            mlp_ratio=self._number(table, title, "mlp_ratio", 1, 64),
        )
        depths, heads = architecture.depths, architecture.num_heads
        if not 1 <= len(depths) <= 8 or len(depths) != len(heads):
            raise self._fault("architecture.depths and num_heads are not one number a stage each")
        dims = architecture.stage_dims
        if any(dim % number for dim, number in zip(dims, heads, strict=True)):
            raise self._fault(f"architecture.num_heads {list(heads)} do not divide {list(dims)}")
        if prod(architecture.window) > 10_000:
            raise self._fault("architecture.window has more than 10000 tokens")
        return architecture

    def _protocol(self, patch: Size) -> ViewProtocol:
        table = self._section("protocol", {field.name for field in fields(ViewProtocol)})
        title = "protocol."
        sampling = table.get("sampling")
        if sampling not in list(Sampling):
            raise self._fault(f"protocol.sampling is not one of {', '.join(Sampling)}")
        protocol = ViewProtocol(
            Sampling(sampling),
            num_clips=self._number(table, title, "num_clips", 1, 1000),
            num_crops=self._number(table, title, "num_crops", 1, 3),
            clip_len=self._number(table, title, "clip_len", 1, 1024),
            frame_interval=self._number(table, title, "frame_interval", 1, 1024),
            crop_size=self._number(table, title, "crop_size", 1, 4096),
        )
        if protocol.num_crops == 2:
            raise self._fault("protocol.num_crops is neither 1 nor 3")
        if protocol.sampling is Sampling.UNIFORM and protocol.num_clips != 1:
            raise self._fault("protocol.num_clips is not 1, as it must be for uniform sampling")
        if any(side % cell for side, cell in zip(protocol.view_size, patch, strict=True)):
            raise self._fault(
                f"protocol.clip_len and crop_size, {protocol.view_size}, are not whole patches of "
                f"{patch}"
            )
        return protocol

    def _section(self, name: str, keys: set[str]) -> dict[str, Any]:
        table = self._table.get(name)
        if not isinstance(table, dict):
            raise self._fault(f"there is no table [{name}]")
        self._refuse_unknown(table, keys, f"{name}.")
        return table

    def _refuse_unknown(self, table: dict[str, Any], keys: set[str], title: str) -> None:
        for key in table:
            if key not in keys:
                raise self._fault(f"{title}{key} is not known; known are {', '.join(sorted(keys))}")

    def _text(self, key: str) -> str:
        value = self._table.get(key)
        if not isinstance(value, str) or not value or "\0" in value:
            raise self._fault(f"{key} is missing" if value is None else f"{key} is not text")
        return value

    def _number(self, table: dict[str, Any], title: str, key: str, low: int, high: int) -> int:
        if key not in table:
            raise self._fault(f"{title}{key} is missing")
        return self._checked(table[key], f"{title}{key}", low, high)

    def _numbers(
        self, table: dict[str, Any], title: str, key: str, low: int, high: int
    ) -> tuple[int, ...]:
        values = table.get(key)
        if not isinstance(values, list):
            raise self._fault(f"{title}{key} is not a list of whole numbers")
        return tuple(self._checked(value, f"{title}{key}", low, high) for value in values)

    def _size(self, table: dict[str, Any], title: str, key: str, high: int) -> Size:
        values = self._numbers(table, title, key, 1, high)
        if len(values) != 3:
            raise self._fault(f"{title}{key} is not [T, H, W]")
        return values[0], values[1], values[2]

    def _checked(self, value: object, name: str, low: int, high: int) -> int:
        if type(value) is not int or not low <= value <= high:
            raise self._fault(f"{name} {value!r} is not a whole number from {low} to {high}")
        return value

    def _fault(self, what: str) -> ModelFileError:
        return ModelFileError(f"model file {self._path}: {what}")


def numbered_names(num_classes: int) -> tuple[str, ...]:
    """Names for classes that have none."""
    return tuple(f"class {index}" for index in range(num_classes))
