"""The weights in a cache folder: list, describe, remove."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vswin_cli.errors import OutputError, UsageError
from vswin_cli.weights.cache import WeightsFile, locked, weights_file
from vswin_cli.weights.partial import partial_bytes
from vswin_cli.weights.pins import read_record
from vswin_cli.weights.watch import DownloadWatcher
from vswin_cli.zoo.catalog import MODELS, find_downloaded_model, find_model, models_folder
from vswin_cli.zoo.models import BundledModel, CommunityModel, CustomModel, PublishedModel


def weights_files(
    models: Sequence[str] | None, cache_dir: Path | None, *, no_head: bool
) -> list[WeightsFile]:
    """List the files of models.

    Args:
        models: Model names; None is all models with downloads.
        cache_dir: The cache folder; None is the default.
        no_head: Only files without a head, if they exist; else both.

    Raises:
        UsageError: A model has no download.
    """
    names = dict.fromkeys(models or ())
    chosen = [find_downloaded_model(name, cache_dir) for name in names] or [
        model for model in MODELS if isinstance(model, PublishedModel | CommunityModel)
    ]
    return [
        weights_file(model, cache_dir, head=head)
        for model in chosen
        for head in ((False,) if no_head else (True, False))
        if head or not isinstance(model, CommunityModel)  # which have one file
    ]


def described(target: WeightsFile) -> dict[str, Any]:
    """Describe a file without reading all of it, as an object of `weights list`."""
    here = target.path.stat().st_size if target.is_here else None
    part = partial_bytes(target)
    return {
        "model": target.model.name,
        "head": target.num_classes is not None,
        "path": str(target.path),
        "published_bytes": target.published.num_bytes if target.published.is_exact else None,
        "about_bytes": target.published.num_bytes,
        "bytes": here,
        "partial_bytes": part,
        "corrupt": str(target.corrupt_paths[0]) if target.corrupt_paths else None,
        "sha256": read_record(target) if here is not None else None,
        "state": "here" if here is not None else "partial" if part else "absent",
    }


@dataclass(frozen=True)
class Kept:
    """The files of a model in a cache folder that can be removed.

    Attributes:
        title: Name in messages.
        folder: The folder.
        paths: The files; empty if there are none.
        target: The weights file; None for a custom model.
    """

    title: str
    folder: Path
    paths: tuple[Path, ...]
    target: WeightsFile | None = None

    @property
    def num_bytes(self) -> int:
        """Their total size."""
        return sum(path.stat().st_size for path in self.paths)

    def remove(self) -> int:
        """Remove the files, a download under its lock; return the freed bytes.

        Raises:
            OutputError: They cannot be removed.
        """
        try:
            if self.target is None:
                return _removed(self.paths)
            with locked(self.target, DownloadWatcher()):
                return _removed(self.target.all_paths)  # its holder may have changed them
        except OSError as exc:
            place = exc.filename or self.folder
            raise OutputError(f"cannot remove {place}: {exc.strerror}") from exc


def kept_of(name: str, cache_dir: Path | None, *, head: bool) -> Kept:
    """Find the files of a model, with or without a head.

    Raises:
        UnknownModelError: No model has this name.
        UsageError: It is bundled, or a custom model in another folder.
        WeightsError: The folder cannot be read.
    """
    model = find_model(name, cache_dir)
    if not isinstance(model, CustomModel):
        target = weights_file(find_downloaded_model(name, cache_dir), cache_dir, head=head)
        paths = target.all_paths if target.is_here or target.all_paths else ()
        return Kept(target.title, target.folder, paths, target)
    paths = tuple(path for path in (model.path, model.weights_path) if path.is_file())
    folder = models_folder(cache_dir).resolve()
    if any(path.resolve().parent != folder for path in paths):
        raise UsageError(
            f"{model.path} is not in {folder}; remove it and {model.weights_path} yourself"
        )
    return Kept(model.name, folder, paths)


def path_of(name: str, cache_dir: Path | None, *, head: bool) -> tuple[Path, WeightsFile | None]:
    """Return the path of a model's weights, existing or not, and its download if it has one.

    Raises:
        UsageError: As for `find_downloaded_model`.
    """
    model = find_model(name, cache_dir)
    if isinstance(model, CustomModel) or (isinstance(model, BundledModel) and head):
        return model.weights_path, None
    target = weights_file(find_downloaded_model(name, cache_dir), cache_dir, head=head)
    return target.path, target


def _removed(paths: Sequence[Path]) -> int:
    num_bytes = sum(path.stat().st_size for path in paths)
    for path in paths:
        path.unlink()
    return num_bytes
