"""Transfers a file from a source into its partial file, however often the connection breaks."""

from dataclasses import dataclass, replace
from itertools import chain

from vswin_cli.errors import DownloadError
from vswin_cli.sources.addresses import without_credentials
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

# So much is fetched again when a download continues, and compared with the partial file: this shows
# a changed file where the server has no validator, or a wrong one. Twenty times as much is less
# than a hundredth of the smallest file.
OVERLAP_BYTES = 32 << 10


ROOM_BYTES = 16 << 20  # of a file beyond its numbers


@dataclass(frozen=True)
class Patience:
    """When to try again, and when to give up.

    Failures are counted since the partial file last grew: a connection that breaks after every few
    megabytes completes the file in the end; one that yields almost nothing is given up.
    """

    num_retries: int = 5
    first_delay_seconds: float = 0.5  # doubled by every further failure
    longest_delay_seconds: float = 300  # if a server asks for more, it is given up
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
        source: Source of the bytes.
        partial: File to complete.
        target: File that it should become.
        any_size: Accept a size that differs from the published one.
        patience: How often to try.
        watcher: Gets the progress.

    Raises:
        DownloadError: It could not be completed, or is another file.
    """
    if partial.origin and not any_size and partial.origin.num_bytes != target.published.num_bytes:
        partial.clear()  # it was begun when another sum was pinned
    failures, furthest, from_start = 0, partial.num_bytes, False
    while not partial.is_complete:
        try:
            _receive(source, partial, target, from_start, any_size, patience, watcher)
            from_start = False
        except TransientError as exc:
            # The partial file is kept until a server has sent the beginning again.
            from_start = isinstance(exc, RangeRefusedError)
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
                raise DownloadError(f"{exc}; the server asks to wait for {delay:.0f} s") from exc
            reason = str(exc).removeprefix(f"{without_credentials(source.address)}: ")
            watcher.says(
                f"{reason}; trying again in {delay:.1f} s "
                f"(retry {failures} of {patience.num_retries})"
            )
            watcher.pause(delay)


def _receive(
    source: DownloadSource,
    partial: PartialFile,
    target: WeightsFile,
    from_start: bool,
    any_size: bool,
    patience: Patience,
    watcher: DownloadWatcher,
) -> None:
    """Append the bytes of one connection, or start again with them.

    They may be the rest of the file, or a part of it that the source has chosen.
    """
    name = without_credentials(source.address)
    tail = b"" if from_start else partial.tail(OVERLAP_BYTES)
    start = 0 if from_start else partial.num_bytes - len(tail)
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
    """Refuse a reply that cannot be the file, before it is downloaded."""
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
    """Limit the size of a mirror's file: the same numbers in 64 bits, and room for names."""
    return 2 * target.published.num_bytes + ROOM_BYTES


def _with_size(origin: RemoteFile, target: WeightsFile, any_size: bool) -> RemoteFile:
    if origin.num_bytes is None and not any_size:
        return replace(origin, num_bytes=target.published.num_bytes)
    return origin
