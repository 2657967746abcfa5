"""A temporary folder next to a path, for unfinished files; one process at a time has it."""

import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import FileIO
from pathlib import Path

from vswin_cli.system.files import open_alone, temporary_path
from vswin_cli.system.platform import REPLACES_OPEN_FILES

_POLL_SECONDS = 0.05
NAMING = threading.Lock()  # held while files that belong together get their names
_lent: set[Path] = set()


def remove_lent() -> None:
    """Remove the folders of this process before it exits immediately."""
    with NAMING:
        for place in tuple(_lent):
            shutil.rmtree(place, ignore_errors=True)


@contextmanager
def lent_folder(path: Path, *, wait_seconds: float = 0) -> Iterator[Path]:
    """Lend an empty folder next to a path to one process at a time.

    Leftovers of a killed process are removed.

    Args:
        path: Path that is written to.
        wait_seconds: How long to wait for another process.

    Raises:
        BlockingIOError: Another process has the folder.
        OSError: The folder cannot be made.
    """
    place = temporary_path(path)
    folder, lock = place / "files", place / "lock"
    file = _locked(place, lock, path, time.monotonic() + wait_seconds)
    _lent.add(place)
    try:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        yield folder
    finally:
        _lent.discard(place)
        shutil.rmtree(folder, ignore_errors=True)
        if not REPLACES_OPEN_FILES:  # nor removes them
            file.close()
        with suppress(OSError):  # the next process may be faster
            lock.unlink()
            place.rmdir()
        file.close()


def _locked(place: Path, lock: Path, path: Path, deadline: float) -> FileIO:
    while True:
        if place.is_symlink() or place.is_file():
            place.unlink()
        with suppress(FileExistsError):
            place.mkdir()
        try:
            return open_alone(lock)
        except FileNotFoundError:  # the process before has just removed the folder
            continue
        except BlockingIOError as exc:
            if time.monotonic() > deadline:
                reason = "another process writes to it; wait for it"
                raise BlockingIOError(exc.errno, reason, str(path)) from None
        time.sleep(_POLL_SECONDS)
