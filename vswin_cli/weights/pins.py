"""SHA-256 sums: those that users demand, and those recorded when a file first verified.

The release page publishes none. A record is one small file beside each weights file, in the format
of sha256sum, so that processes do not contend for a common one and `sha256sum -c` reads it.
"""

import contextlib
import hashlib
import os
import re
from pathlib import Path

from vswin_cli.errors import UsageError
from vswin_cli.weights.cache import WeightsFile

SUMS_VARIABLE = "VSWIN_SHA256SUMS"

_SUM = re.compile(r"[0-9a-fA-F]{64}")
_LINE = re.compile(r"\\?(?P<sum>[0-9a-fA-F]{64}) [ *](?P<name>.+)")
_BSD_LINE = re.compile(r"SHA256 \((?P<name>.+)\) = (?P<sum>[0-9a-fA-F]{64})")


def parse_sha256(text: str) -> str:
    """Return a SHA-256 in lower case.

    Raises:
        UsageError: It is not 64 hexadecimal digits.
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


def _read_sums(path: Path) -> list[tuple[str, str]]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
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
        sums.append((match["name"].rpartition("/")[2], match["sum"].lower()))
    return sums


def file_sha256(path: Path) -> str:
    """Compute a file's SHA-256, in constant memory."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def read_record(target: WeightsFile) -> str | None:
    """Return the SHA-256 that was recorded when the file first verified, if it was."""
    try:
        match = _LINE.fullmatch(target.record_path.read_text(encoding="utf-8").strip())
    except (OSError, UnicodeDecodeError):
        return None
    return match["sum"].lower() if match else None


def write_record(target: WeightsFile, sha256: str) -> None:
    """Record the SHA-256 of a verified file, where the folder can be written to."""
    if read_record(target) == sha256:
        return
    temporary = target.record_path.with_name(f"{target.record_path.name}.{os.getpid()}")
    try:
        temporary.write_text(f"{sha256}  {target.published.name}\n", encoding="utf-8")
        temporary.replace(target.record_path)
    except OSError:  # a read-only cache works without a record
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
