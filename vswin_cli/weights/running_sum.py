"""The SHA-256 of a file as it grows, computed while the next chunk is on its way."""

import hashlib
from concurrent.futures import Future, ThreadPoolExecutor


class RunningSum:
    """A SHA-256, computed in a thread of its own, one chunk behind its caller."""

    def __init__(self) -> None:
        self._sum = hashlib.sha256()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="sha256")
        self._last: Future[None] | None = None

    def update(self, chunk: bytes) -> None:
        """Add a chunk; returns at once if the one before is done."""
        self._wait()
        self._last = self._thread.submit(self._sum.update, chunk)

    def clear(self) -> None:
        """Begin anew."""
        self._wait()
        self._sum = hashlib.sha256()

    def hexdigest(self) -> str:
        """Return the SHA-256 of all chunks so far."""
        self._wait()
        return self._sum.hexdigest()

    def close(self) -> None:
        """End the thread."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _wait(self) -> None:
        if self._last is not None:
            self._last.result()
            self._last = None
