"""Video Swin: the backbone, and the classifier, which adds a head."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, Self

import keras
import numpy as np

from vswin_cli.network.layers import (
    PatchEmbedding,
    PatchMerging,
    SwinBlock,
    TokenNorm,
    kernels_of_zeros,
)
from vswin_cli.zoo.architectures import Architecture, Size

Config = dict[str, Any]
serializable = keras.saving.register_keras_serializable(package="vswin")


@serializable
class VideoSwinBackbone(keras.Model):
    """Maps views (B, T, H, W, 3) to features (B, T', H', W', C).

    Args:
        architecture: Determines the shape of every variable.
        input_size: (T, H, W) in pixels; any size, padded to whole windows.
        options: Options of `keras.Model`; `dtype` may be a mixed-precision policy. `drop_path`, for
            training, is the rate of the last block; the rates rise to it from 0 in equal steps.

    T' = ⌈T/pT⌉; H' and W' are H and W divided by the patch, and halved (rounding up) after every
    stage except the last. Pixels are RGB, normalised with `zoo.protocols.MEAN` and `STD`.
    """

    def __init__(self, architecture: Architecture, input_size: Size, **options: object) -> None:
        dtype = options.pop("dtype", None)
        drop_path = float(options.pop("drop_path", 0.0))  # type: ignore[arg-type]
        rates = iter(np.linspace(0, drop_path, sum(architecture.depths)).tolist())
        pixels = keras.Input((*input_size, 3))
        x = PatchEmbedding(
            architecture.embed_dim, architecture.patch, dtype=dtype, name="patch_embedding"
        )(pixels)
        last_stage = len(architecture.depths) - 1
        for stage, depth in enumerate(architecture.depths):
            for block in range(depth):
                x = SwinBlock(
                    architecture.num_heads[stage],
                    architecture.window,
                    shifted=block % 2 == 1,
                    mlp_ratio=architecture.mlp_ratio,
                    drop_path=next(rates),
                    dtype=dtype,
                    name=f"stage{stage}_block{block}",
                )(x)
            if stage < last_stage:
                x = PatchMerging(dtype=dtype, name=f"patch_merging{stage}")(x)
        x = TokenNorm(dtype=dtype, name="norm")(x)
        super().__init__(inputs=pixels, outputs=x, **options)
        self.architecture = architecture
        self.input_size = tuple(input_size)
        self.dtype_option = dtype
        self.drop_path = drop_path

    def get_config(self) -> Config:
        """Return the arguments that build the same backbone."""
        return {
            "architecture": asdict(self.architecture),
            "input_size": self.input_size,
            "dtype": self.dtype_option,
            "drop_path": self.drop_path,
            "name": self.name,
            "trainable": self.trainable,
        }

    @classmethod
    def from_config(cls, config: Config) -> Self:
        """Build a backbone from the result of `get_config`."""
        return cls(**_with_architecture(config))


@serializable
class VideoSwinClassifier(keras.Model):
    """Maps views (B, T, H, W, 3) to logits (B, num_classes): backbone, mean pooling, linear head.

    Args:
        architecture: As for `VideoSwinBackbone`.
        input_size: As for `VideoSwinBackbone`.
        num_classes: Length of the label set.
        options: As for `VideoSwinBackbone`. The head computes in float32 under every policy.
    """

    def __init__(
        self, architecture: Architecture, input_size: Size, num_classes: int, **options: object
    ) -> None:
        dtype = options.pop("dtype", None)
        backbone_trainable = options.pop("backbone_trainable", True)
        backbone = VideoSwinBackbone(
            architecture,
            input_size,
            dtype=dtype,
            drop_path=options.pop("drop_path", 0.0),
            name="backbone",
        )
        pooled = keras.layers.GlobalAveragePooling3D(
            data_format="channels_last", dtype="float32", name="pool"
        )(backbone.output)
        logits = keras.layers.Dense(num_classes, dtype="float32", name="head")(pooled)
        super().__init__(inputs=backbone.input, outputs=logits, **options)
        self.backbone = backbone
        self.backbone.trainable = backbone_trainable
        self.num_classes = num_classes

    def get_config(self) -> Config:
        """Return the arguments that build the same classifier."""
        return {
            **self.backbone.get_config(),
            "num_classes": self.num_classes,
            "name": self.name,
            "trainable": self.trainable,
            "backbone_trainable": self.backbone.trainable,
        }

    @classmethod
    def from_config(cls, config: Config) -> Self:
        """Build a classifier from the result of `get_config`."""
        return cls(**_with_architecture(config))


def _with_architecture(config: Config) -> Config:
    """Restore the architecture from a config; JSON turns its tuples into lists."""
    fields: Config = {
        key: tuple(value) if isinstance(value, list) else value
        for key, value in config["architecture"].items()
    }
    architecture = Architecture(**fields)
    return {**config, "architecture": architecture, "input_size": tuple(config["input_size"])}


def with_weights(
    weights: Mapping[str, np.ndarray],
    architecture: Architecture,
    input_size: Size,
    num_classes: int | None,
    **options: object,
) -> VideoSwinBackbone | VideoSwinClassifier:
    """Build a classifier, or a backbone if `num_classes` is None, and assign its weights.

    Args:
        weights: As for `assign`.
        architecture: As for `VideoSwinBackbone`, like the next one and the options.
        input_size: (T, H, W) in pixels.
        num_classes: Length of the label set.
        options: Options of `keras.Model`.

    Raises:
        ValueError: As for `assign`.
    """
    model: VideoSwinBackbone | VideoSwinClassifier
    with kernels_of_zeros():
        if num_classes is None:
            model = VideoSwinBackbone(architecture, input_size, **options)
        else:
            model = VideoSwinClassifier(architecture, input_size, num_classes, **options)
    assign(model, weights)
    return model


def assign(model: keras.Model, weights: Mapping[str, np.ndarray]) -> None:
    """Set every variable exactly once.

    Args:
        model: A backbone or a classifier.
        weights: By variable path, as from `read_checkpoint`.

    Raises:
        ValueError: The names or shapes differ from the model's; nothing was set.
    """
    variables = {variable.path: variable for variable in model.weights}
    if {path: tuple(variable.shape) for path, variable in variables.items()} != {
        path: values.shape for path, values in weights.items()
    }:
        raise ValueError(f"the weights are not those of {model.name}")
    for path, variable in variables.items():
        variable.assign(weights[path])
