"""What programs call first: `load_model`."""

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
    name: str = DEFAULT_MODEL.name,
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
    """Load a model; its weights are downloaded if they are not here.

    >>> model = vswin.load_model()
    >>> model.predict("sample_videos/pan_left.mp4").scored_labels[0].label
    'pan left'

    Args:
        name: A name of `vswin models`, or the path of a model file.
        weights: A weights file, with top or without; None is the model's.
        backend: `openvino`, `tensorflow`, `jax` or `torch`; `auto` is OpenVINO, or TensorFlow
            where that is missing; where there is a GPU, the fastest, which is measured once.
        precision: Of the arithmetic: `float32` or `bfloat16`.
        protocol: How frames are sampled: `official`, `uniform`, `mmaction2` or `torchvision`; None
            is what the model was tested by, and so is None in the next three.
        views: `fast` is one clip and one crop, `full` the protocol, `adaptive` the protocol but no
            more views than settle the most probable label.
        clips: Clips per video.
        crops: Crops per clip, 1 or 3.
        reader: What decodes; `auto` is the first that reads the file exactly.
        threads: Processors to keep busy; None is all that this process may use.
        batch_size: Views to compute at once, at most; `auto` is what the engine is fastest with.
        cache_dir: Folder of weights and graphs; None: VSWIN_CACHE, else the platform's.
        mirror: Folder to download from; None: VSWIN_MIRROR, else the release page.
        offline: Download nothing; None: whether VSWIN_OFFLINE is set.

    Returns:
        The model. What this process does with Keras is left alone, unless `backend` is one of
        Keras's.

    Raises:
        UsageError: The options contradict each other, or name no model.
        WeightsError: There are no weights that may be used, or they cannot be downloaded.
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
