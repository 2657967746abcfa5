"""Decoding in processes that can be killed, a limited number of videos ahead of the model.

A process pool of the standard library breaks completely when one process dies, and pools that
replace workers send all results through one pipe under one lock. Here every worker has a separate
channel: a closed channel reports the death of its worker, and a finished reply waits in it, which
limits the memory.
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

_STOP_SECONDS = 10.0  # for the videos in progress, after a stop was requested
_PATIENCE_SECONDS = 86_400.0  # longest single wait; systems do not support very long ones
_LEAST_MEMORY_BYTES, _MOST_MEMORY_BYTES = 2_000_000_000, 4_000_000_000  # 8K takes 1 GB
_MAX_READY = 1  # videos that wait for the model outside their workers


@dataclass(frozen=True)
class DecodedVideo:
    """The views of a video, or the reason why it has none."""

    found: Found
    views: Views | None
    error: VideoError | None
    seconds: float  # time for decoding
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class _End:
    """The mark after the last video."""

    error: BaseException | None


class DecodingPool:
    """Processes that decode; each video has a separate deadline, and fails alone.

    Args:
        decoding: How the workers decode.
        num_workers: Largest number of processes; they start when there is work.
        timeout_seconds: Time limit for one video, from when a worker receives it.
        memory_bytes: Memory limit for decoding one video; None is 2 to 4 GB, by the machine.
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
        self._next: list[DecodedVideo | _End] = []  # the video that `is_ready` has received
        self._bell, self._ring = Pipe(duplex=False)  # wakes the thread that manages the workers
        self._wants_room = False  # whether the thread waits for room
        self._stopped_at: float | None = None
        self._is_closed = False
        self._is_kept = False

    def decode_each(self, videos: Iterable[Found]) -> Generator[DecodedVideo, None, None]:
        """Yield every video when it is ready, in any order; calls must not overlap.

        Raises:
            BackendError: The workers do not start.
        """
        self._is_closed = False
        if self._thread is None:
            self._thread = threading.Thread(target=self._serve, daemon=True)
            self._thread.start()
        self._asked.put(iter(videos))
        taken: DecodedVideo | _End | None = None
        try:
            while not isinstance(taken := self._take(), _End):
                if self._wants_room:
                    self._wants_room = False
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
        """Keep the processes after a call of `decode_each`, until `close`."""
        self._is_kept = True

    def close(self) -> None:
        """End the processes; call it after `decode_each` has ended."""
        if self._thread is not None:
            self._asked.put(None)
            self._thread.join()
            self._thread = None

    def is_ready(self, seconds: float) -> bool:
        """Whether the next video, or the end, arrives within this number of seconds."""
        if not self._next:
            try:
                self._next.append(self._ready.get(timeout=seconds))
            except Empty:
                return False
        return True

    def stop(self) -> None:
        """Start no more videos, but yield those in progress. Any thread may call it."""
        self._stopped_at = self._stopped_at or monotonic()
        self._ring.send_bytes(b"stop")

    def busy_with(self) -> list[Found]:
        """The videos in progress; the one that started first comes first."""
        workers = sorted(self._workers.copy(), key=lambda worker: worker.deadline)
        return [worker.found for worker in workers if worker.found is not None]

    def _take(self) -> DecodedVideo | _End:
        return self._next.pop() if self._next else self._ready.get()

    def _serve(self) -> None:
        """Manage the workers, in the only thread that starts, asks and kills them.

        On Linux, workers ask to be killed when the thread that started them ends, so this thread
        must outlive all workers.
        """
        while (videos := self._asked.get()) is not None:
            self._run(videos)
        self._kill(self._workers.copy())

    def _run(self, videos: Iterator[Found]) -> None:
        """Decode the videos of one call."""
        while self._bell.poll():  # it may be set from the previous call
            self._bell.recv_bytes()
        end: BaseException | None = None
        try:
            while not self._is_closed:
                self._assign(videos)
                if not any(worker.found for worker in self._workers):
                    break
                self._collect()
        except BaseException as error:  # raised again in the thread that takes the videos
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
            if idle is not None and not idle.is_alive():  # not the fault of this video
                self._kill([idle])
                idle = None
            if idle is None:
                idle = WorkerProcess(self._decoding, self._memory_bytes)
                self._workers.append(idle)
            idle.ask(found, self._timeout_seconds)

    def _collect(self) -> None:
        """Wait for an event and handle it."""
        busy = [worker for worker in self._workers if worker.found is not None]
        waiting = busy if self._finds_room() else [w for w in busy if not w.is_ready]
        now = monotonic()
        patience = min((self._deadline(worker) for worker in busy), default=now) - now
        heard = wait(
            [self._bell, *(worker.connection for worker in waiting)],
            min(max(patience, 0), _PATIENCE_SECONDS),
        )
        if self._bell in heard:
            self._bell.recv_bytes()
        # Oldest first: there is room for one, which the first worker would get each time.
        for worker in sorted(busy, key=lambda worker: worker.since):
            is_late = monotonic() >= self._deadline(worker)
            if worker.connection in heard or (is_late and wait([worker.connection], 0)):
                self._listen(worker)
            elif is_late:
                self._give_up(worker)

    def _has_room(self) -> bool:
        return self._ready.qsize() < _MAX_READY

    def _finds_room(self) -> bool:
        """Whether there is room; otherwise, the bell tells when there is."""
        self._wants_room = not self._has_room()
        return not self._wants_room or self._has_room()  # there may be since it was wanted

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
        """Record the failure of the video at which a worker died."""
        self._workers.remove(worker)
        how = worker.bury()
        self._fail(worker, "crashed", f"its decoder crashed: the process {how}")

    def _give_up(self, worker: WorkerProcess) -> None:
        worker.kill()
        self._workers.remove(worker)
        if self._stopped_at is not None:
            return  # the user did not want to wait; the next run tries again
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
    """Memory limit of each decoding process, in bytes."""
    share = available_memory() // 2 // num_workers
    return min(max(share, _LEAST_MEMORY_BYTES), _MOST_MEMORY_BYTES)


def default_workers(threads: int | None = None, *, has_gpu: bool = False) -> int:
    """Half of the processors, because the model needs the rest; at least 2, as one may hang.

    Args:
        threads: CPU threads to use; None is all.
        has_gpu: Whether a GPU computes, so that all processors but one can decode.
    """
    processors = threads or available_processors()
    return min(max(processors - 1 if has_gpu else processors // 2, 2), 32 if has_gpu else 8)
