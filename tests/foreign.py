"""Checkpoints as other programs write them, written without PyTorch.

The weights are random, with the names and layout of the original project; other styles rename them.
"""

import io
import json
import pickle
import re
import struct
import zipfile
from collections import OrderedDict
from pathlib import Path
from typing import ClassVar

import numpy as np

from vswin_cli.zoo.architectures import Architecture

# Different window sides, so that swapped axes are noticed.
SMALL = Architecture(
    "custom",
    embed_dim=8,
    depths=(2, 2, 1),
    num_heads=(1, 2, 4),
    window=(4, 3, 2),
    patch=(2, 4, 4),
    mlp_ratio=2,
)
NUM_CLASSES = 5
MAGIC_NUMBER = 0x1950A86A20F9469CFC6C


def original(
    architecture: Architecture = SMALL,
    num_classes: int | None = NUM_CLASSES,
    *,
    seed: int = 0,
    index: bool = True,
) -> dict[str, np.ndarray]:
    """Make random float32 weights with the original's keys and index buffers."""
    generator = np.random.default_rng(seed)
    found: dict[str, np.ndarray] = {}

    def dense(name: str, inputs: int, outputs: int, *, bias: bool = True) -> None:
        found[f"{name}.weight"] = generator.standard_normal((outputs, inputs)) / inputs**0.5
        if bias:
            found[f"{name}.bias"] = 0.1 * generator.standard_normal(outputs)

    def norm(name: str, dim: int) -> None:
        found[f"{name}.weight"] = 1 + 0.1 * generator.standard_normal(dim)
        found[f"{name}.bias"] = 0.1 * generator.standard_normal(dim)

    dim = architecture.embed_dim
    kernel = generator.standard_normal((dim, 3, *architecture.patch))
    found["backbone.patch_embed.proj.weight"] = kernel / (3 * np.prod(architecture.patch)) ** 0.5
    found["backbone.patch_embed.proj.bias"] = 0.1 * generator.standard_normal(dim)
    norm("backbone.patch_embed.norm", dim)
    rows = np.prod([2 * side - 1 for side in architecture.window])
    for stage, depth in enumerate(architecture.depths):
        for block in range(depth):
            name = f"backbone.layers.{stage}.blocks.{block}"
            norm(f"{name}.norm1", dim)
            table = generator.standard_normal((rows, architecture.num_heads[stage]))
            found[f"{name}.attn.relative_position_bias_table"] = table
            if index:
                key = f"{name}.attn.relative_position_index"
                found[key] = relative_position_index(architecture.window)
            dense(f"{name}.attn.qkv", dim, 3 * dim)
            dense(f"{name}.attn.proj", dim, dim)
            norm(f"{name}.norm2", dim)
            dense(f"{name}.mlp.fc1", dim, architecture.mlp_ratio * dim)
            dense(f"{name}.mlp.fc2", architecture.mlp_ratio * dim, dim)
        if stage < len(architecture.depths) - 1:
            dense(f"backbone.layers.{stage}.downsample.reduction", 4 * dim, 2 * dim, bias=False)
            norm(f"backbone.layers.{stage}.downsample.norm", 4 * dim)
            dim *= 2
    norm("backbone.norm", dim)
    if num_classes is not None:
        dense("cls_head.fc_cls", dim, num_classes)
    return {
        key: values if values.dtype == np.int64 else values.astype(np.float32)
        for key, values in found.items()
    }


def relative_position_index(window: tuple[int, int, int]) -> np.ndarray:
    """Make int64 (N, N), as the programs store it."""
    places = np.array(list(np.ndindex(*window))).T  # (3, N)
    reach = np.array(window)[:, np.newaxis, np.newaxis] - 1
    distances = places[:, :, np.newaxis] - places[:, np.newaxis] + reach  # (3, N, N)
    return np.ravel_multi_index(tuple(distances), tuple(2 * side - 1 for side in window))


