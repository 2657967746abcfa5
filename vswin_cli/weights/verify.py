"""Verifies weights files: size, SHA-256 if known, and structure."""

from dataclasses import dataclass
from itertools import chain, count
from pathlib import Path

from vswin_cli.errors import CheckpointError, WeightsError, WeightsNotFoundError
from vswin_cli.system.files import file_sha256
from vswin_cli.weights.cache import WeightsFile, locked
from vswin_cli.weights.pins import (
    is_as_recorded,
    read_published_record,
    read_record,
    record_if_unchanged,
)
from vswin_cli.weights.watch import DownloadWatcher


def verify(
    target: WeightsFile, path: Path | None = None, *, pin: str | None, sha256: str | None = None
) -> str:
    """Check a file completely.

    If a SHA-256 is pinned, or was recorded when the file was first verified, the file must have it,
    and may have any size.

    Args:
        target: The expected file.
        path: The file, if it does not have its final name and a record yet.
        pin: The SHA-256 that the user requires.
        sha256: The SHA-256 of the file, if known; otherwise it is computed.

    Returns:
        The SHA-256 of the file.

    Raises:
        CheckpointError: It is not the published file; the message says why.
        WeightsError: The file cannot be read.
    """
    if target.is_converted:
        return _verify_converted(target, path, pin, sha256)
    record = read_record(target) if path is None else None
    path = path or target.path
    name, wanted_bytes = target.published.name, target.published.num_bytes
    try:
        num_bytes = path.stat().st_size
        sized = f"it has {num_bytes:,} bytes, the published file has {wanted_bytes:,}"
        if num_bytes != wanted_bytes and pin is None and record is None:
            raise CheckpointError(f"{name} is not the published file: {sized}")
        sha256 = sha256 or file_sha256(path)
    except OSError as exc:
        raise WeightsError(f"cannot read weights {path}: {exc.strerror}") from exc
    if pin is not None:
        if sha256 != pin:
            raise CheckpointError(f"{name} has the SHA-256 {sha256}, but {pin} is pinned")
    elif record is not None and sha256 != record:
        how = sized if num_bytes != wanted_bytes else f"its SHA-256 is {sha256}, {record} then"
        raise CheckpointError(f"{name} has changed since it was first verified: {how}")
    try:
        _check_structure(path, target)
    except CheckpointError as exc:
        if path == target.path:
            raise
        raise CheckpointError(str(exc).replace(str(path), name)) from exc
    return sha256


def _verify_converted(
    target: WeightsFile, download: Path | None, pin: str | None, sha256: str | None
) -> str:
    """Check a file of another program by its SHA-256, or the converted file completely.

    The publisher gives only the start of the SHA-256; a pin has all of it.
    """
    path = download or target.path
    try:
        sha256 = sha256 or file_sha256(path)
    except OSError as exc:
        raise WeightsError(f"cannot read weights {path}: {exc.strerror}") from exc
    name, start = target.published.name, target.published.sha256_start
    original = sha256 if download else read_published_record(target)
    if pin is not None and original != pin:
        raise CheckpointError(
            f"{name} has the SHA-256 {original or 'unknown'}, but {pin} is pinned"
        )
    if download:
        if pin is None and not sha256.startswith(start):
            raise CheckpointError(
                f"{name} has the SHA-256 {sha256[:16]}…, but that of the published file starts "
                f"with {start}"
            )
        return sha256
    record = read_record(target)
    if record is not None and sha256 != record:
        raise CheckpointError(
            f"{path.name} has changed since it was converted: its SHA-256 is {sha256}, "
            f"{record} then"
        )
    _check_structure(path, target)
    return sha256


def _check_structure(path: Path, target: WeightsFile) -> None:
    # It imports HDF5, which a download does not need before its end.
    from vswin_cli.network.checkpoint import check_checkpoint  # noqa: PLC0415

    check_checkpoint(path, target.model.architecture, target.num_classes)


@dataclass(frozen=True)
class Verified:
    """A verified file in the cache."""

    sha256: str
    is_recorded: bool  # whether its record has this SHA-256


