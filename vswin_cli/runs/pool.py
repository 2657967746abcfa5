"""Decoding in processes that can be killed, a bounded way ahead of whoever takes the views.

A process pool of the standard library breaks as a whole when one process dies, and those that
replace workers send all results through one pipe under one lock. Here every worker has a channel of
its own: its end tells of its death, and the reply of one that has finished waits in it, which is
what bounds the memory.
"""

import threading
from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass
from multiprocessing.connection import Pipe, wait
from queue import Empty, SimpleQueue
from time import monotonic

from vswin_cli.errors import VideoError
from vswin_cli.runs.videos import Found
from vswin_cli.runs.worker import Decoding
from vswin_cli.runs.worker_process import WorkerProcess
from vswin_cli.sources.addresses import without_credentials
from vswin_cli.system.processors import available_memory, available_processors
from vswin_cli.views.views import Views

_STOP_SECONDS = 10.0  # for the videos in hand, once a stop was asked for
_PATIENCE_SECONDS = 86_400.0  # of one wait; a system has no word for the longest ones
_LEAST_MEMORY_BYTES, _MOST_MEMORY_BYTES = 2_000_000_000, 4_000_000_000  # 8K takes 1 GB
_MAX_READY = 1  # videos that wait for the model apart from those in their workers


@dataclass(frozen=True)
class DecodedVideo:
    """A video's views, or why it has none."""

    found: Found
    views: Views | None
    error: VideoError | None
    seconds: float  # of decoding
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class _End:
    """What follows the last video."""

    error: BaseException | None


