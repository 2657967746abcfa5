"""Opens a checkpoint by its content, regardless of its name."""

import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryFile
from typing import BinaryIO, cast
from zipfile import ZIP_STORED, ZipFile, _EndRecData  # type: ignore[attr-defined]

import h5py

from vswin_cli.conversion.safetensors import is_safetensors, read_safetensors
from vswin_cli.conversion.shards import is_shard_list, read_shard_list, shard_hint
from vswin_cli.conversion.tensors import Storage, StoredTensor, Tree
from vswin_cli.conversion.torch_files import (
    PICKLE,
    is_torch_legacy,
    read_torch_legacy,
    read_torch_zip,
)
from vswin_cli.errors import CheckpointError, WeightsNotFoundError
from vswin_cli.network import hdf5
from vswin_cli.system.files import open_regular

_KERAS_ENTRY = "model.weights.h5"  # of a `.keras` file, which is a zip
_START_BYTES = 8
_ZIP_MAGIC = b"PK\x03\x04"
_MAX_DIRECTORY_BYTES = 8 << 20  # of a zip; PyTorch writes one entry a tensor, of 60 bytes or so
_MAX_DEPTH = 6  # of wrappers around a state_dict
_MAX_KEY = 1000  # characters


@contextmanager
def open_checkpoint(path: Path) -> Iterator[Tree]:
    """Read the content of a checkpoint; its tensors can be read until the block ends.

    Args:
        path: A file, or the list of a model's shards.

    Raises:
        WeightsNotFoundError: There is no such file.
        CheckpointError: It cannot be read, is damaged, or has an unknown format.
    """
    with ExitStack() as opened:
        try:
            stream = opened.enter_context(open_regular(path))
            is_list = is_shard_list(stream.read(_START_BYTES))
            tree = _read_shards(path, opened) if is_list else _read(stream, opened)
        except (FileNotFoundError, NotADirectoryError) as exc:
            what = f"cannot read checkpoint {path}: no such file; check the path"
            raise WeightsNotFoundError(what) from exc
        except Exception as exc:  # damage leads zipfile and pickle to any of them
            raise CheckpointError(
                f"cannot read checkpoint {path}: {_reason(exc)}{shard_hint(path)}"
            ) from exc
        yield tree


def checkpoint_bytes(path: Path) -> int:
    """Count the bytes of a checkpoint that `open_checkpoint` has opened, including its shards.

    Raises:
        CheckpointError, OSError: It has changed since.
    """
    with open_regular(path) as stream:
        is_list = is_shard_list(stream.read(_START_BYTES))
    shards = set(read_shard_list(path).values()) if is_list else ()
    return path.stat().st_size + sum((path.parent / name).stat().st_size for name in shards)


def _read_shards(path: Path, opened: ExitStack) -> Tree:
    """Read all the files of a list as one."""
    listed = read_shard_list(path)
    shards = {}
    for name in dict.fromkeys(listed.values()):
        try:
            stream = opened.enter_context(open_regular(path.parent / name))
            shards[name] = _read(stream, opened)
        except FileNotFoundError as exc:
            raise CheckpointError(f"its shard {name} is missing; put it next to the list") from exc
        except Exception as exc:
            raise CheckpointError(f"its shard {name}: {_reason(exc)}") from exc
    for key, name in listed.items():
        if not isinstance(shards[name].get(key), StoredTensor):
            raise CheckpointError(f"its shard {name} has no tensor {key}, as the list says")
    return {key: shards[name][key] for key, name in listed.items() if len(key) <= _MAX_KEY}


def _reason(exc: Exception) -> str:
    """Say why a file cannot be read."""
    if isinstance(exc, CheckpointError):
        return str(exc)
    if isinstance(exc, OSError):
        return str(exc.strerror or exc)
    return f"it is damaged ({type(exc).__name__}: {str(exc)[:200]})"


def _read(stream: BinaryIO, opened: ExitStack) -> Tree:
    stream.seek(0)
    start = stream.read(len(hdf5.MAGIC))
    stream.seek(0)
    if start == hdf5.MAGIC:
        return _read_hdf5(stream, opened)
    if start.startswith(_ZIP_MAGIC):
        return _read_zip(stream, opened)
    stream.seek(0)
    if is_torch_legacy(stream):
        return _tree(read_torch_legacy(stream), set())
    stream.seek(0)
    if is_safetensors(stream):
        return read_safetensors(stream)
    raise CheckpointError(
        "it is neither a file of torch.save, nor safetensors (or a list of its shards), nor "
        ".weights.h5 or .keras"
    )


def _read_hdf5(stream: BinaryIO, opened: ExitStack) -> Tree:
    tensors = opened.enter_context(hdf5.open_hdf5(stream))
    return {path: _tensor(tensor) for path, tensor in tensors.items()}


def _tensor(tensor: h5py.Dataset) -> StoredTensor:
    dtype = tensor.dtype.newbyteorder("<")

    def read() -> bytes:
        return hdf5.read(tensor).astype(dtype, copy=False).tobytes()

    return StoredTensor.whole(Storage(dtype.name, tensor.size, read), tensor.shape)


def _read_zip(stream: BinaryIO, opened: ExitStack) -> Tree:
    end = _EndRecData(stream)
    if end and end[5] > _MAX_DIRECTORY_BYTES:  # each entry becomes an object
        raise CheckpointError(
            f"the zip lists its entries in more than {_MAX_DIRECTORY_BYTES:,} bytes"
        )
    archive = opened.enter_context(ZipFile(stream))
    for entry in archive.infolist():  # a few bytes could else fill all memory, or the disk
        if entry.compress_type != ZIP_STORED or entry.file_size != entry.compress_size:
            raise CheckpointError(
                f"{entry.filename} of the zip is compressed, which neither PyTorch nor Keras does; "
                "unpack it, and zip it without compression"
            )
    if sum(entry.file_size for entry in archive.infolist()) > os.fstat(stream.fileno()).st_size:
        raise CheckpointError("the entries of the zip have more bytes than the file")
    names = archive.namelist()
    if _KERAS_ENTRY in names:
        # HDF5 jumps to and fro, which a zip's entry does not like. The configuration is not read.
        try:
            unpacked = opened.enter_context(TemporaryFile())  # noqa: SIM115 - closed with the rest
            with archive.open(_KERAS_ENTRY) as weights:
                shutil.copyfileobj(weights, unpacked, 1 << 20)
        except OSError as exc:
            raise CheckpointError(
                f"it cannot be unpacked into the folder for temporary files ({exc.strerror}); set "
                "TMPDIR to another one"
            ) from exc
        unpacked.seek(0)
        return _read_hdf5(cast("BinaryIO", unpacked), opened)
    pickles = [name for name in names if name == PICKLE or name.count("/") == 1]
    for name in pickles:
        if name == PICKLE or name.endswith(f"/{PICKLE}"):
            return _tree(read_torch_zip(archive, name), set())
    raise CheckpointError(f"the zip contains neither a {PICKLE} nor a {_KERAS_ENTRY}")


def _tree(value: object, seen: set[int], depth: int = 0) -> Tree:
    """Keep tensors and dictionaries of a pickled object, each once.

    Args:
        value: The object.
        seen: Identities of the dictionaries that are kept already.
        depth: Number of dictionaries around it.
    """
    if not isinstance(value, dict) or depth > _MAX_DEPTH or id(value) in seen:
        return {}
    seen.add(id(value))
    return {
        key: item if isinstance(item, StoredTensor) else _tree(item, seen, depth + 1)
        for key, item in value.items()
        if isinstance(item, StoredTensor | dict) and len(key) <= _MAX_KEY
    }
