"""The published `.weights.h5` files, read with an explicit key table.

Keras wrote the class names of its time into the paths in these files. Loading by object structure
would break with the next renamed class. So every dataset is named here, and a file is only used if
it contains exactly these datasets with exactly these shapes.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from io import BytesIO
from math import prod
from pathlib import Path

import h5py
import numpy as np

from vswin_cli.errors import CheckpointError, WeightsNotFoundError
from vswin_cli.network import hdf5
from vswin_cli.system.files import open_regular
from vswin_cli.zoo.architectures import Architecture
from vswin_cli.zoo.models import KERAS_MODELS, Model

BACKBONE_GROUP = "layers/video_swin_backbone/"
_HEAD_GROUP = "layers/dense"

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Key:
    """The place of a variable in a published file."""

    variable: str  # path of the variable in the model
    dataset: str  # HDF5 path
    shape: Shape


def key_table(architecture: Architecture, num_classes: int | None) -> tuple[Key, ...]:
    """List all variables of a model, in the order of computation.

    Args:
        architecture: Determines all shapes except those of the head.
        num_classes: Rows of the head; None for a file with only the backbone.
    """
    if num_classes is None:
        return tuple(_backbone_keys(architecture))
    inside = (
        replace(key, dataset=BACKBONE_GROUP + key.dataset) for key in _backbone_keys(architecture)
    )
    return *inside, *_dense("head", _HEAD_GROUP, architecture.num_features, num_classes)


def _backbone_keys(architecture: Architecture) -> Iterator[Key]:
    dim = architecture.embed_dim
    embedding = "layers/video_swin_patching_and_embedding/layers"
    yield Key(
        "patch_embedding/kernel",
        f"{embedding}/conv3d/vars/0",
        (*architecture.patch, 3, dim),
    )
    yield Key("patch_embedding/bias", f"{embedding}/conv3d/vars/1", (dim,))
    yield from _norm("patch_embedding/norm", f"{embedding}/layer_normalization", dim)
    bias_rows = prod(2 * side - 1 for side in architecture.window)
    for stage, dim in enumerate(architecture.stage_dims):
        theirs = f"layers/{_numbered('video_swin_basic_layer', stage)}"
        for block in range(architecture.depths[stage]):
            yield from _block_keys(
                f"stage{stage}_block{block}",
                f"{theirs}/blocks/{_numbered('video_swin_transformer_block', block)}",
                dim,
                architecture.mlp_ratio,
                (bias_rows, architecture.num_heads[stage]),
            )
        if stage < len(architecture.depths) - 1:
            merging = f"patch_merging{stage}"
            yield from _norm(f"{merging}/norm", f"{theirs}/downsample/norm", 4 * dim)
            yield Key(
                f"{merging}/reduction/kernel",
                f"{theirs}/downsample/reduction/vars/0",
                (4 * dim, 2 * dim),
            )
    yield from _norm("norm", "layers/layer_normalization", architecture.num_features)


def _block_keys(
    ours: str, theirs: str, dim: int, mlp_ratio: int, bias_shape: Shape
) -> Iterator[Key]:
    yield from _norm(f"{ours}/norm1", f"{theirs}/layers/layer_normalization", dim)
    attention = f"{ours}/attention"
    yield Key(f"{attention}/bias_table", f"{theirs}/attn/vars/0", bias_shape)
    yield from _dense(f"{attention}/qkv", f"{theirs}/attn/layers/dense", dim, 3 * dim)
    yield from _dense(f"{attention}/projection", f"{theirs}/attn/layers/dense_1", dim, dim)
    yield from _norm(f"{ours}/norm2", f"{theirs}/layers/layer_normalization_1", dim)
    yield from _dense(f"{ours}/mlp/expand", f"{theirs}/layers/mlp/fc1", dim, mlp_ratio * dim)
    yield from _dense(f"{ours}/mlp/reduce", f"{theirs}/layers/mlp/fc2", mlp_ratio * dim, dim)


def _norm(ours: str, theirs: str, dim: int) -> tuple[Key, Key]:
    return (
        Key(f"{ours}/gamma", f"{theirs}/vars/0", (dim,)),
        Key(f"{ours}/beta", f"{theirs}/vars/1", (dim,)),
    )


def _dense(ours: str, theirs: str, inputs: int, outputs: int) -> tuple[Key, Key]:
    return (
        Key(f"{ours}/kernel", f"{theirs}/vars/0", (inputs, outputs)),
        Key(f"{ours}/bias", f"{theirs}/vars/1", (outputs,)),
    )


def _numbered(name: str, index: int) -> str:
    """Return a unique name like Keras's: the first has no number."""
    return f"{name}_{index}" if index else name


def read_checkpoint(
    path: Path, architecture: Architecture, num_classes: int | None
) -> dict[str, np.ndarray]:
    """Read all of a published file.

    Returns:
        float32 arrays by path of their variable.

    Raises:
        WeightsNotFoundError: The file does not exist.
        CheckpointError: The file is not HDF5, is damaged, refers to other files, holds a number
            that is not finite, or its datasets are not exactly those of the key table; the message
            names the first difference.
    """
    keys = key_table(architecture, num_classes)
    with _open(path) as tensors:
        _check_layout(path, keys, tensors)
        return {key.variable: _read(path, key.dataset, tensors) for key in keys}


