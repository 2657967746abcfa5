"""Converts checkpoints in this process, and computes the logits of the result on TensorFlow."""

from importlib import import_module
from pathlib import Path
from types import ModuleType

import numpy as np

from vswin_cli import convert_checkpoint
from vswin_cli.engines.keras import import_keras
from vswin_cli.network.checkpoint import read_checkpoint
from vswin_cli.zoo.architectures import Size
from vswin_cli.zoo.model_file import read_model_file
from vswin_cli.zoo.models import CustomModel


def keras_on_tensorflow() -> ModuleType:
    """Import Keras on TensorFlow, late because it takes seconds."""
    import_keras("tensorflow")
    return import_module("keras")


def video_swin() -> ModuleType:
    """Import the network's module on TensorFlow, late because it takes seconds."""
    keras_on_tensorflow()
    return import_module("vswin_cli.network.video_swin")


def converted(checkpoint: Path, window: Size | None = None, part: str | None = None) -> CustomModel:
    """Convert next to the checkpoint, and read the result like any other command."""
    path = convert_checkpoint(
        checkpoint,
        checkpoint.with_name("mine.weights.h5"),
        window=window,
        part=part,
        overwrite=True,
    )
    return read_model_file(path)


def logits(model: CustomModel, pixels: np.ndarray) -> np.ndarray:
    """Compute (num_classes,) for normalised pixels (T, H, W, 3)."""
    weights = read_checkpoint(model.weights_path, model.architecture, model.num_classes)
    network = video_swin().VideoSwinClassifier(
        model.architecture, pixels.shape[:3], model.num_classes
    )
    video_swin().assign(network, weights)
    return np.asarray(network(pixels[np.newaxis]))[0]