def verify_and_record(target: WeightsFile, *, pin: str | None) -> Verified:
    """Check a file in the cache, and record its SHA-256 if the folder is writable.

    Raises:
        CheckpointError, WeightsError: As for `verify`.
    """
    try:
        before = target.path.stat()
    except OSError as exc:
        raise WeightsError(f"cannot read weights {target.path}: {exc.strerror}") from exc
    sha256 = verify(target, pin=pin)
    return Verified(sha256, record_if_unchanged(target, sha256, before))


def check_for_use(target: WeightsFile, *, pin: str | None) -> None:
    """Check a file in the cache before using it.

    A file that has not changed since it was recorded is not read. A complete checkpoint of this
    model that is not the published file was put there by the user, and may be used.

    Raises:
        CheckpointError: The file must not be used.
        WeightsError: The file cannot be read.
    """
    if pin is None and is_as_recorded(target):
        return
    try:
        verify_and_record(target, pin=pin)
    except CheckpointError:
        if pin is not None or not _is_only_another_size(target):
            raise


def verify_again(target: WeightsFile, *, pin: str | None, watcher: DownloadWatcher) -> Verified:
    """Check a file in the cache, and rename it if it is damaged.

    A complete checkpoint of this model that is not the published file was put there by the user. It
    fails, but keeps its name, because it can be used.

    Raises:
        WeightsNotFoundError: The file is not in the cache.
        CheckpointError: It is not the published file.
        WeightsError: The file cannot be read or renamed.
    """
    if not target.is_here:
        raise WeightsNotFoundError(
            f"{target.path.name} is not in {target.folder}; `vswin download-weights` gets it"
        )
    try:
        return verify_and_record(target, pin=pin)
    except CheckpointError as exc:
        failure = exc
    try:
        with locked(target, watcher):  # check again: another process may have replaced it
            sha256 = _verify_or_set_aside(target, pin)
            return Verified(sha256, read_record(target) == sha256)
    except OSError as exc:
        raise CheckpointError(
            f"{failure}; it cannot be set aside ({exc.strerror}), so do not use it"
        ) from exc


def _verify_or_set_aside(target: WeightsFile, pin: str | None) -> str:
    try:
        return verify(target, pin=pin)
    except CheckpointError as exc:
        if pin is None and _is_only_another_size(target):
            raise CheckpointError(
                f"{exc}; it is a complete checkpoint of this model and stays in place: pin its "
                "SHA-256, or replace it with `vswin download-weights`"
            ) from exc
        raise CheckpointError(f"{exc}; {set_aside(target)}") from exc


def set_aside(target: WeightsFile) -> str:
    """Rename a file that failed, so that it is never used; nothing is overwritten.

    Returns:
        What became of it, for messages.

    Raises:
        OSError: The folder cannot be written to.
    """
    numbered = (
        target.corrupt_path.with_name(f"{target.corrupt_path.name}.{number}") for number in count(1)
    )
    free = next(path for path in chain([target.corrupt_path], numbered) if not path.exists())
    target.path.rename(free)
    target.record_path.unlink(missing_ok=True)
    return f"set aside as {free}"


def set_partial_aside(target: WeightsFile) -> str:
    """Rename a download that failed; only one is kept, because the next would be the same.

    Returns:
        What became of it, for messages.

    Raises:
        OSError: The folder cannot be written to.
    """
    target.origin_path.unlink(missing_ok=True)
    aside = target.corrupt_download_path
    if aside.exists():
        target.partial_path.unlink()
        return f"not kept, because {aside} exists"
    target.partial_path.rename(aside)
    return f"set aside as {aside}"


def _is_only_another_size(target: WeightsFile) -> bool:
    has_size = target.path.stat().st_size == target.published.num_bytes
    return not has_size and read_record(target) is None and is_sound(target)


def is_sound(target: WeightsFile) -> bool:
    """Whether a file is a complete checkpoint of this model, even if not the published one."""
    record = read_record(target)
    if record is not None and file_sha256(target.path) != record:
        return False
    try:
        _check_structure(target.path, target)
    except CheckpointError:
        return False
    return True
