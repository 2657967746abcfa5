"""Decodes films in a separate process, which may hang or crash; the model is in this one."""

import logging
import pickle
from collections import deque
from collections.abc import Callable
from contextlib import AbstractContextManager
from multiprocessing.connection import wait
from time import monotonic

import numpy as np

from vswin_cli.errors import VideoError
from vswin_cli.runs.pool import memory_share
from vswin_cli.runs.serving import START_SECONDS, ServingProcess
from vswin_cli.sources.addresses import without_credentials
from vswin_cli.timeline.computing import Computing, Wait
from vswin_cli.timeline.film_worker import ANSWER, NOTED, Asked, Film, Seen, Shelf, Told
from vswin_cli.timeline.result import Timeline

_SERVE = "import sys; from vswin_cli.timeline.film_worker import serve; serve(*sys.argv[1:])"
_LOOK_SECONDS = 0.1  # between checks whether the run should stop

_log = logging.getLogger(__name__)

OnProgress = Callable[[float, float | None], None]  # (seconds done, total seconds if known)


class FilmProcess(AbstractContextManager["FilmProcess"]):
    """Decodes films, one after another, in a process that is replaced if it fails.

    Args:
        timeout_seconds: Time without a new frame after which a film has failed; None means no
            limit.
    """

    def __init__(self, timeout_seconds: float | None) -> None:
        self._timeout_seconds = timeout_seconds
        self._process: ServingProcess | None = None

    def __exit__(self, *error: object) -> None:
        """End the process."""
        self._kill()

    def start(self) -> ServingProcess:
        """Start the process, unless it is running, so that it is ready sooner.

        Raises:
            BackendError: The system cannot start it.
        """
        if self._process is not None and not self._process.is_alive() and self._process.is_ready:
            self._kill()  # it died between two films, so no film caused it
        if self._process is None:
            self._process = ServingProcess(_SERVE, memory_share(1))
        return self._process

    def timeline(self, film: Film, computing: Computing, on_progress: OnProgress) -> Timeline:
        """Make the timeline of a film.

        Args:
            film: Film to read, with its options.
            computing: Computes windows.
            on_progress: Called several times per second with the progress; an exception ends the
                film.

        Raises:
            VideoError: The film cannot be read; kinds `crashed` and `timeout` too.
            BackendError: The process does not start.
        """
        process = self.start()
        process.send(pickle.dumps(film))
        try:
            told = self._served(film, process, computing, on_progress)
        except BaseException:
            self._kill()
            raise
        for note in told.notes:
            _log.info("%s", note)
        if isinstance(told.timeline, VideoError):
            raise told.timeline
        return told.timeline

    def _served(
        self, film: Film, process: ServingProcess, computing: Computing, on_progress: OnProgress
    ) -> Told:
        shelf = Shelf(film.analyst.sliding.protocol.clip_len)
        asked = deque[Wait]()
        seen = Seen(0.0, None)
        since = monotonic()
        while True:
            if wait([process.connection], 0 if asked else _LOOK_SECONDS):
                message = self._received(film, process)
                if isinstance(message, Told):
                    return message
                if message is None:
                    process.is_ready = True
                elif isinstance(message, Seen):
                    seen = message
                    process.send(NOTED)
                else:
                    asked.append(computing.start(shelf.clip(message)))
                since = monotonic()
            elif asked:
                process.send(ANSWER + np.asarray(asked.popleft()(), "<f4").tobytes())
                since = monotonic()
            else:
                self._check(process, monotonic() - since)
            on_progress(seen.end_seconds, seen.duration_seconds)

    def _received(self, film: Film, process: ServingProcess) -> Asked | Seen | Told | None:
        try:
            message: Asked | Seen | Told | None = process.receive()
        except (EOFError, OSError):
            self._process = None
            how = process.bury()
            name = without_credentials(film.path)
            what = f"cannot read {name}: its decoder crashed: the process {how}; convert the file"
            raise VideoError(what, kind="crashed") from None
        return message

    def _check(self, process: ServingProcess, seconds: float) -> None:
        """Raise the error that explains why the process has been silent for so long."""
        if not process.is_ready:
            if seconds >= START_SECONDS:
                process.demand_ready()
        elif self._timeout_seconds is not None and seconds >= self._timeout_seconds:
            what = f"no frame decoded for {self._timeout_seconds:g} s; raise --timeout"
            raise VideoError(what, kind="timeout")

    def _kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process = None
