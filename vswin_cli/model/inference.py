"""The model as the engines run it: uint8 views in, probabilities out."""

from pathlib import Path

import keras
import numpy as np
from keras import ops

from vswin_cli.model.checkpoint import read_checkpoint
from vswin_cli.model.video_swin import VideoSwinClassifier, assign
from vswin_cli.zoo.architectures import Size
from vswin_cli.zoo.models import Model
from vswin_cli.zoo.protocols import MEAN, STD


def build_inference_model(
    model: Model, weights_file: Path, view_size: Size, dtype: str = "float32"
) -> keras.Model:
    """Build a model from uint8 RGB views (B, T, H, W, 3) to float32 probabilities (B, num_classes).

    Args:
        model: Names the architecture and the classes.
        weights_file: Its published file, with top.
        view_size: (T, H, W); whole patches, since folding the normalisation into the patch
            embedding would be wrong where that pads.
        dtype: The backbone's dtype policy.

    Raises:
        WeightsNotFoundError, CheckpointError: As `read_checkpoint`.
    """
    patch = model.architecture.patch
    if any(side % cell for side, cell in zip(view_size, patch, strict=True)):
        raise ValueError(f"views of {view_size} are not whole patches of {patch}")
    weights = read_checkpoint(weights_file, model.architecture, model.num_classes)
    _fold_normalisation(weights)
    classifier = VideoSwinClassifier(
        model.architecture, view_size, model.num_classes, dtype=dtype, name="classifier"
    )
    assign(classifier, weights)
    views = keras.Input((*view_size, 3), dtype="uint8", name="views")
    logits = classifier(ops.cast(views, classifier.backbone.compute_dtype))
    return keras.Model(views, ops.softmax(logits), name="inference")


def _fold_normalisation(weights: dict[str, np.ndarray]) -> None:
    """Let the patch embedding take pixels in 0 … 255, in place.

    k·(x − mean) / std + b = (k / std)·x + (b − Σ k·mean / std)
    """
    name = "patch_embedding"
    kernel = weights[f"{name}/kernel"] / np.reshape(STD, (3, 1))  # (pT, pH, pW, 3, C), float64
    shift = np.einsum("thwcd,c->d", kernel, MEAN)
    weights[f"{name}/kernel"] = kernel.astype(np.float32)
    weights[f"{name}/bias"] = (weights[f"{name}/bias"] - shift).astype(np.float32)
