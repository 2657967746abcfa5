"""Where weights files stand: one folder, the published names, and what may stand beside them."""

import os
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from vswin_cli.errors import WeightsNotFoundError
from vswin_cli.zoo.models import PublishedFile, PublishedModel

FOLDER_VARIABLE = "VSWIN_CACHE"


def cache_folder(chosen: Path | None = None) -> Path:
    """Name the folder of the weights files: `chosen`, else VSWIN_CACHE, else the platform's."""
    if chosen is None and (variable := os.environ.get(FOLDER_VARIABLE)):
        chosen = Path(variable)
    if chosen is None:
        return Path(platformdirs.user_cache_dir("vswin"))
    return chosen.expanduser().absolute()


@dataclass(frozen=True)
class WeightsFile:
    """One published file of one model, and its place in a cache folder.

    A file under `path` is whole: it was verified before it was given that name.
    """

    model: PublishedModel
    published: PublishedFile
    num_classes: int | None  # None: without top
    folder: Path

    @property
    def title(self) -> str:
        """How messages name it."""
        return self.model.name if self.num_classes else f"{self.model.name} without top"

    @property
    def path(self) -> Path:
        """The file itself."""
        return self.folder / self.published.name

    @property
    def partial_path(self) -> Path:
        """What has been downloaded so far."""
        return self._beside(".part")

    @property
    def origin_path(self) -> Path:
        """What identifies the server's file that the partial file was begun from."""
        return self._beside(".part.json")

    @property
    def corrupt_path(self) -> Path:
        """The last file that failed verification, kept aside."""
        return self._beside(".corrupt")

    @property
    def record_path(self) -> Path:
        """The SHA-256 as of the first verification, in the format of sha256sum."""
        return self._beside(".sha256")

    @property
    def lock_path(self) -> Path:
        """Locked by the process that downloads."""
        return self._beside(".lock")

    @property
    def all_paths(self) -> tuple[Path, ...]:
        """The file and all that may stand beside it."""
        return (
            self.path,
            self.partial_path,
            self.origin_path,
            self.corrupt_path,
            self.record_path,
            self.lock_path,
        )

    def _beside(self, suffix: str) -> Path:
        return self.folder / (self.published.name + suffix)


def weights_file(
    model: PublishedModel, folder: Path | None = None, *, top: bool = True
) -> WeightsFile:
    """Name a model's file, with or without top, in the cache folder."""
    if top:
        return WeightsFile(model, model.classifier_file, model.num_classes, cache_folder(folder))
    return WeightsFile(model, model.backbone_file, None, cache_folder(folder))


def weights_path(model: PublishedModel, folder: Path | None = None, *, top: bool = True) -> Path:
    """Name the place of a model's file, whether or not it is there."""
    return weights_file(model, folder, top=top).path


def find_weights(model: PublishedModel, folder: Path | None = None, *, top: bool = True) -> Path:
    """Find a model's file in the cache folder.

    Raises:
        WeightsNotFoundError: It is not there; the message says where that is.
    """
    target = weights_file(model, folder, top=top)
    if not target.path.is_file():
        raise WeightsNotFoundError(
            f"no weights of {target.title}: {target.published.name} is not in {target.folder}; "
            f"fetch it with `vswin download-weights`, or give --weights FILE"
        )
    return target.path