class DecodingPool:
    """Processes that decode; each video has its own deadline, and fails alone.

    Args:
        decoding: How the workers decode.
        num_workers: Processes at most; they start when there is something to do.
        timeout_seconds: For one video, from when a worker takes it.
        memory_bytes: That to decode one video may take; None is 2 to 4 GB, as the machine allows.
    """

    def __init__(
        self,
        decoding: Decoding,
        *,
        num_workers: int,
        timeout_seconds: float,
        memory_bytes: int | None = None,
    ) -> None:
        self._decoding = decoding
        self._memory_bytes = memory_bytes or memory_share(num_workers)
        self._num_workers = num_workers
        self._timeout_seconds = timeout_seconds
        self._workers: list[WorkerProcess] = []
        self._thread: threading.Thread | None = None
        self._asked = SimpleQueue[Iterator[Found] | None]()
        self._ready = SimpleQueue[DecodedVideo | _End]()
        self._next: list[DecodedVideo | _End] = []  # what `is_ready` has seen
        self._bell, self._ring = Pipe(duplex=False)  # wakes the thread that looks after the workers
        self._stopped_at: float | None = None
        self._is_closed = False
        self._is_kept = False

    def decode_each(self, videos: Iterable[Found]) -> Generator[DecodedVideo, None, None]:
        """Yield every video as it is ready, in no certain order; one call after the other.

        Raises:
            BackendError: Workers do not start.
        """
        self._is_closed = False
        if self._thread is None:
            self._thread = threading.Thread(target=self._serve, daemon=True)
            self._thread.start()
        self._asked.put(iter(videos))
        taken: DecodedVideo | _End | None = None
        try:
            while not isinstance(taken := self._take(), _End):
                self._ring.send_bytes(b"room")
                decoded, taken = taken, None
                yield decoded
                del decoded
            if taken.error is not None:
                raise taken.error
        finally:
            self._is_closed = True
            self._ring.send_bytes(b"closed")
            while not isinstance(taken, _End):
                taken = self._take()
            if not self._is_kept:
                self.close()

    def keep(self) -> None:
        """Let the processes outlive a call of `decode_each`, until `close`."""
        self._is_kept = True

    def close(self) -> None:
        """End the processes; to be called when `decode_each` has ended."""
        if self._thread is not None:
            self._asked.put(None)
            self._thread.join()
            self._thread = None

    def is_ready(self, seconds: float) -> bool:
        """Whether the next video, or the end, is there within so many seconds."""
        if not self._next:
            try:
                self._next.append(self._ready.get(timeout=seconds))
            except Empty:
                return False
        return True

    def stop(self) -> None:
        """Take no more videos, now or later; what is being decoded is yielded. From any thread."""
        self._stopped_at = self._stopped_at or monotonic()
        self._ring.send_bytes(b"stop")

    def busy_with(self) -> list[Found]:
        """The videos that are being decoded, the longest first."""
        workers = sorted(self._workers.copy(), key=lambda worker: worker.deadline)
        return [worker.found for worker in workers if worker.found is not None]

    def _take(self) -> DecodedVideo | _End:
        return self._next.pop() if self._next else self._ready.get()

    def _serve(self) -> None:
        """Look after the workers; the one thread that starts, asks and kills them.

        Linux kills a process that asked for it when the thread that started it ends, so this one
        outlives them all.
        """
        while (videos := self._asked.get()) is not None:
            self._run(videos)
        self._kill(self._workers.copy())

    def _run(self, videos: Iterator[Found]) -> None:
        """Decode the videos of one call."""
        while self._bell.poll():  # rung in the call before
            self._bell.recv_bytes()
        end: BaseException | None = None
        try:
            while not self._is_closed:
                self._assign(videos)
                if not any(worker.found for worker in self._workers):
                    break
                self._collect()
        except BaseException as error:  # it is raised where the videos are taken
            end = error
        finally:
            self._kill([w for w in self._workers if w.found or not self._is_kept])
            self._ready.put(_End(end))

    def _kill(self, workers: Iterable[WorkerProcess]) -> None:
        for worker in workers:
            worker.kill()
            self._workers.remove(worker)

    def _assign(self, videos: Iterator[Found]) -> None:
        while self._stopped_at is None:
            idle = next((worker for worker in self._workers if worker.found is None), None)
            if idle is None and len(self._workers) == self._num_workers:
                return
            found = next(videos, None)
            if found is None:
                return
            if idle is not None and not idle.is_alive():  # not this video's fault
                self._kill([idle])
                idle = None
            if idle is None:
                idle = WorkerProcess(self._decoding, self._memory_bytes)
                self._workers.append(idle)
            idle.ask(found, self._timeout_seconds)

    def _collect(self) -> None:
        """Wait until something happens, and deal with it."""
        busy = [worker for worker in self._workers if worker.found is not None]
        waiting = [worker for worker in busy if self._has_room() or not worker.has_answered]
        now = monotonic()
        patience = min((self._deadline(worker) for worker in busy), default=now) - now
        heard = wait(
            [self._bell, *(worker.connection for worker in waiting)],
            min(max(patience, 0), _PATIENCE_SECONDS),
        )
        if self._bell in heard:
            self._bell.recv_bytes()
        # Longest first: there is room for one, which the first worker would take each time.
        for worker in sorted(waiting, key=lambda worker: worker.since):
            if worker.connection in heard:
                self._listen(worker)
            elif monotonic() >= self._deadline(worker):
                self._give_up(worker)

    def _has_room(self) -> bool:
        return self._ready.qsize() < _MAX_READY

    def _deadline(self, worker: WorkerProcess) -> float:
        if worker.has_answered:
            return float("inf")
        if self._stopped_at is not None:
            return min(worker.deadline, self._stopped_at + _STOP_SECONDS)
        return worker.deadline

    def _listen(self, worker: WorkerProcess) -> None:
        try:
            worker.has_answered = worker.is_ready
            if worker.is_ready and not self._has_room():
                return
            reply = worker.receive()
        except (EOFError, OSError):
            self._bury(worker)
            return
        if reply is None:
            worker.begin(self._timeout_seconds)
            return
        found = worker.found
        assert found is not None
        worker.found = None
        error = None
        if reply.error_kind is not None:
            error = VideoError(reply.error_message or "", kind=reply.error_kind)
        self._ready.put(DecodedVideo(found, reply.views, error, reply.seconds, reply.notes))

    def _bury(self, worker: WorkerProcess) -> None:
        """Record the video that a worker died of."""
        self._workers.remove(worker)
        how = worker.bury()
        self._fail(worker, "crashed", f"its decoder crashed: the process {how}")

    def _give_up(self, worker: WorkerProcess) -> None:
        worker.kill()
        self._workers.remove(worker)
        if self._stopped_at is not None:
            return  # the user would not wait; the next run tries again
        worker.demand_ready()
        self._fail(worker, "timeout", f"not decoded within {self._timeout_seconds:g} s")

    def _fail(self, worker: WorkerProcess, kind: str, reason: str) -> None:
        found = worker.found
        assert found is not None
        advice = "try another --reader" if kind == "crashed" else "raise --timeout"
        what = f"cannot read {without_credentials(found.path)}: {reason}"
        error = VideoError(f"{what}; {advice}", kind=kind)
        self._ready.put(DecodedVideo(found, None, error, monotonic() - worker.since))


def memory_share(num_workers: int) -> int:
    """Bytes that each of some decoding processes may take."""
    share = available_memory() // 2 // num_workers
    return min(max(share, _LEAST_MEMORY_BYTES), _MOST_MEMORY_BYTES)


def default_workers(threads: int | None = None, *, has_gpu: bool = False) -> int:
    """Half the processors, since the model needs some; two at least, as one may hang.

    Args:
        threads: Processors to keep busy; None is all.
        has_gpu: Whether a GPU computes, which leaves all processors but one.
    """
    processors = threads or available_processors()
    return min(max(processors - 1 if has_gpu else processors // 2, 2), 32 if has_gpu else 8)
