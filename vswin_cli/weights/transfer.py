"""Bring a file from a source into its partial file, however often the connection breaks."""

from dataclasses import dataclass, replace
from itertools import chain

from vswin_cli.errors import DownloadError
from vswin_cli.weights.address import shown
from vswin_cli.weights.cache import WeightsFile
from vswin_cli.weights.partial import PartialFile
from vswin_cli.weights.source import (
    DownloadSource,
    RangeRefusedError,
    RemoteFile,
    Reply,
    TransientError,
)
from vswin_cli.weights.watch import DownloadWatcher

HDF5_SIGNATURE = b"\x89HDF\r\n\x1a\n"
_TORCH_SIGNATURES = (b"PK\x03\x04", b"\x80\x02")  # a zip, or a pickle

# This much is fetched again when a download continues, and compared with what is here: another file
# shows by it where the server has no validator, or does not keep to it. Twenty times this much is
# less than a hundredth of the smallest file.
OVERLAP_BYTES = 32 << 10


ROOM_BYTES = 16 << 20  # of a file beyond its numbers


@dataclass(frozen=True)
class Patience:
    """When to try again, and when to give up.

    Failures are counted since the file last grew beyond what was ever here of it: a connection
    that breaks after every few megabytes brings the file in the end, one that brings nothing, or
    next to nothing, does not go on for ever.
    """

    num_retries: int = 5
    first_delay_seconds: float = 0.5  # doubled by every further failure
    longest_delay_seconds: float = 300  # a server that wants to be left alone longer is left alone
    least_progress_bytes: int = 64 << 10  # less does not count


def transfer(
    source: DownloadSource,
    partial: PartialFile,
    target: WeightsFile,
    *,
    any_size: bool,
    patience: Patience,
    watcher: DownloadWatcher,
) -> None:
    """Complete a partial file.

    Args:
        source: Where the bytes come from.
        partial: Where they go.
        target: What the file should be.
        any_size: Take a file of another size than the published one.
        patience: How often to try.
        watcher: Hears how it goes.

    Raises:
        DownloadError: It could not be completed, or is not the file it should be.
    """
    if partial.origin and not any_size and partial.origin.num_bytes != target.published.num_bytes:
        partial.clear()  # it was begun when another sum was pinned
    failures, furthest, anew = 0, partial.num_bytes, False
    while not partial.is_complete:
        try:
            _receive(source, partial, target, anew, any_size, patience, watcher)
            anew = False
        except TransientError as exc:
            # What is here is kept until a server has sent something better.
            anew = isinstance(exc, RangeRefusedError)
            if partial.num_bytes >= furthest + patience.least_progress_bytes:
                failures, furthest = 0, partial.num_bytes
            failures += 1
            if failures > patience.num_retries:
                kept = f", {partial.num_bytes:,} bytes are kept" if partial.num_bytes else ""
                raise DownloadError(
                    f"{exc}; gave up after {patience.num_retries} retries{kept}"
                ) from exc
            backoff = patience.first_delay_seconds * 2 ** (failures - 1)
            delay = max(backoff, exc.retry_after_seconds or 0.0)
            if delay > patience.longest_delay_seconds:
                raise DownloadError(f"{exc}; it asks to retry in {delay:.0f} s") from exc
            reason = str(exc).removeprefix(f"{shown(source.address)}: ")
            watcher.says(
                f"{reason}; trying again in {delay:.1f} s "
                f"(retry {failures} of {patience.num_retries})"
            )
            watcher.pause(delay)


def _receive(
    source: DownloadSource,
    partial: PartialFile,
    target: WeightsFile,
    anew: bool,
    any_size: bool,
    patience: Patience,
    watcher: DownloadWatcher,
) -> None:
    """Append what one connection brings, or start again with it.

    That may be the rest of the file, or a piece of it that the source has chosen.
    """
    name = shown(source.address)
    tail = b"" if anew else partial.tail(OVERLAP_BYTES)
    start = 0 if anew else partial.num_bytes - len(tail)
    with source.open(start, partial.origin) as reply:
        chunks = reply.chunks
        first = next(chunks, b"")
        if reply.start == 0:
            _check_size(reply, first, target, any_size, name)
            partial.begin(_with_size(reply.origin, target, any_size))
            tail = b""
        elif partial.origin is None or not partial.origin.is_confirmed_by(reply.origin):
            raise RangeRefusedError(f"{name}: the file may have changed")
        begun_at = partial.num_bytes
        watcher.starts(begun_at, partial.origin.num_bytes if partial.origin else None)
        total = partial.origin.num_bytes if partial.origin else None
        most = min(total or _most_bytes(target), _most_bytes(target))
        for chunk in chain([first], chunks):
            watcher.check()
            same, rest = chunk[: len(tail)], chunk[len(tail) :]
            if not tail.startswith(same):
                raise RangeRefusedError(f"{name}: the file has changed")
            tail = tail[len(same) :]
            if partial.num_bytes + len(rest) > most:
                raise DownloadError(f"{name}: the server sends more than {most:,} bytes")
            partial.append(rest)
            watcher.advances(partial.num_bytes)
    if total is None:  # the end of the body is all that tells where the file ends
        partial.ends_here()
    elif partial.num_bytes < total:
        is_piece = partial.num_bytes == reply.end
        if is_piece and partial.num_bytes - begun_at >= patience.least_progress_bytes:
            return
        raise TransientError(
            f"{name}: the connection broke after {partial.num_bytes:,} of {total:,} bytes"
        )


def _check_size(reply: Reply, first: bytes, target: WeightsFile, any_size: bool, name: str) -> None:
    """Refuse what cannot be the file before it is downloaded."""
    num_bytes, wanted = reply.origin.num_bytes, target.published.num_bytes
    signatures = _TORCH_SIGNATURES if target.is_converted else (HDF5_SIGNATURE,)
    is_weights = any(first.startswith(signature[: len(first)]) for signature in signatures)
    is_html = "html" in (reply.content_type or "")
    if not is_weights and first and (is_html or num_bytes is None):
        known = "a file of PyTorch" if target.is_converted else "HDF5"
        kind = (
            "an HTML page, a login or error page?" if is_html else f"something that is not {known}"
        )
        raise DownloadError(f"{name}: the server sends {kind} instead of the file")
    if num_bytes is None or num_bytes == wanted:
        return
    if not any_size:
        raise DownloadError(
            f"{name}: it has {num_bytes:,} bytes, the published file has {wanted:,}; if your "
            "mirror has another file, pin it with --sha256 or VSWIN_SHA256SUMS"
        )
    if num_bytes > _most_bytes(target):
        raise DownloadError(
            f"{name}: it has {num_bytes:,} bytes, more than any file of this model; the published "
            f"one has {wanted:,}"
        )


def _most_bytes(target: WeightsFile) -> int:
    """Bound the size of a mirror's file: the same numbers of 64 bits, and some room for names."""
    return 2 * target.published.num_bytes + ROOM_BYTES


def _with_size(origin: RemoteFile, target: WeightsFile, any_size: bool) -> RemoteFile:
    if origin.num_bytes is None and not any_size:
        return replace(origin, num_bytes=target.published.num_bytes)
    return origin
