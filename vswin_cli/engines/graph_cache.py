"""The folder of exported graphs: entries are complete, checked before use, and limited in size.

An entry is a folder with a graph, its constants and the SHA-256 of both.
"""

import json
import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from time import time
from uuid import uuid4

from vswin_cli.errors import UsageError
from vswin_cli.system.cache_folder import cache_folder
from vswin_cli.system.files import file_sha256, read_small, share, sync_file

LIMIT_VARIABLE = "VSWIN_CACHE_LIMIT_GB"
_DEFAULT_LIMIT_GB = 5.0
GRAPH = "model.xml"
CONSTANTS = "model.bin"
DIGESTS = "digests.json"
_MAX_DIGESTS_BYTES = 10_000
_UNFINISHED = ".new-"  # prefix of a folder that is being written
_ABANDONED_SECONDS = 86_400


def graph_folder(cache_dir: Path | None) -> Path:
    """Name the folder of exported graphs, inside the folder of weights files."""
    return cache_folder(cache_dir) / "graphs"


def graph_limit_bytes() -> int:
    """Read the size limit of the folder.

    Raises:
        UsageError: VSWIN_CACHE_LIMIT_GB is not a number of at least 0.
    """
    value = os.environ.get(LIMIT_VARIABLE) or str(_DEFAULT_LIMIT_GB)
    try:
        limit_bytes = int(float(value) * 1e9)
    except (ValueError, OverflowError):
        limit_bytes = -1
    if limit_bytes < 0:
        raise UsageError(f"{LIMIT_VARIABLE}={value} is not a number of gigabytes; try 5")
    return limit_bytes


def is_whole(entry: Path) -> bool:
    """Whether an entry exists and is undamaged; if so, mark it as just used."""
    try:
        whole = bool(json.loads(read_small(entry / DIGESTS, _MAX_DIGESTS_BYTES)) == _digests(entry))
    except (OSError, ValueError):
        return False
    if whole and os.access(entry, os.W_OK):
        os.utime(entry)
    return whole


def store(entry: Path, write: Callable[[Path, Path], None]) -> None:
    """Add an entry, or replace a damaged one.

    Args:
        entry: Its folder.
        write: Writes the graph and the constants to two paths.
    """
    if not entry.parent.is_dir():
        entry.parent.mkdir(parents=True, exist_ok=True)
        share(entry.parent)
    folder = entry.parent / f"{_UNFINISHED}{uuid4().hex}"
    folder.mkdir()
    try:
        write(folder / GRAPH, folder / CONSTANTS)
        (folder / DIGESTS).write_text(json.dumps(_digests(folder)))
        share(folder)
        for file in folder.iterdir():
            share(file)
            sync_file(file)
        try:
            folder.rename(entry)
        except OSError:  # an entry exists
            if is_whole(entry):
                return  # another run was faster
            _remove(entry)
            folder.rename(entry)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def entries(cache_folder: Path) -> list[tuple[Path, int]]:
    """List the entries, least recently used first, with their sizes in bytes."""
    found = []
    for folder in cache_folder.iterdir() if cache_folder.is_dir() else ():
        with suppress(FileNotFoundError):  # another process removes it
            if (folder / DIGESTS).is_file():
                num_bytes = sum(file.stat().st_size for file in folder.iterdir())
                found.append((folder.stat().st_mtime, folder, num_bytes))
    return [(folder, num_bytes) for _, folder, num_bytes in sorted(found)]


def prune(cache_folder: Path, limit_bytes: int, keep: Path) -> None:
    """Remove the least recently used entries until the rest is within the limit.

    Leftovers of killed runs are removed too, after a day.
    """
    for folder in cache_folder.glob(f"{_UNFINISHED}*"):
        if folder.stat().st_mtime < time() - _ABANDONED_SECONDS:
            _remove(folder)
    kept = entries(cache_folder)
    total = sum(num_bytes for _, num_bytes in kept)
    for folder, num_bytes in kept:
        if total > limit_bytes and folder != keep:
            _remove(folder)
            total -= num_bytes


def clear(cache_folder: Path) -> int:
    """Remove all entries and leftovers of killed runs; return the freed bytes."""
    freed = sum(num_bytes for _, num_bytes in entries(cache_folder))
    for folder, _ in entries(cache_folder):
        _remove(folder)
    for folder in cache_folder.glob(f"{_UNFINISHED}*"):
        freed += sum(file.stat().st_size for file in folder.iterdir())
        _remove(folder)
    return freed


def _digests(folder: Path) -> dict[str, str]:
    return {name: file_sha256(folder / name) for name in (GRAPH, CONSTANTS)}


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()