def check_checkpoint(path: Path, architecture: Architecture, num_classes: int | None) -> None:
    """Make all checks of `read_checkpoint`, with one tensor in memory at a time.

    Raises:
        WeightsNotFoundError, CheckpointError: As for `read_checkpoint`.
    """
    keys = key_table(architecture, num_classes)
    with _open(path) as tensors:
        _check_layout(path, keys, tensors)
        for key in keys:
            _read(path, key.dataset, tensors)


def check_layout(path: Path, architecture: Architecture, num_classes: int | None) -> None:
    """Check that a file has the tensors of a model, without reading them.

    Raises:
        WeightsNotFoundError, CheckpointError: As for `read_checkpoint`.
    """
    with _open(path) as tensors:
        _check_layout(path, key_table(architecture, num_classes), tensors)


def has_head(path: Path) -> bool:
    """Return whether a file has a head.

    Raises:
        WeightsNotFoundError, CheckpointError: As for `read_checkpoint`.
    """
    with _open(path) as tensors:
        return any(dataset.startswith(f"{_HEAD_GROUP}/") for dataset in tensors)


def save_checkpoint(
    path: Path | BytesIO,
    weights: Mapping[str, np.ndarray],
    architecture: Architecture,
    num_classes: int | None,
) -> None:
    """Write the variables of a model in the layout of the published files.

    Args:
        path: Path of the file, or memory for it.
        weights: Arrays by path of their variable; each is read once, in the order of the key table.
        architecture: As for `key_table`.
        num_classes: As for `key_table`.
    """
    with h5py.File(path, "w") as file:
        for key in key_table(architecture, num_classes):
            file[key.dataset] = weights[key.variable].reshape(key.shape)


@contextmanager
def _open(path: Path) -> Iterator[Mapping[str, h5py.Dataset]]:
    with ExitStack() as stack:
        try:
            stream = stack.enter_context(open_regular(path))
            is_hdf5 = stream.read(len(hdf5.MAGIC)) == hdf5.MAGIC
            tensors = stack.enter_context(hdf5.open_hdf5(stream)) if is_hdf5 else None
        except (FileNotFoundError, NotADirectoryError) as exc:
            what = f"cannot read weights {path}: no such file; check the path"
            raise WeightsNotFoundError(what) from exc
        except OSError as exc:  # such as a name that is too long, a folder, or no permission
            reason = (exc.strerror or str(exc)).lower()
            raise CheckpointError(f"cannot read weights {path}: {reason}; check the path") from exc
        except CheckpointError as exc:
            raise CheckpointError(f"cannot read weights {path}: {exc}; download it again") from exc
        if tensors is None:
            raise CheckpointError(
                f"cannot read weights {path}: not an HDF5 file; a published .weights.h5 file is "
                "needed"
            )
        yield tensors


def _check_layout(path: Path, keys: Iterable[Key], tensors: Mapping[str, h5py.Dataset]) -> None:
    found: dict[str, Shape] = {dataset: tensor.shape for dataset, tensor in tensors.items()}
    expected = {key.dataset: key.shape for key in keys}
    for dataset, shape in expected.items():
        if dataset not in found:
            difference = f"it has no {dataset}"
        elif found[dataset] != shape:
            difference = f"{dataset} is {found[dataset]}, the model needs {shape}"
        else:
            continue
        break
    else:
        unused = [dataset for dataset in found if dataset not in expected]
        if not unused:
            return
        difference = f"the model has no place for {unused[0]}"
        if len(unused) > 1:
            difference += f" and {len(unused) - 1} more"
    raise CheckpointError(
        f"weights {path} are not this model's: {difference}{_whose_layout(found)}"
    )


def _whose_layout(found: Mapping[str, Shape]) -> str:
    """Return which models of the zoo a file fits."""

    def fits(model: Model, num_classes: int | None) -> bool:
        keys = key_table(model.architecture, num_classes)
        return {key.dataset: key.shape for key in keys} == found

    owners = [model.name for model in KERAS_MODELS if fits(model, model.num_classes)]
    if owners:
        return f"; the file fits {' and '.join(owners)}"
    owners = [model.name for model in KERAS_MODELS if fits(model, None)]
    if owners:
        return f"; it is a file without a head, which fits the backbone of {', '.join(owners)}"
    return ""


def _read(path: Path, dataset: str, tensors: Mapping[str, h5py.Dataset]) -> np.ndarray:
    try:
        values = hdf5.read(tensors[dataset]).astype(np.float32, copy=False)
    except CheckpointError as exc:
        raise CheckpointError(
            f"cannot read weights {path}: {dataset} is damaged; download the file again"
        ) from exc
    if not np.isfinite(values).all():
        raise CheckpointError(
            f"weights {path} are damaged: {dataset} contains numbers that are not finite; "
            "download the file again"
        )
    return values
