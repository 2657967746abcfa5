"""A process that serves this one: the parent's end, and how the other end begins."""

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

START_SECONDS = 120.0  # for a worker's imports, on a busy machine
_TOO_MANY = (errno.EMFILE, errno.ENFILE)  # open files


class ServingProcess:
    """The parent's end of one process.

    Args:
        serve: Code that serves; its arguments are those of `begin_serving`, after the next one.
        memory_bytes: That serving may take.

    Raises:
        BackendError: The system starts no process.
    """

    def __init__(self, serve: str, memory_bytes: int) -> None:
        try:
            self._channel = open_channel()
        except OSError as exc:
            raise _not_started(exc) from exc
        words = [str(memory_bytes), str(os.getpid()), *self._channel.words]
        try:
            self._process = subprocess.Popen(
                # -P: a folder of videos is no place to import from
                [sys.executable, "-P", "-c", serve, *words],
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
        self.is_ready = False

    def send(self, content: bytes) -> None:
        """Send something short; if the process has died, the end of its connection tells."""
        with suppress(OSError):
            self._channel.send(content)

    def receive(self) -> Any:  # noqa: ANN401 - whatever was sent
        """Take what the process has sent, or None where it says that it is ready.

        To be called of one that has something to say; then it waits for nothing.

        Raises:
            EOFError, OSError: It has died.
            BackendError: This process may open no more files.
        """
        try:
            return self._channel.receive()
        except OSError as exc:
            if exc.errno in _TOO_MANY:
                raise _not_started(exc) from exc
            raise

    def is_alive(self) -> bool:
        """Whether the process still runs; to be asked of one that has nothing to say."""
        return self._process.poll() is None and not wait([self.connection], 0)

    def kill(self) -> int:
        """End it, and return its exit code, negative for a signal."""
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
        """Ask of a process that takes too long whether it is ready.

        Raises:
            BackendError: It is not, after `START_SECONDS`.
        """
        if not self.is_ready:
            raise BackendError(f"a decoding process does not start within {START_SECONDS:.0f} s")


def begin_serving(parent: str, *words: str) -> WorkerEnd:
    """Be a process that serves: stop with its parent and not by Ctrl-C, and find its connection.

    Args:
        parent: Process id of who asks.
        words: What `worker_end` takes.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # stopping is the parent's decision
    end_with(int(parent))
    return worker_end(*words)


def read_ahead(channel: WorkerEnd) -> SimpleQueue[bytes]:
    """Take what the parent sends in a thread, so that its end is noticed while a decoder hangs."""
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
    """Say of whatever a decoder has raised why a video cannot be read.

    Args:
        error: What it was.
        path: The video's, or its address.
        memory_bytes: That decoding may take.
    """
    if isinstance(error, VideoError):
        return error
    what = f"cannot read {without_credentials(path)}"
    if isinstance(error, MemoryError):
        gigabytes = memory_bytes / 1e9
        return VideoError(f"{what}: to decode it takes more than {gigabytes:.1f} GB of memory")
    return VideoError(f"{what}: {type(error).__name__}: {error}")


class Notes(logging.Handler):
    """Keeps the log lines of the video in hand."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self._lines: list[str] = []
        logger = logging.getLogger("vswin_cli")
        logger.setLevel(logging.INFO)
        logger.addHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        """Keep one."""
        self._lines.append(record.getMessage())

    def taken(self) -> tuple[str, ...]:
        """Hand the lines over, and forget them."""
        lines, self._lines = tuple(self._lines), []
        return lines


def _not_started(exc: OSError) -> BackendError:
    advice = ""
    if exc.errno in _TOO_MANY:
        advice = "; raise the number of open files (`ulimit -n`), or take fewer --workers"
    return BackendError(f"cannot start a decoding process: {exc.strerror}{advice}")
