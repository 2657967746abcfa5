"""Where weights files stand: one folder, the published names, and what may stand next to them."""

import glob
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from filelock import Timeout

from vswin_cli.errors import WeightsError
from vswin_cli.system.cache_folder import cache_folder
from vswin_cli.system.files import file_lock, temporary_path
from vswin_cli.weights.watch import DownloadWatcher
from vswin_cli.zoo.models import CommunityModel, DownloadedModel, PublishedFile


@dataclass(frozen=True)
class WeightsFile:
    """One published file of one model, and its place in a cache folder.

    A file under `path` is whole: it was verified before it was given that name. Where the published
    file is another program's, `path` is what it was converted to, and the file itself is not kept.
    """

    model: DownloadedModel
    published: PublishedFile
    num_classes: int | None  # None: without top
    folder: Path

    @property
    def title(self) -> str:
        """How messages name it."""
        return self.model.name if self.num_classes else f"{self.model.name} without top"

    @property
    def path(self) -> Path:
        """The file itself, or what it was converted to."""
        return self.folder / (f"{self.model.name}.weights.h5" if self.is_converted else self._name)

    @property
    def is_converted(self) -> bool:
        """Whether the published file is another program's."""
        return self.published.is_torch

    @property
    def brought_path(self) -> Path:
        """Where the user may put the published file, to be converted."""
        return self.folder / self._name

    @property
    def _name(self) -> str:
        return self.published.name

    @property
    def is_here(self) -> bool:
        """Whether there is something under its name.

        Raises:
            WeightsError: The folder may not be looked into.
        """
        try:
            self.path.stat()
        except FileNotFoundError:
            return False
        except OSError as exc:
            raise WeightsError(
                f"cannot look into {self.folder}: {exc.strerror}; choose another folder with "
                "--cache-dir or VSWIN_CACHE"
            ) from exc
        return True

    @property
    def partial_path(self) -> Path:
        """What has been downloaded so far."""
        return self.folder / f"{self._name}.part"

    @property
    def origin_path(self) -> Path:
        """What identifies the server's file that the partial file was begun from."""
        return self.folder / f"{self._name}.part.json"

    @property
    def corrupt_path(self) -> Path:
        """The first file that failed verification, kept aside."""
        return self._beside(".corrupt")

    @property
    def corrupt_paths(self) -> tuple[Path, ...]:
        """All files that failed and are kept aside: `.corrupt`, `.corrupt.1` and so on."""
        names = {self.corrupt_path.name, self.corrupt_download_path.name}
        return tuple(
            sorted(path for name in names for path in self.folder.glob(f"{glob.escape(name)}*"))
        )

    @property
    def corrupt_download_path(self) -> Path:
        """The first download that failed verification, kept aside."""
        return self.folder / f"{self._name}.corrupt"

    @property
    def record_path(self) -> Path:
        """The SHA-256 as of the first verification, in the format of sha256sum.

        Where the file was converted, that of the published file is on a second line.
        """
        return self._beside(".sha256")

    @property
    def lock_path(self) -> Path:
        """Locked by the process that downloads."""
        return self._beside(".lock")

    @property
    def all_paths(self) -> tuple[Path, ...]:
        """The file and all that stands next to it, but for the lock, which never goes."""
        paths = (
            self.path,
            self.partial_path,
            self.origin_path,
            temporary_path(self.origin_path),
            temporary_path(self.path),
            self.record_path,
            temporary_path(self.record_path),
            *self.corrupt_paths,
        )
        return tuple(path for path in paths if path.exists())

    def _beside(self, suffix: str) -> Path:
        return self.path.with_name(self.path.name + suffix)


def weights_file(
    model: DownloadedModel, folder: Path | None = None, *, top: bool = True
) -> WeightsFile:
    """Name a model's file, with or without top where there are two, in the cache folder."""
    if top or isinstance(model, CommunityModel):
        return WeightsFile(model, model.classifier_file, model.num_classes, cache_folder(folder))
    return WeightsFile(model, model.backbone_file, None, cache_folder(folder))


@contextmanager
def locked_if_free(target: WeightsFile) -> Iterator[bool]:
    """Hold the lock of a file; False where another process does, or the folder is read-only."""
    lock = file_lock(target.lock_path)
    try:
        lock.acquire(blocking=False)
    except OSError:  # Timeout too
        yield False
        return
    try:
        yield True
    finally:
        lock.release()


@contextmanager
def locked(target: WeightsFile, watcher: DownloadWatcher) -> Iterator[None]:
    """Hold the lock of a file, waiting until whoever holds it has finished.

    Raises:
        OSError: The folder cannot be written to.
    """
    lock = file_lock(target.lock_path)
    try:
        lock.acquire(blocking=False)
    except Timeout:
        watcher.says(f"waiting for another process that downloads {target.published.name}")
        try:
            lock.acquire(poll_interval=0.1, cancel_check=watcher.is_stopped)
        except Timeout:
            raise KeyboardInterrupt from None
    try:
        yield
    finally:
        lock.release()
