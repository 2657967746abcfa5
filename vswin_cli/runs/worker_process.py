"""The parent's end of a decoding process: start it, ask it, hear it, kill it."""

import errno
import os
import pickle
import subprocess
import sys
from contextlib import suppress
from multiprocessing.connection import wait
from time import monotonic

from vswin_cli.errors import BackendError
from vswin_cli.runs.channels import open_channel
from vswin_cli.runs.videos import Found
from vswin_cli.runs.worker import Decoding, Reply, Request
from vswin_cli.system.platform import away_from_terminal

START_SECONDS = 120.0  # for a worker's imports, on a busy machine
_SERVE = "import sys; from vswin_cli.runs.worker import serve; serve(*sys.argv[1:])"
_TOO_MANY = (errno.EMFILE, errno.ENFILE)  # open files


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
            self._channel = open_channel()
        except OSError as exc:
            raise _not_started(exc) from exc
        words = [str(os.getpid()), str(memory_bytes), *self._channel.words]
        try:
            self._process = subprocess.Popen(
                # -P: a folder of videos is no place to import from
                [sys.executable, "-P", "-c", _SERVE, *words],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,  # decoders write there what is in the records anyway
                env={
                    **os.environ,
                    **self._channel.environment,
                    "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
                },
                **self._channel.options,
                **away_from_terminal(),
            )
        except OSError as exc:
            self._channel.close()
            raise _not_started(exc) from exc
        self._channel.started(self._process)
        self.connection = self._channel.connection
        with suppress(OSError):  # it has died; the end of its connection tells
            self._channel.send(pickle.dumps(decoding))
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
        with suppress(OSError):  # it has died; the end of its connection tells
            self._channel.send(Request(found.path, found.segment).pack())

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
        try:
            reply: Reply | None = self._channel.receive()
        except OSError as exc:
            if exc.errno in _TOO_MANY:
                raise _not_started(exc) from exc
            raise
        return reply

    def is_alive(self) -> bool:
        """Whether the process still runs; to be asked of one that has nothing to say."""
        return self._process.poll() is None and not wait([self.connection], 0)

    def kill(self) -> int:
        """End it, and return its exit code, negative for a signal."""
        self._process.kill()
        exit_code = self._process.wait()
        self._channel.close()
        return exit_code


def _not_started(exc: OSError) -> BackendError:
    advice = ""
    if exc.errno in _TOO_MANY:
        advice = "; raise the number of open files (`ulimit -n`), or take fewer --workers"
    return BackendError(f"cannot start a decoding process: {exc.strerror}{advice}")
