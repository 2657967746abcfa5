"""The models of the user's that the cache folder holds, which their names find."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from vswin_cli.errors import ModelFileError
from vswin_cli.system.cache_folder import cache_folder
from vswin_cli.zoo.model_file import SUFFIX, read_model_file
from vswin_cli.zoo.models import OwnModel, model_names


@dataclass(frozen=True)
class KeptModels:
    """What the cache folder's `models/` holds."""

    models: tuple[OwnModel, ...]
    broken: Mapping[Path, ModelFileError]


def models_folder(cache_dir: Path | None = None) -> Path:
    """Name the folder whose model files are found by their names."""
    return cache_folder(cache_dir) / "models"


def kept_models(cache_dir: Path | None = None) -> KeptModels:
    """Read all model files of the cache folder, in the order of their file names."""
    models: list[OwnModel] = []
    broken: dict[Path, ModelFileError] = {}
    try:
        paths = sorted(models_folder(cache_dir).glob(f"*{SUFFIX}"))
    except OSError:  # a folder that may not be looked into has no models for us
        paths = []
    for path in paths:
        try:
            model = read_model_file(path)
        except ModelFileError as error:
            broken[path] = error
            continue
        if model.name in model_names():
            broken[path] = ModelFileError(
                f"{path}: vswin has a model {model.name}; give this one another name in the file"
            )
        elif model.name in {other.name for other in models}:
            broken[path] = ModelFileError(f"{path}: another file there has the name {model.name}")
        else:
            models.append(model)
    return KeptModels(tuple(models), broken)
