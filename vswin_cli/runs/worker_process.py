"""The parent's end of a decoding process: start it, ask it, hear it, kill it."""

import os
import pickle
import signal
import subprocess
import sys
from contextlib import suppress
from multiprocessing.connection import Pipe
from time import monotonic

from vswin_cli.runs.finding import Found
from vswin_cli.runs.worker import Answer, Decoding

START_SECONDS = 120.0  # for a worker's imports, on a busy machine
_SERVE = "import sys; from vswin_cli.runs.worker import serve; serve(*map(int, sys.argv[1:]))"


class WorkerProcess:
    """The parent's end of one decoding process."""

    def __init__(self, decoding: Decoding) -> None:
        self.connection, theirs = Pipe()
        with theirs:
            self._process = subprocess.Popen(
                # -P: a folder of videos is no place to import from
                [sys.executable, "-P", "-c", _SERVE, str(theirs.fileno()), str(os.getpid())],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,  # decoders write there what is in the records anyway
                pass_fds=[theirs.fileno()],
                process_group=0,  # Ctrl-C is for the parent alone
                env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            )
        self.connection.send_bytes(pickle.dumps(decoding))
        self.found: Found | None = None
        self.is_ready = False
        self.has_answered = False
        self.since = monotonic()
        self.deadline = self.since + START_SECONDS

    def ask(self, found: Found, timeout_seconds: float) -> None:
        """Hand over a video; the time until the worker has started does not count."""
        self.found = found
        self.has_answered = False
        if self.is_ready:
            self.begin(timeout_seconds)
        with suppress(OSError):  # it has died; the end of its socket tells
            self.connection.send_bytes(os.fsencode(found.path))

    def begin(self, timeout_seconds: float) -> None:
        """Note that the worker starts on its video now."""
        self.is_ready = True
        self.since = monotonic()
        self.deadline = self.since + timeout_seconds

    def receive(self) -> Answer:
        """Take what the worker made of its video.

        Raises:
            EOFError, OSError: It has died.
        """
        answer: Answer = pickle.loads(self.connection.recv_bytes())
        return answer

    def is_alive(self) -> bool:
        """Whether the process still runs; to be asked of one that has nothing to say."""
        return self._process.poll() is None and not self.connection.poll()

    def kill(self) -> int:
        """End it, and return its exit code, negative for a signal."""
        self._process.kill()
        self.connection.close()
        return self._process.wait()


def how_it_ended(exit_code: int) -> str:
    """Say in words what an exit code means."""
    if exit_code >= 0:
        return f"exited with code {exit_code}"
    return f"was ended by {signal.Signals(-exit_code).name}"
