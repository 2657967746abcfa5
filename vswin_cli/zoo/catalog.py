"""Finds the model that `--model` names: in the zoo, in the cache folder, or by its model file."""

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from vswin_cli.errors import ModelFileError, UnknownModelError, UsageError
from vswin_cli.system.cache_folder import cache_folder
from vswin_cli.zoo.community import COMMUNITY_MODELS
from vswin_cli.zoo.models import (
    KERAS_MODELS,
    AnyModel,
    BundledModel,
    CommunityModel,
    CustomModel,
    DownloadedModel,
    PublishedModel,
    model_names,
)

SUFFIX = ".toml"  # of model files
MODEL_FILE = "model.toml"  # in the folder of a model that `vswin train` has made
MODELS: tuple[BundledModel | DownloadedModel, ...] = (*KERAS_MODELS, *COMMUNITY_MODELS)

_KERAS_WEIGHTS = (".h5", ".hdf5")
_OTHER_WEIGHTS = (".keras", ".pth", ".pt", ".ckpt", ".bin", ".safetensors")


@dataclass(frozen=True)
class CustomModels:
    """The content of the cache folder's `models/`."""

    models: tuple[CustomModel, ...]
    broken: Mapping[Path, ModelFileError]


def models_folder(cache_dir: Path | None = None) -> Path:
    """Return the folder whose model files are found by name."""
    return cache_folder(cache_dir) / "models"


def custom_models(cache_dir: Path | None = None) -> CustomModels:
    """Read all model files of the cache folder, in the order of their file names."""
    models: list[CustomModel] = []
    broken: dict[Path, ModelFileError] = {}
    try:
        paths = sorted(models_folder(cache_dir).glob(f"*{SUFFIX}"))
    except OSError:  # a folder that may not be looked into has no models for us
        paths = []
    for path in paths:
        try:
            model = _read(path)
        except ModelFileError as error:
            broken[path] = error
            continue
        if model.name in model_names(MODELS):
            broken[path] = ModelFileError(
                f"{path}: vswin already has a model {model.name}; change the name in the file"
            )
        elif model.name in {other.name for other in models}:
            broken[path] = ModelFileError(
                f"{path}: another file there also has the name {model.name}"
            )
        else:
            models.append(model)
    return CustomModels(tuple(models), broken)


def find_model(name: str, cache_dir: Path | None = None) -> AnyModel:
    """Look a model up by its exact name, or read the model file that a path names.

    Args:
        name: Name of a model of the zoo or in the cache folder's `models/`; or a path that ends in
            `.toml`, contains a separator, or is a folder with a `model.toml`.
        cache_dir: Cache folder. Default: `VSWIN_CACHE`, or the user's.

    Raises:
        UnknownModelError: No model has this name; the message suggests the nearest.
        ModelFileError: The model file makes no sense.
    """
    for model in MODELS:
        if model.name == name:
            return model
    if name.lower().endswith(_KERAS_WEIGHTS):
        raise UnknownModelError(
            f"{name} is a weights file: use --weights for it, or give the {SUFFIX} that `vswin "
            "convert` writes next to it"
        )
    if name.lower().endswith(_OTHER_WEIGHTS):
        raise UnknownModelError(
            f"{name} is a checkpoint from another program: run `vswin convert` on it first"
        )
    if (Path(name) / MODEL_FILE).is_file():
        return _read(Path(name) / MODEL_FILE)
    is_folder = bool(name) and Path(name).is_dir()
    if (name.endswith(SUFFIX) or "/" in name) and not is_folder:
        return _read(Path(name))
    custom = custom_models(cache_dir)
    for candidate in custom.models:
        if candidate.name == name:
            return candidate
    for path, error in custom.broken.items():
        if path.stem == name:
            raise error
    if is_folder:
        raise UnknownModelError(
            f"the folder {name} has no {MODEL_FILE}; `vswin train` writes it at its end"
        )
    known = model_names((*MODELS, *custom.models))
    nearest = get_close_matches(name.lower(), known, n=1, cutoff=0.4)
    hint = f"did you mean {nearest[0]}?" if nearest else f"choose one of {', '.join(known)}"
    raise UnknownModelError(
        f"unknown model {name!r}: {hint} (see `vswin models`; a path ends in .toml)"
    )


def find_classifier(name: str, cache_dir: Path | None = None) -> AnyModel:
    """Look up a model that has classes.

    Raises:
        UsageError: It has none, or as for `find_model`.
    """
    model = find_model(name, cache_dir)
    if isinstance(model, CustomModel) and not model.has_head:
        raise UsageError(f"{name} is a model without a head: it only computes features")
    return model


def find_downloaded_model(name: str, cache_dir: Path | None = None) -> DownloadedModel:
    """Look up a model whose checkpoint is downloaded.

    Raises:
        UnknownModelError: No model has this name.
        UsageError: Its checkpoint comes with this package, or the model is a custom one.
    """
    model = find_model(name, cache_dir)
    if isinstance(model, PublishedModel | CommunityModel):
        return model
    if isinstance(model, CustomModel):
        raise UsageError(
            f"{name} is a custom model: its weights are {model.weights_path}, not published"
        )
    raise UsageError(f"{name} is bundled with vswin: its weights are here, never downloaded")


def _read(path: Path) -> CustomModel:
    from vswin_cli.zoo.model_file import read_model_file  # noqa: PLC0415 - pydantic takes its time

    return read_model_file(path)
