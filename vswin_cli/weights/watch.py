"""The events of a download, and how to stop it."""

import logging
import threading

_log = logging.getLogger(__name__)


class DownloadWatcher:
    """Gets the events of a download, and logs why it is waiting; subclasses show more.

    Args:
        stopped: An event; setting it ends the download soon and keeps the partial file.
    """

    def __init__(self, stopped: threading.Event | None = None) -> None:
        self._stopped = stopped or threading.Event()

    def starts(self, num_bytes: int, total_bytes: int | None) -> None:
        """The download starts, with `num_bytes` of `total_bytes` done."""

    def advances(self, num_bytes: int) -> None:
        """Now `num_bytes` of the file are done."""

    def says(self, text: str) -> None:
        """The download does not advance; `text` is the reason in one line."""
        _log.warning("%s", text)

    def is_stopped(self) -> bool:
        """Whether the download should end."""
        return self._stopped.is_set()

    def check(self) -> None:
        """Raise KeyboardInterrupt if the download should end."""
        if self.is_stopped():
            raise KeyboardInterrupt

    def pause(self, seconds: float) -> None:
        """Wait, unless the download should end."""
        if self._stopped.wait(seconds):
            raise KeyboardInterrupt
