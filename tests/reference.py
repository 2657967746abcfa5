"""Pseudo-random checkpoints in the published layout, and their input.

`tests/data/` has the outputs of the original implementation for exactly these values. They depend
on this rule: every tensor is drawn from PCG64, seeded with (seed, CRC-32 of its path in the
classifier file), and scaled by its role.
"""

import zlib
from math import prod
from pathlib import Path

import h5py
import numpy as np

from vswin_cli.network.checkpoint import BACKBONE_GROUP, key_table
from vswin_cli.system.files import file_sha256
from vswin_cli.zoo.architectures import Architecture
from vswin_cli.zoo.labels import custom_label_set
from vswin_cli.zoo.model_file import model_text
from vswin_cli.zoo.models import CustomModel, Model
from vswin_cli.zoo.protocols import MEAN, STD, Sampling, ViewProtocol

SEED = 7


def tensor(dataset: str, shape: tuple[int, ...], seed: int = SEED) -> np.ndarray:
    """Make the float32 values of one dataset, from its path in the classifier file."""
    generator = np.random.Generator(np.random.PCG64([seed, zlib.crc32(dataset.encode())]))
    noise = generator.standard_normal(size=shape).astype(np.float32)
    owner, _, number = dataset.split("/")[-3:]
    if "norm" in owner:
        scale = np.float32(0.1)
        return 1 + scale * noise if number == "0" else scale * noise
    if owner == "attn":
        return np.float32(0.5) * noise
    if len(shape) == 1:
        return np.float32(0.1) * noise
    gain = 4.0 if dataset.startswith("layers/dense/") else 1.0
    return np.float32(gain / np.sqrt(prod(shape[:-1]))) * noise


def write_checkpoint(path: Path, model: Model, *, head: bool = True, seed: int = SEED) -> Path:
    """Write a model's published file, with or without a head, with pseudo-random values."""
    with h5py.File(path, "w") as file:
        for key in key_table(model.architecture, model.num_classes if head else None):
            full_path = key.dataset if head else BACKBONE_GROUP + key.dataset
            file[key.dataset] = tensor(full_path, key.shape, seed)
    return path


def write_custom_model(folder: Path, architecture: Architecture) -> None:
    """Write model.toml and NAME.weights.h5 of a model with the classes a, b and c.

    A view has 4 frames of 32×32, which small architectures compute in milliseconds.
    """
    folder.mkdir()
    model = CustomModel(
        architecture.name,
        architecture,
        custom_label_set(("a", "b", "c")),
        ViewProtocol(Sampling.OFFICIAL, 2, 1, clip_len=4, frame_interval=2, crop_size=32),
        folder / "model.toml",
        folder / f"{architecture.name}.weights.h5",
        "0" * 64,
        has_head=True,
    )
    write_checkpoint(model.weights_path, model)
    text = model_text(model, origin="random")
    model.path.write_text(text.replace("0" * 64, file_sha256(model.weights_path)))


def video(num_frames: int = 32, height: int = 224, width: int = 224) -> np.ndarray:
    """Make uint8 (num_frames, height, width, 3): moving gradients and texture."""
    t = np.arange(num_frames).reshape(-1, 1, 1, 1)
    y = np.arange(height).reshape(-1, 1, 1)
    x = np.arange(width).reshape(-1, 1)
    channel = np.arange(3)
    return ((3 * x + 5 * y + 7 * t + 50 * channel + x * y * (t + 1) // 97) % 256).astype(np.uint8)


def normalized(frames: np.ndarray) -> np.ndarray:
    """Normalise frames to float32 with the mean and standard deviation of ImageNet."""
    return (frames.astype(np.float32) - np.float32(MEAN)) / np.float32(STD)
