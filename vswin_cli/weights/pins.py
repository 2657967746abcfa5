"""SHA-256 sums: pinned by users, or recorded when a file was first verified.

The release page publishes none. A record is a small file next to each weights file, in the format
of sha256sum, so that processes share no file and `sha256sum -c` can read it. Its modification time
is set to that of the weights file: while both are equal, the file is unchanged since verification.
"""

import os
import re
from contextlib import suppress
from pathlib import Path

from vswin_cli.errors import UsageError
from vswin_cli.system.files import read_small, replacing, share
from vswin_cli.weights.cache import WeightsFile, locked_if_free

SUMS_VARIABLE = "VSWIN_SHA256SUMS"

_MAX_RECORD_BYTES = 10_000
_MAX_SUMS_BYTES = 10_000_000
_SUM = re.compile(r"[0-9a-fA-F]{64}")
_LINE = re.compile(r"\\?(?P<sum>[0-9a-fA-F]{64}) [ *]?(?P<name>\S.*)")
_BSD_LINE = re.compile(r"SHA256 \((?P<name>.+)\) = (?P<sum>[0-9a-fA-F]{64})")


def parse_sha256(text: str) -> str:
    """Return a SHA-256 in lower case.

    Raises:
        UsageError: The text is not 64 hexadecimal digits.
    """
    if not _SUM.fullmatch(text.strip()):
        raise UsageError(f"{text!r} is not a SHA-256: give its 64 hexadecimal digits")
    return text.strip().lower()


def pinned_sha256(target: WeightsFile) -> str | None:
    """Look a file up in the sums that VSWIN_SHA256SUMS names, by its published name.

    Raises:
        UsageError: The file of sums cannot be read, or gives two sums for this file.
    """
    variable = os.environ.get(SUMS_VARIABLE)
    if not variable:
        return None
    sums = {sha256 for name, sha256 in _read_sums(Path(variable)) if name == target.published.name}
    if len(sums) > 1:
        raise UsageError(
            f"{SUMS_VARIABLE}={variable} gives {target.published.name} {len(sums)} different sums"
        )
    return sums.pop() if sums else None


def demanded_sha256(target: WeightsFile, given: str | None) -> str | None:
    """Return the required SHA-256 of a file: `given`, else the one in VSWIN_SHA256SUMS, if any.

    Raises:
        UsageError: As for `pinned_sha256`, or both exist and differ.
    """
    listed = pinned_sha256(target)
    if given is not None and listed not in {None, given}:
        raise UsageError(
            f"--sha256 {given} contradicts {SUMS_VARIABLE}, which has {listed} for "
            f"{target.published.name}; remove one of them"
        )
    return given or listed


def _read_sums(path: Path) -> list[tuple[str, str]]:
    try:
        lines = read_small(path, _MAX_SUMS_BYTES).decode("utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as exc:
        reason = exc.strerror if isinstance(exc, OSError) else "not text"
        raise UsageError(f"cannot read {SUMS_VARIABLE}={path}: {reason}") from exc
    sums = []
    for number, line in enumerate(map(str.strip, lines), start=1):
        if not line or line.startswith("#"):
            continue
        match = _LINE.fullmatch(line) or _BSD_LINE.fullmatch(line)
        if match is None:
            raise UsageError(
                f"cannot read {SUMS_VARIABLE}={path}: line {number} is not `SHA256  FILE`, "
                "as sha256sum writes it"
            )
        name = re.split(r"[/\\]", match["name"])[-1]  # also for Windows paths
        sums.append((name, match["sum"].lower()))
    return sums


def read_record(target: WeightsFile) -> str | None:
    """Return the SHA-256 that was recorded when the file was first verified, if it was."""
    sums = _recorded(target)
    return sums[0] if sums else None


def read_published_record(target: WeightsFile) -> str | None:
    """Return the recorded SHA-256 of the published file, to compare with a pin."""
    sums = _recorded(target)
    if target.is_converted:
        return sums[1] if len(sums) > 1 else None
    return sums[0] if sums else None


def _recorded(target: WeightsFile) -> list[str]:
    """Read the sums in the record: of the file, and of the file that it was converted from."""
    try:
        lines = read_small(target.record_path, _MAX_RECORD_BYTES).decode().strip().splitlines()
    except (OSError, UnicodeDecodeError):
        return []
    matches = [_LINE.fullmatch(line.strip()) for line in lines]
    if len(lines) > 1 + target.is_converted or None in matches:
        return []
    return [match["sum"].lower() for match in matches if match]


def is_as_recorded(target: WeightsFile) -> bool:
    """Whether a file is the one whose SHA-256 was recorded, without reading it."""
    try:
        same = target.path.stat().st_mtime_ns == target.record_path.stat().st_mtime_ns
    except OSError:
        return False
    return same and read_record(target) is not None


def record_if_unchanged(target: WeightsFile, sha256: str, before: os.stat_result) -> bool:
    """Record the SHA-256 of a file that was verified without its lock.

    Args:
        target: The file.
        sha256: Its SHA-256.
        before: Its status when verification began.

    Returns:
        Whether the record now has this SHA-256; False in a read-only cache, or if another process
        may be replacing the file.
    """
    if read_record(target) == sha256 and is_as_recorded(target):
        return True
    with locked_if_free(target) as is_held, suppress(FileNotFoundError):
        if is_held and _identity(target.path.stat()) == _identity(before):
            write_record(target, sha256)
    return read_record(target) == sha256


def write_record(target: WeightsFile, sha256: str, published_sha256: str | None = None) -> None:
    """Record the SHA-256 of a file that was just verified; the caller must hold its lock.

    Args:
        target: The file.
        sha256: Its SHA-256.
        published_sha256: SHA-256 of the file that it was converted from; None keeps the record.
    """
    text = f"{sha256}  {target.path.name}\n"
    if target.is_converted and (sum_ := published_sha256 or read_published_record(target)):
        text += f"{sum_}  {target.published.name}\n"
    with suppress(OSError), replacing(target.record_path) as record:  # a cache may be read-only
        record.write_text(text, encoding="utf-8")
        modified_ns = target.path.stat().st_mtime_ns
        os.utime(record, ns=(modified_ns, modified_ns))
        share(record)


def _identity(status: os.stat_result) -> tuple[int, ...]:
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns
