"""The weights files: their folder, their published names, and the files next to them."""

import glob
from collections.abc import Iterator
from contextlib import contextmanager, suppress
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
    """A published file of a model, and its place in a cache folder.

    A file at `path` is complete: it was verified before it got this name. If the published file is
    from another program, `path` is the converted file, and the original is not kept.
    """

    model: DownloadedModel
    published: PublishedFile
    num_classes: int | None  # None: without a head
    folder: Path

    @property
    def title(self) -> str:
        """Its name in messages."""
        return self.model.name if self.num_classes else f"{self.model.name} without a head"

    @property
    def path(self) -> Path:
        """The path of the file, or of the converted file."""
        return self.folder / (f"{self.model.name}.weights.h5" if self.is_converted else self._name)

    @property
    def is_converted(self) -> bool:
        """Whether the published file is from another program."""
        return self.published.is_torch

    @property
    def brought_path(self) -> Path:
        """The path where the user may put the published file, to convert it."""
        return self.folder / self._name

    @property
    def _name(self) -> str:
        return self.published.name

    @property
    def is_here(self) -> bool:
        """Whether a file with its name exists.

        Raises:
            WeightsError: The folder cannot be read.
        """
        try:
            self.path.stat()
        except FileNotFoundError:
            return False
        except OSError as exc:
            raise WeightsError(
                f"cannot read the folder {self.folder}: {exc.strerror}; choose another folder with "
                "--cache-dir or VSWIN_CACHE"
            ) from exc
        return True

    @property
    def partial_path(self) -> Path:
        """The path of the partial download."""
        return self.folder / f"{self._name}.part"

    @property
    def origin_path(self) -> Path:
        """The path of the file that identifies the server's file of the partial download."""
        return self.folder / f"{self._name}.part.json"

    @property
    def corrupt_path(self) -> Path:
        """The path for the first file that failed verification."""
        return self._beside(".corrupt")

    @property
    def corrupt_paths(self) -> tuple[Path, ...]:
        """All files that failed verification: `.corrupt`, `.corrupt.1` and so on."""
        names = {self.corrupt_path.name, self.corrupt_download_path.name}
        return tuple(
            sorted(path for name in names for path in self.folder.glob(f"{glob.escape(name)}*"))
        )

    @property
    def corrupt_download_path(self) -> Path:
        """The path for the first download that failed verification."""
        return self.folder / f"{self._name}.corrupt"

    @property
    def record_path(self) -> Path:
        """The path of the SHA-256 from the first verification, in the format of sha256sum.

        If the file was converted, a second line has the SHA-256 of the published file.
        """
        return self._beside(".sha256")

    @property
    def lock_path(self) -> Path:
        """The path of the lock, which the downloading process holds."""
        return self._beside(".lock")

    @property
    def all_paths(self) -> tuple[Path, ...]:
        """The file and all files next to it, except the lock, which is never removed."""
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
    model: DownloadedModel, folder: Path | None = None, *, head: bool = True
) -> WeightsFile:
    """Find a model's file in the cache folder, with or without a head if there are both."""
    if head or isinstance(model, CommunityModel):
        return WeightsFile(model, model.classifier_file, model.num_classes, cache_folder(folder))
    return WeightsFile(model, model.backbone_file, None, cache_folder(folder))


@contextmanager
def locked_if_free(target: WeightsFile) -> Iterator[bool]:
    """Hold the lock of a file; False if another process holds it or the folder is read-only."""
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
    """Hold the lock of a file; wait until its current holder has finished.

    Raises:
        OSError: The folder is not writable.
    """
    lock = file_lock(target.lock_path)
    try:
        lock.acquire(blocking=False)
    except Timeout:
        watcher.says(f"waiting for another process to download {target.published.name}")
        while not lock.is_locked:
            if watcher.is_stopped():
                raise KeyboardInterrupt from None
            with suppress(Timeout):
                lock.acquire(timeout=0.1)
    try:
        yield
    finally:
        lock.release()
