"""Downloads a published file into the cache: check, lock, download, verify, rename."""

import contextlib
import errno
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from vswin_cli.errors import CheckpointError, DownloadError
from vswin_cli.sources.addresses import without_credentials
from vswin_cli.system.files import file_sha256
from vswin_cli.system.platform import sync_folder
from vswin_cli.weights.address import file_address, local_path
from vswin_cli.weights.cache import WeightsFile, locked
from vswin_cli.weights.http_source import HttpSource
from vswin_cli.weights.partial import PartialFile, remove_partial
from vswin_cli.weights.pins import demanded_sha256, read_published_record, write_record
from vswin_cli.weights.source import FileSource
from vswin_cli.weights.transfer import Patience, transfer
from vswin_cli.weights.verify import (
    is_sound,
    set_aside,
    set_partial_aside,
    verify,
    verify_and_record,
)
from vswin_cli.weights.watch import DownloadWatcher

TIMEOUT_SECONDS = 10.0
_DISK_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


@dataclass(frozen=True)
class Fetching:
    """Options of downloads.

    Attributes:
        mirror: Address of a folder to download from; None is VSWIN_MIRROR, else the release page.
        sha256: Required SHA-256 of the file; None is the one in VSWIN_SHA256SUMS, if any.
        force: Download existing files again.
        timeout_seconds: Time to wait for a server that sends nothing.
        patience: How often to try.
    """

    mirror: str | None = None
    sha256: str | None = None
    force: bool = False
    timeout_seconds: float = TIMEOUT_SECONDS
    patience: Patience = field(default_factory=Patience)


@dataclass(frozen=True)
class Fetched:
    """The times of a download."""

    download_seconds: float  # time until it was on the disk
    verification_seconds: float


def fetch(target: WeightsFile, fetching: Fetching, watcher: DownloadWatcher) -> Fetched | None:
    """Ensure that a complete file is in the cache.

    An existing file is verified. A file that fails is renamed to `.corrupt` and downloaded again: a
    damaged one at once, a complete but different checkpoint after the download. Complete files are
    used in place, so a read-only cache works.

    Returns:
        The times of the download; None if the file was there or another process downloaded it.

    Raises:
        DownloadError: The file could not be downloaded or written.
        CheckpointError: The download is not the published file.
        WeightsError: The existing file cannot be read.
        UsageError: The mirror or the pin is invalid.
    """
    address = file_address(target.published, fetching.mirror)
    pin = demanded_sha256(target, fetching.sha256)
    was_here = target.is_here
    if was_here and not fetching.force:
        try:
            verify_and_record(target, pin=pin)
        except CheckpointError as exc:
            watcher.says(f"{exc}; downloading it again")
        else:
            return None
    with _written(target):
        target.folder.mkdir(parents=True, exist_ok=True)
        with locked(target, watcher):
            if not fetching.force and _is_whole(target, pin, was_here, watcher):
                return None
            try:
                if target.is_converted and target.brought_path.is_file():
                    fetched = _take_brought(target, address, pin, fetching, watcher)
                    if fetched is not None:
                        return fetched
                return _download(target, address, pin, fetching, watcher)
            except OSError as exc:
                if exc.errno in _DISK_FULL:  # the other process needs the space more
                    with contextlib.suppress(OSError):
                        remove_partial(target)
                raise


def _is_whole(
    target: WeightsFile, pin: str | None, was_here: bool, watcher: DownloadWatcher
) -> bool:
    """Check again, now that no other process can be writing the file."""
    if not target.is_here:
        return False
    if not was_here and pin in {None, read_published_record(target)}:
        return True  # another process has just verified it
    try:
        verify(target, pin=pin)
    except CheckpointError:
        if is_sound(target):
            watcher.says("the file here stays until the new one is complete")
        else:
            watcher.says(f"the old file is {set_aside(target)}")
        return False
    return True


def _take_brought(
    target: WeightsFile, address: str, pin: str | None, fetching: Fetching, watcher: DownloadWatcher
) -> Fetched | None:
    """Convert a file that the user has put there; None if it is invalid and was renamed.

    Raises:
        CheckpointError: The file is invalid, and there is no other source.
        DownloadError: It cannot be read, or there is no room for a copy.
    """
    brought = target.brought_path
    try:
        return _download(target, brought.absolute().as_uri(), pin, fetching, watcher)
    except (CheckpointError, DownloadError) as exc:
        if isinstance(exc, DownloadError) and not _has_wrong_size(target, pin):
            raise  # the disk is full, or fails
        if local_path(address) == brought.absolute():
            raise CheckpointError(f"{exc}; delete {brought}, or put a complete file there") from exc
        remove_partial(target)
        aside = target.corrupt_download_path
        brought.replace(aside)
        watcher.says(f"{brought} cannot be used ({exc}); it is set aside as {aside}; downloading")
        return None


def _has_wrong_size(target: WeightsFile, pin: str | None) -> bool:
    """Whether the file that the user has put there cannot be the published one."""
    published = target.published
    is_known = pin is None and published.is_exact
    return is_known and target.brought_path.stat().st_size != published.num_bytes


def _download(
    target: WeightsFile, address: str, pin: str | None, fetching: Fetching, watcher: DownloadWatcher
) -> Fetched:
    begun = time.monotonic()
    with contextlib.ExitStack() as stack:
        path = local_path(address)
        source = (
            FileSource(address, path)
            if path
            else stack.enter_context(HttpSource(address, fetching.timeout_seconds))
        )
        partial = stack.enter_context(PartialFile(target, address))
        transfer(
            source,
            partial,
            target,
            any_size=pin is not None or not target.published.is_exact,
            patience=fetching.patience,
            watcher=watcher,
        )
        partial.sync()
        sha256 = partial.sha256
    downloaded = time.monotonic()
    watcher.check()
    try:
        verify(target, target.partial_path, pin=pin, sha256=sha256)
        converted = _converted(target) if target.is_converted else None
    except CheckpointError as exc:
        became = set_partial_aside(target)
        raise CheckpointError(
            f"the file from {without_credentials(address)} cannot be used: {exc}; it is {became}; "
            "try again, or another --mirror"
        ) from exc
    watcher.check()
    if target.is_here and not fetching.force:
        watcher.says(f"the old file is {set_aside(target)}")
    target.record_path.unlink(missing_ok=True)  # mode of the replaced file
    (converted or target.partial_path).replace(target.path)
    sync_folder(target.folder)
    if converted:
        target.partial_path.unlink()
        write_record(target, file_sha256(target.path), sha256)
    else:
        write_record(target, sha256)
    target.origin_path.unlink(missing_ok=True)
    return Fetched(downloaded - begun, time.monotonic() - downloaded)


def _converted(target: WeightsFile) -> Path:
    from vswin_cli.weights.converting import convert_download  # noqa: PLC0415 - imports NumPy

    return convert_download(target)


@contextmanager
def _written(target: WeightsFile) -> Iterator[None]:
    """Translate system errors of writing into the folder."""
    try:
        yield
    except OSError as exc:
        if exc.errno in _DISK_FULL:
            raise DownloadError(
                f"cannot write {target.published.name} to {target.folder}: {exc.strerror}; make "
                "room, or choose another folder with --cache-dir or VSWIN_CACHE"
            ) from exc
        raise DownloadError(
            f"cannot write {target.published.name} to {target.folder}: {exc.strerror}; choose "
            "another folder with --cache-dir or VSWIN_CACHE"
        ) from exc
