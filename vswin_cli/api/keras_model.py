"""`keras_model`: a model as a Keras model, to train, save or take apart; imports Keras as it is."""

from pathlib import Path

from vswin_cli.errors import BackendError

try:
    import keras
except ImportError as exc:
    raise BackendError(
        f"Keras cannot be imported: {exc}; install its backend (`pip install tensorflow`), or set "
        "KERAS_BACKEND to another one"
    ) from exc

from vswin_cli.api.model import VideoModel
from vswin_cli.api.options import ViewOptions, engine_options
from vswin_cli.network.checkpoint import read_checkpoint
from vswin_cli.network.video_swin import with_weights
from vswin_cli.zoo.models import DEFAULT_MODEL


def keras_model(
    name: str | Path = DEFAULT_MODEL.name,
    *,
    weights: str | Path | None = None,
    head: bool | None = None,
    dtype: str | None = None,
    cache_dir: str | Path | None = None,
    mirror: str | None = None,
    offline: bool | None = None,
) -> keras.Model:
    """Make the Keras model with its weights, to train, to save or to take apart.

    It runs on the Keras backend of this process. `keras.saving.load_model` loads the file that its
    `save` writes, in a process that has imported `keras_model` from `vswin_cli`.

    >>> classifier = vswin.keras_model()
    >>> classifier.input_shape, classifier.output_shape
    ((None, 32, 96, 96, 3), (None, 9))

    Args:
        name: As for `load_model`.
        weights: As for `load_model`.
        head: Include the head. Default: True if the weights have one.
        dtype: Keras dtype policy, such as `mixed_bfloat16`. Default: Keras's global policy.
        cache_dir: As for `load_model`.
        mirror: As for `load_model`.
        offline: As for `load_model`.

    Returns:
        A model from RGB views (B, T, H, W, 3), normalised by `vswin_cli.zoo.protocols.MEAN` and
        `STD`, to logits (B, num_classes); without a head, to (B, T', H', W', num_features).

    Raises:
        UsageError, WeightsError: As for `load_model`.
    """
    engine = engine_options(
        name, weights=weights, cache_dir=cache_dir, mirror=mirror, offline=offline
    )
    model = VideoModel(engine, ViewOptions(), head=head)
    spec, size = model.model, model.protocol.view_size
    num_classes = spec.num_classes if model.has_head else None
    variables = read_checkpoint(model.weights_file, spec.architecture, num_classes)
    return with_weights(variables, spec.architecture, size, num_classes, dtype=dtype)
