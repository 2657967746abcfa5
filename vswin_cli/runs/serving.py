"""A process that serves this one: the parent's end, and the start of the other end."""

import errno
import logging
import os
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from multiprocessing.connection import wait
from queue import SimpleQueue
from typing import Any

from vswin_cli.errors import BackendError, VideoError
from vswin_cli.runs.channels import WorkerEnd, open_channel, worker_end
from vswin_cli.sources.addresses import without_credentials
from vswin_cli.system.platform import away_from_terminal, end_with, how_it_ended

START_SECONDS = 120.0  # enough for the imports of a worker on a busy machine
_TOO_MANY = (errno.EMFILE, errno.ENFILE)  # open files


class ServingProcess:
    """The parent's end of one process.

    Args:
        serve: Code that serves; its arguments are `memory_bytes` and those of `begin_serving`.
        memory_bytes: Memory limit of the process.

    Raises:
        BackendError: The process does not start.
    """

    def __init__(self, serve: str, memory_bytes: int) -> None:
        try:
            self._channel = open_channel()
        except OSError as exc:
            raise _not_started(exc) from exc
        words = [str(memory_bytes), str(os.getpid()), *self._channel.words]
        try:
            self._process = subprocess.Popen(
                # -P: never import from a folder of videos
                [sys.executable, "-P", "-c", serve, *words],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,  # decoders print there what is already in the records
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
        self.is_ready = False

    def send(self, content: bytes) -> None:
        """Send a short message; if the process has died, its closed connection reports that."""
        with suppress(OSError):
            self._channel.send(content)

    def receive(self) -> Any:  # noqa: ANN401 - whatever was sent
        """Receive a value from the process, or None when it reports that it is ready.

        Call it only when a message is there; then it does not wait.

        Raises:
            EOFError, OSError: The process has died.
            BackendError: This process cannot open more files.
        """
        try:
            return self._channel.receive()
        except OSError as exc:
            if exc.errno in _TOO_MANY:
                raise _not_started(exc) from exc
            raise

    def is_alive(self) -> bool:
        """Whether the process still runs; call it only when no message is there."""
        return self._process.poll() is None and not wait([self.connection], 0)

    def kill(self) -> int:
        """End the process and return its exit code, which is negative for a signal."""
        self._process.kill()
        exit_code = self._process.wait()
        self._channel.close()
        return exit_code

    def bury(self) -> str:
        """Clear up after it has died, and say how it ended.

        Raises:
            BackendError: It has never been ready.
        """
        how = how_it_ended(self.kill())
        if not self.is_ready:
            raise BackendError(f"a decoding process does not start: it {how}")
        return how

    def demand_ready(self) -> None:
        """Check whether a process that takes long is ready.

        Raises:
            BackendError: It is not ready after `START_SECONDS`.
        """
        if not self.is_ready:
            raise BackendError(f"a decoding process does not start within {START_SECONDS:.0f} s")


def begin_serving(parent: str, *words: str) -> WorkerEnd:
    """Set up a serving process: it ends with its parent, ignores Ctrl-C and finds its connection.

    Args:
        parent: ID of the parent process.
        words: Arguments of `worker_end`.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides when to stop
    end_with(int(parent))
    return worker_end(*words)


def read_ahead(channel: WorkerEnd) -> SimpleQueue[bytes]:
    """Receive messages in a thread, to notice the end of the parent while a decoder hangs."""
    taken = SimpleQueue[bytes]()

    def take() -> None:
        try:
            while True:
                taken.put(channel.receive())
        except (EOFError, OSError):
            os._exit(0)

    threading.Thread(target=take, daemon=True).start()
    return taken


def as_video_error(error: Exception, path: str, memory_bytes: int) -> VideoError:
    """Turn any error of a decoder into a `VideoError`.

    Args:
        error: The error.
        path: Path or address of the video.
        memory_bytes: Memory limit for decoding.
    """
    if isinstance(error, VideoError):
        return error
    what = f"cannot read {without_credentials(path)}"
    if isinstance(error, MemoryError):
        gigabytes = memory_bytes / 1e9
        return VideoError(f"{what}: decoding it takes more than {gigabytes:.1f} GB of memory")
    return VideoError(f"{what}: {type(error).__name__}: {error}")


class Notes(logging.Handler):
    """Keeps the log lines of the current video."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self._lines: list[str] = []
        logger = logging.getLogger("vswin_cli")
        logger.setLevel(logging.INFO)
        logger.addHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a line."""
        self._lines.append(record.getMessage())

    def taken(self) -> tuple[str, ...]:
        """Return the lines and clear them."""
        lines, self._lines = tuple(self._lines), []
        return lines


def _not_started(exc: OSError) -> BackendError:
    advice = ""
    if exc.errno in _TOO_MANY:
        advice = "; raise the limit of open files (`ulimit -n`), or use fewer --workers"
    return BackendError(f"cannot start a decoding process: {exc.strerror}{advice}")