def as_mmaction2(weights: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Rename weights to the keys of MMAction2 1.x."""
    last = max(int(match[1]) for key in weights if (match := re.search(r"layers\.(\d+)\.", key)))
    return {
        key.replace("backbone.norm.", f"backbone.norm{last}."): values
        for key, values in weights.items()
    }


def as_torchvision(weights: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Rename weights to the keys of torchvision."""
    return {_torchvision_key(key): values for key, values in weights.items()}


def _torchvision_key(key: str) -> str:
    key = key.removeprefix("backbone.").replace("cls_head.fc_cls", "head")
    key = key.replace("mlp.fc1", "mlp.0").replace("mlp.fc2", "mlp.3")
    key = re.sub(r"layers\.(\d+)\.blocks\.(\d+)", lambda m: f"features.{2 * int(m[1])}.{m[2]}", key)
    return re.sub(r"layers\.(\d+)\.downsample", lambda m: f"features.{2 * int(m[1]) + 1}", key)


class Global:
    """A name in a pickle, of a module that need not be installed."""

    def __init__(self, module: str, name: str) -> None:
        self.line = f"{module}\n{name}\n".encode()

    def __call__(self, *_arguments: object) -> None:
        """Look like a function, because pickles call functions."""


class Calling:
    """An object that a pickle makes by calling something."""

    def __init__(self, function: object, *arguments: object, state: object = None) -> None:
        self.reduced = (function, arguments, state)


class _Storage:
    def __init__(self, values: np.ndarray, dtype: str | None = None) -> None:
        self.values = values
        self.type = dtype or _STORAGE_TYPES[values.dtype.name]


class View:
    """A tensor that is part of a storage, with offset and strides in elements."""

    def __init__(
        self, storage: np.ndarray, offset: int, shape: tuple[int, ...], strides: tuple[int, ...]
    ) -> None:
        self.storage, self.offset, self.shape, self.strides = storage, offset, shape, strides


class BFloat16:
    """A tensor of the upper halves of float32 numbers."""

    def __init__(self, values: np.ndarray) -> None:
        self.values = (np.ascontiguousarray(values).view(np.uint32) >> 16).astype(np.uint16)


_STORAGE_TYPES = {
    "float64": "DoubleStorage",
    "float32": "FloatStorage",
    "float16": "HalfStorage",
    "int64": "LongStorage",
    "uint8": "ByteStorage",
}


class _Pickler(pickle._Pickler):
    """Pickles arrays as `torch.save` pickles tensors, and collects their storages."""

    dispatch: ClassVar = dict(pickle._Pickler.dispatch)

    def __init__(self, stream: io.BytesIO, *, legacy: bool, protocol: int = 2) -> None:
        super().__init__(stream, protocol=protocol)
        self.legacy = legacy
        self.storage_view: object = None
        self.storages: list[_Storage] = []
        self._by_array: dict[int, _Storage] = {}

    def persistent_id(self, obj: object) -> object:
        if not isinstance(obj, _Storage):
            return None
        if obj not in self.storages:
            self.storages.append(obj)
        key = str(self.storages.index(obj))
        pid = ("storage", Global("torch", obj.type), key, "cpu", obj.values.size)
        return (*pid, self.storage_view) if self.legacy else pid

    def reducer_override(self, obj: object) -> object:
        rebuild = Global("torch._utils", "_rebuild_tensor_v2")
        if isinstance(obj, np.ndarray):
            storage = _Storage(np.ascontiguousarray(obj).reshape(-1))
            return rebuild, (storage, 0, obj.shape, _contiguous(obj.shape), False, OrderedDict())
        if isinstance(obj, BFloat16):
            storage = _Storage(obj.values.reshape(-1), "BFloat16Storage")
            shape = obj.values.shape
            return rebuild, (storage, 0, shape, _contiguous(shape), False, OrderedDict())
        if isinstance(obj, View):
            storage = self._by_array.setdefault(id(obj.storage), _Storage(obj.storage))
            return rebuild, (storage, obj.offset, obj.shape, obj.strides, False, OrderedDict())
        if isinstance(obj, Calling):
            return obj.reduced
        return NotImplemented

    def save_name(self, obj: Global) -> None:
        self.write(pickle.GLOBAL + obj.line)
        self.memoize(obj)

    dispatch[Global] = save_name


def _contiguous(shape: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(int(np.prod(shape[axis + 1 :])) for axis in range(len(shape)))


def save_zip(path: Path, tree: object, *, protocol: int = 2, folder: str = "archive") -> Path:
    """Write a file as `torch.save` does: a zip of a pickle and the storages."""
    stream = io.BytesIO()
    pickler = _Pickler(stream, legacy=False, protocol=protocol)
    pickler.dump(tree)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{folder}/data.pkl", stream.getvalue())
        archive.writestr(f"{folder}/byteorder", "little")
        for number, storage in enumerate(pickler.storages):
            archive.writestr(f"{folder}/data/{number}", storage.values.tobytes())
        archive.writestr(f"{folder}/version", "3\n")
    return path


def save_legacy(path: Path, tree: object, *, storage_view: object = None) -> Path:
    """Write a file as `torch.save` did before its zips.

    Args:
        path: Path of the file.
        tree: Content of the file.
        storage_view: Before PyTorch 0.4: key, start and length of a part of a storage.
    """
    with path.open("wb") as stream:
        for header in (MAGIC_NUMBER, 1001, {"protocol_version": 1001, "little_endian": True}):
            pickle.dump(header, stream, protocol=2)
        content = io.BytesIO()
        pickler = _Pickler(content, legacy=True)
        pickler.storage_view = storage_view
        pickler.dump(tree)
        stream.write(content.getvalue())
        pickle.dump([str(key) for key in range(len(pickler.storages))], stream, protocol=2)
        for storage in pickler.storages:
            stream.write(struct.pack("<q", storage.values.size) + storage.values.tobytes())
    return path


def save_safetensors(path: Path, tensors: dict[str, np.ndarray]) -> Path:
    """Write the safetensors format."""
    names = {"float32": "F32", "float16": "F16", "int64": "I64"}
    header: dict[str, object] = {"__metadata__": {"format": "pt"}}
    content = b""
    for key, values in tensors.items():
        end = len(content) + values.nbytes
        header[key] = {
            "dtype": names[values.dtype.name],
            "shape": list(values.shape),
            "data_offsets": [len(content), end],
        }
        content += np.ascontiguousarray(values).tobytes()
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + content)
    return path
