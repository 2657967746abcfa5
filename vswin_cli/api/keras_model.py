"""The Keras model of a name, for those who train, save or cut it open; imports Keras as it is."""

from pathlib import Path

from vswin_cli.errors import BackendError

try:
    import keras
except ImportError as exc:
    raise BackendError(
        f"Keras cannot be imported: {exc}; install its backend (`pip install tensorflow`), or name "
        "another one in KERAS_BACKEND"
    ) from exc

from vswin_cli.api.model import VideoModel
from vswin_cli.api.options import ViewOptions, engine_options
from vswin_cli.network.checkpoint import read_checkpoint
from vswin_cli.network.video_swin import VideoSwinBackbone, VideoSwinClassifier, assign
from vswin_cli.zoo.models import DEFAULT_MODEL


def keras_model(
    name: str = DEFAULT_MODEL.name,
    *,
    weights: str | Path | None = None,
    top: bool | None = None,
    dtype: str | None = None,
    cache_dir: str | Path | None = None,
    mirror: str | None = None,
    offline: bool | None = None,
) -> keras.Model:
    """Make the Keras model with its weights, to train, to save, or to cut open.

    It runs on the backend that Keras has in this process. What its `save` writes is loaded by
    `keras.saving.load_model`, in a process that has imported `keras_model` from `vswin_cli`.

    >>> classifier = vswin.keras_model()
    >>> classifier.input_shape, classifier.output_shape
    ((None, 32, 96, 96, 3), (None, 9))

    Args:
        name: As for `load_model`.
        weights: As for `load_model`.
        top: Whether with the head; None is what the weights have.
        dtype: A dtype policy of Keras, such as `mixed_bfloat16`; None is Keras's global one.
        cache_dir: As for `load_model`.
        mirror: As for `load_model`.
        offline: As for `load_model`.

    Returns:
        From RGB views (B, T, H, W, 3), normalised by `vswin_cli.zoo.protocols.MEAN` and `STD`, to
        logits (B, num_classes); without top to features (B, T', H', W', num_features).

    Raises:
        UsageError, WeightsError: As `load_model`.
    """
    engine = engine_options(
        name, weights=weights, cache_dir=cache_dir, mirror=mirror, offline=offline
    )
    model = VideoModel(engine, ViewOptions(), top=top)
    spec, size = model.model, model.protocol.view_size
    num_classes = spec.num_classes if model.has_top else None
    variables = read_checkpoint(model.weights_file, spec.architecture, num_classes)
    built: keras.Model
    if num_classes is None:
        built = VideoSwinBackbone(spec.architecture, size, dtype=dtype)
    else:
        built = VideoSwinClassifier(spec.architecture, size, num_classes, dtype=dtype)
    assign(built, variables)
    return built
