"""`load_model`, which programs call first."""

from pathlib import Path

from vswin_cli.api.loaded import LoadedModel
from vswin_cli.api.options import (
    BackendName,
    BatchSize,
    PrecisionName,
    ReaderName,
    ViewChoice,
    ViewOptions,
    engine_options,
)
from vswin_cli.zoo.models import DEFAULT_MODEL


def load_model(
    name: str | Path = DEFAULT_MODEL.name,
    *,
    weights: str | Path | None = None,
    backend: BackendName = "auto",
    precision: PrecisionName = "float32",
    protocol: str | None = None,
    views: ViewChoice | None = None,
    clips: int | None = None,
    crops: int | None = None,
    reader: ReaderName = "auto",
    threads: int | None = None,
    batch_size: BatchSize = "auto",
    cache_dir: str | Path | None = None,
    mirror: str | None = None,
    offline: bool | None = None,
) -> LoadedModel:
    """Load a model, and download its weights if they are missing.

    >>> model = vswin.load_model()
    >>> model.predict("sample_videos/pan_left.mp4").scored_labels[0].label
    'pan left'

    Args:
        name: Model name (see `vswin models`), or path of a custom model's file.
        weights: Weights file, with or without a head. Default: the model's.
        backend: `openvino`, `tensorflow`, `jax` or `torch`. `auto` is OpenVINO, or TensorFlow if
            OpenVINO is not installed; on a machine with a GPU, the fastest backend, measured once.
        precision: Arithmetic: `float32` or `bfloat16`.
        protocol: How frames are sampled: `official`, `uniform`, `mmaction2` or `torchvision`.
            Default for this and the next three: the model's test protocol.
        views: `fast` is one clip and one crop. `full` is all views of the protocol. `adaptive`
            computes views until the best label is settled.
        clips: Clips per video.
        crops: Crops per clip, 1 or 3.
        reader: Video reader: `av` or `decord`. `auto` is the first that reads the file exactly.
        threads: CPU threads to use. Default: all that this process may use.
        batch_size: Views to compute at once, at most. `auto` is the backend's fastest size.
        cache_dir: Folder for weights and exported models. Default: VSWIN_CACHE, or the platform's
            cache folder.
        mirror: Folder to download from. Default: VSWIN_MIRROR, or the release page.
        offline: Never download. Default: True if VSWIN_OFFLINE is set.

    Returns:
        The model. Keras in this process is left as it is, unless `backend` is a Keras backend.

    Raises:
        UsageError: The options contradict each other, or no model has this name.
        WeightsError: The weights cannot be used or downloaded.
        BackendError: The backend is not installed, or Keras already runs on another one.
    """
    engine = engine_options(
        name,
        weights=weights,
        backend=backend,
        precision=precision,
        threads=threads,
        batch_size=batch_size,
        cache_dir=cache_dir,
        mirror=mirror,
        offline=offline,
    )
    model = LoadedModel(
        engine,
        ViewOptions(views, protocol, clips, crops, reader),  # type: ignore[arg-type]  # checked
        spares_keras=True,
    )
    _ = model.engine
    return model
