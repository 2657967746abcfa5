"""Bring a published file into the cache: look, lock, download, verify, name."""

import contextlib
import errno
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from vswin_cli.errors import CheckpointError, DownloadError
from vswin_cli.system.files import file_sha256
from vswin_cli.system.platform import sync_folder
from vswin_cli.weights.address import file_address, local_path, shown
from vswin_cli.weights.cache import WeightsFile, locked
from vswin_cli.weights.converting import convert_download
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
    """How files are fetched.

    Attributes:
        mirror: Address of a folder to fetch from; None: VSWIN_MIRROR, else the release page.
        sha256: The sum that the file must have; None: the one in VSWIN_SHA256SUMS, if any.
        force: Fetch what is here already.
        timeout_seconds: How long a server may be silent.
        patience: How often to try.
    """

    mirror: str | None = None
    sha256: str | None = None
    force: bool = False
    timeout_seconds: float = TIMEOUT_SECONDS
    patience: Patience = field(default_factory=Patience)


@dataclass(frozen=True)
class Fetched:
    """How long it took to bring a file here."""

    download_seconds: float  # until it was on the disk
    verification_seconds: float


def fetch(target: WeightsFile, fetching: Fetching, watcher: DownloadWatcher) -> Fetched | None:
    """Make sure that a file is in the cache, whole.

    What is here is verified; a file that fails is kept aside as `.corrupt`, and fetched: a damaged
    one at once, a whole checkpoint that is not the wanted one when that has come. Whole files are
    used where they are, so a cache that cannot be written to works.

    Returns:
        How it was downloaded; None if it was here, or another process brought it.

    Raises:
        DownloadError: It could not be downloaded, or not be written.
        CheckpointError: What was downloaded is not the published file.
        WeightsError: What is here cannot be read.
        UsageError: The mirror, or the pin, makes no sense.
    """
    address = file_address(target.published, fetching.mirror)
    pin = demanded_sha256(target, fetching.sha256)
    was_here = target.is_here
    if was_here and not fetching.force:
        try:
            verify_and_record(target, pin=pin)
        except CheckpointError as exc:
            watcher.says(f"{exc}; fetching it again")
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
                if exc.errno in _DISK_FULL:  # it needs the room more than we do
                    with contextlib.suppress(OSError):
                        remove_partial(target)
                raise


def _is_whole(
    target: WeightsFile, pin: str | None, was_here: bool, watcher: DownloadWatcher
) -> bool:
    """Look again, now that no other process can be at work on it."""
    if not target.is_here:
        return False
    if not was_here and pin in {None, read_published_record(target)}:
        return True  # another process has just verified it
    try:
        verify(target, pin=pin)
    except CheckpointError:
        if is_sound(target):
            watcher.says("what is here stays until the other has come")
        else:
            watcher.says(f"what was here is {set_aside(target)}")
        return False
    return True


def _take_brought(
    target: WeightsFile, address: str, pin: str | None, fetching: Fetching, watcher: DownloadWatcher
) -> Fetched | None:
    """Convert what the user has put there; None if it is bad, and was set aside.

    Raises:
        CheckpointError: It is bad, and there is nothing else to take.
    """
    brought = target.brought_path
    try:
        return _download(target, brought.absolute().as_uri(), pin, fetching, watcher)
    except (CheckpointError, DownloadError) as exc:
        if local_path(address) == brought.absolute():
            raise CheckpointError(f"{exc}; delete {brought}, or put a whole one there") from exc
        remove_partial(target)
        aside = target.corrupt_download_path
        if aside.exists():  # the copy that was just verified, or one like it
            brought.unlink()
        else:
            brought.rename(aside)
        watcher.says(f"{brought} is not usable ({exc}); it is kept aside as {aside}; downloading")
        return None


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
        converted = convert_download(target) if target.is_converted else None
    except CheckpointError as exc:
        became = set_partial_aside(target)
        raise CheckpointError(
            f"what {shown(address)} sent is not usable: {exc}; it is {became}; try again, or "
            "another --mirror"
        ) from exc
    watcher.check()
    if target.is_here and not fetching.force:
        watcher.says(f"what was here is {set_aside(target)}")
    target.record_path.unlink(missing_ok=True)  # of the file that is replaced
    (converted or target.partial_path).replace(target.path)
    sync_folder(target.folder)
    if converted:
        target.partial_path.unlink()
        write_record(target, file_sha256(target.path), sha256)
    else:
        write_record(target, sha256)
    target.origin_path.unlink(missing_ok=True)
    return Fetched(downloaded - begun, time.monotonic() - downloaded)


@contextmanager
def _written(target: WeightsFile) -> Iterator[None]:
    """Translate the system's errors on the way into the folder."""
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
