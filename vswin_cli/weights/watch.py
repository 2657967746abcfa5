"""What a download tells the one who waits for it, and how it is told to stop."""

import logging
import threading

_log = logging.getLogger(__name__)


class DownloadWatcher:
    """Hears all, and tells the log why it does not advance: the base of those that show more.

    Args:
        stopped: Set from another thread, it ends the download soon, with its partial file kept.
    """

    def __init__(self, stopped: threading.Event | None = None) -> None:
        self._stopped = stopped or threading.Event()

    def starts(self, num_bytes: int, total_bytes: int | None) -> None:
        """Hear that `num_bytes` of `total_bytes` are here, and that the rest is on its way."""

    def advances(self, num_bytes: int) -> None:
        """Hear that `num_bytes` of the file are here."""

    def says(self, text: str) -> None:
        """Hear why it does not advance, in one line."""
        _log.warning("%s", text)

    def is_stopped(self) -> bool:
        """Tell whether the download should end."""
        return self._stopped.is_set()

    def check(self) -> None:
        """Raise KeyboardInterrupt if the download should end."""
        if self.is_stopped():
            raise KeyboardInterrupt

    def pause(self, seconds: float) -> None:
        """Wait, unless the download should end."""
        if self._stopped.wait(seconds):
            raise KeyboardInterrupt
