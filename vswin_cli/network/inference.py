"""The model as engines run it: uint8 views in, probabilities and features out."""

from pathlib import Path

import keras
import numpy as np
from keras import ops

from vswin_cli.network.checkpoint import read_checkpoint
from vswin_cli.network.video_swin import VideoSwinClassifier, with_weights
from vswin_cli.zoo.architectures import Size
from vswin_cli.zoo.models import Model
from vswin_cli.zoo.protocols import MEAN, STD


def build_inference_model(
    model: Model, weights_file: Path, view_size: Size, with_head: bool, dtype: str = "float32"
) -> keras.Model:
    """Build a model from uint8 RGB views (B, T, H, W, 3) to float32 `Outputs`, in their order.

    Args:
        model: Model with the architecture and the classes.
        weights_file: Its weights.
        view_size: (T, H, W); whole patches, because the normalisation is folded into the patch
            embedding, which would be wrong for padding.
        with_head: Whether the file has a head. Without it, there are no probabilities: (B, 0).
        dtype: Dtype policy of the backbone.

    Raises:
        WeightsNotFoundError, CheckpointError: As for `read_checkpoint`.
    """
    patch = model.architecture.patch
    if any(side % cell for side, cell in zip(view_size, patch, strict=True)):
        raise ValueError(f"views of {view_size} are not whole patches of {patch}")
    num_classes = model.num_classes if with_head else None
    weights = read_checkpoint(weights_file, model.architecture, num_classes)
    _fold_normalisation(weights)
    views = keras.Input((*view_size, 3), dtype="uint8", name="views")
    network = with_weights(weights, model.architecture, view_size, num_classes, dtype=dtype)
    if not isinstance(network, VideoSwinClassifier):
        tokens = network(ops.cast(views, network.compute_dtype))
        features = keras.layers.GlobalAveragePooling3D(
            data_format="channels_last", dtype="float32"
        )(tokens)
        return keras.Model(views, [features[:, :0], features], name="inference")
    both = keras.Model(network.input, [network.output, network.get_layer("pool").output])
    logits, features = both(ops.cast(views, network.backbone.compute_dtype))
    share = ops.sigmoid if model.is_multi_label else ops.softmax
    return keras.Model(views, [share(logits), features], name="inference")


def _fold_normalisation(weights: dict[str, np.ndarray]) -> None:
    """Change the patch embedding in place, so that it takes pixels in 0 … 255.

    k·(x − mean) / std + b = (k / std)·x + (b − Σ k·mean / std)
    """
    name = "patch_embedding"
    kernel = weights[f"{name}/kernel"] / np.reshape(STD, (3, 1))  # (pT, pH, pW, 3, C), float64
    shift = np.einsum("thwcd,c->d", kernel, MEAN)
    weights[f"{name}/kernel"] = kernel.astype(np.float32)
    weights[f"{name}/bias"] = (weights[f"{name}/bias"] - shift).astype(np.float32)
