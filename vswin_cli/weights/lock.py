"""One process at a time downloads a file; the lock of a killed one is gone with it."""

from collections.abc import Iterator
from contextlib import contextmanager

from filelock import Timeout

from vswin_cli.system.files import file_lock
from vswin_cli.weights.cache import WeightsFile
from vswin_cli.weights.watch import DownloadWatcher


@contextmanager
def locked_if_free(target: WeightsFile) -> Iterator[bool]:
    """Hold the lock of a file; False where another process does, or the folder is read-only."""
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
    """Hold the lock of a file, waiting until whoever holds it has finished.

    Raises:
        OSError: The folder cannot be written to.
    """
    lock = file_lock(target.lock_path)
    try:
        lock.acquire(blocking=False)
    except Timeout:
        watcher.says(f"waiting for another process that downloads {target.published.name}")
        try:
            lock.acquire(poll_interval=0.1, cancel_check=watcher.is_stopped)
        except Timeout:
            raise KeyboardInterrupt from None
    try:
        yield
    finally:
        lock.release()
