"""The parent's end of a decoding process, with the deadline of its video."""

import pickle
from time import monotonic

from vswin_cli.runs.serving import START_SECONDS, ServingProcess
from vswin_cli.runs.videos import Found
from vswin_cli.runs.worker import Decoding, Request

_SERVE = "import sys; from vswin_cli.runs.worker import serve; serve(*sys.argv[1:])"


class WorkerProcess(ServingProcess):
    """The parent's end of one decoding process.

    Args:
        decoding: How it decodes.
        memory_bytes: Memory limit for decoding.

    Raises:
        BackendError: The process does not start.
    """

    def __init__(self, decoding: Decoding, memory_bytes: int) -> None:
        super().__init__(_SERVE, memory_bytes)
        self.send(pickle.dumps(decoding))
        self.found: Found | None = None
        self.has_answered = False
        self.since = monotonic()
        self.deadline = self.since + START_SECONDS

    def ask(self, found: Found, timeout_seconds: float) -> None:
        """Send a video; the time until the worker has started does not count."""
        self.found = found
        self.has_answered = False
        if self.is_ready:
            self.begin(timeout_seconds)
        self.send(Request(found.path, found.segment).pack())

    def begin(self, timeout_seconds: float) -> None:
        """Start the deadline: the worker begins its video now."""
        self.is_ready = True
        self.since = monotonic()
        self.deadline = self.since + timeout_seconds
