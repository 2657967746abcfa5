"""The parent's end of a decoding process: start it, ask it, hear it, kill it."""

import errno
import os
import socket
import subprocess
import sys
from contextlib import suppress
from multiprocessing.connection import Connection, wait
from time import monotonic

from vswin_cli.errors import BackendError
from vswin_cli.runs.shared_memory import pack, unpack
from vswin_cli.runs.videos import Found
from vswin_cli.runs.worker import READY, Decoding, Reply, Request

START_SECONDS = 120.0  # for a worker's imports, on a busy machine
_SERVE = "import sys; from vswin_cli.runs.worker import serve; serve(*map(int, sys.argv[1:]))"


class WorkerProcess:
    """The parent's end of one decoding process.

    Args:
        decoding: How it decodes.
        memory_bytes: That decoding may take.

    Raises:
        BackendError: The system starts no process.
    """

    def __init__(self, decoding: Decoding, memory_bytes: int) -> None:
        try:
            mine, theirs = socket.socketpair()
        except OSError as exc:
            raise _not_started(exc) from exc
        with theirs:
            self.connection = mine
            try:
                packed = pack(decoding)
                numbers = (theirs.fileno(), os.getpid(), packed, memory_bytes)
                self._process = subprocess.Popen(
                    # -P: a folder of videos is no place to import from
                    [sys.executable, "-P", "-c", _SERVE, *map(str, numbers)],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,  # decoders write there what is in the records anyway
                    pass_fds=[theirs.fileno(), packed],
                    process_group=0,  # Ctrl-C is for the parent alone
                    env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
                )
                os.close(packed)
                self._requests = Connection(os.dup(mine.fileno()))
            except OSError as exc:
                mine.close()
                raise _not_started(exc) from exc
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
            self._requests.send_bytes(Request(found.path, found.segment).pack())

    def begin(self, timeout_seconds: float) -> None:
        """Note that the worker starts on its video now."""
        self.is_ready = True
        self.since = monotonic()
        self.deadline = self.since + timeout_seconds

    def receive(self) -> Reply | None:
        """Take what the worker made of its video, or None where it says that it is ready.

        To be called of one that has something to say; then it waits for nothing.

        Raises:
            EOFError, OSError: It has died.
            BackendError: This process may open no more files.
        """
        message, descriptors, _, _ = socket.recv_fds(self.connection, 1, 1, socket.MSG_DONTWAIT)
        if not message:
            raise EOFError
        if message == READY:
            return None
        if not descriptors:
            raise _not_started(OSError(errno.EMFILE, os.strerror(errno.EMFILE)))
        reply: Reply = unpack(descriptors[0])
        return reply

    def is_alive(self) -> bool:
        """Whether the process still runs; to be asked of one that has nothing to say."""
        return self._process.poll() is None and not wait([self.connection], 0)

    def kill(self) -> int:
        """End it, and return its exit code, negative for a signal."""
        self._process.kill()
        self._requests.close()
        self.connection.close()
        return self._process.wait()


def _not_started(exc: OSError) -> BackendError:
    advice = ""
    if exc.errno in (errno.EMFILE, errno.ENFILE):
        advice = "; raise the number of open files (`ulimit -n`), or take fewer --workers"
    return BackendError(f"cannot start a decoding process: {exc.strerror}{advice}")
