"""Several GPUs: a process with an engine for each; they take batches in turn.

Views are in memory that all processes share; outputs return through a socket.
"""

import mmap
import os
import socket
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from itertools import cycle
from math import prod
from multiprocessing.connection import Connection
from typing import Any
from weakref import finalize

import numpy as np

from vswin_cli.engines.base import Engine, Outputs, Pending
from vswin_cli.errors import BackendError, VswinError
from vswin_cli.system.platform import away_from_terminal, nameless_file

_SERVE = "import sys; from vswin_cli.engines.several import serve; serve(int(sys.argv[1]))"
_DEVICES = ("CUDA_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES")


class SeveralEngines(Engine):
    """Engines of one model on several devices, which act as one engine with more batches.

    Args:
        devices: The value of CUDA_VISIBLE_DEVICES in each process.
        load: Makes an engine in each process; a function of a module, or a partial of one.

    Raises:
        VswinError: As for `load`.
    """

    def __init__(self, devices: Sequence[str], load: Callable[[], Engine]) -> None:
        self._processes = [_Process(device) for device in devices]
        for process in self._processes:  # all load at the same time
            process.send(load)
        loaded = [process.receive() for process in self._processes]
        self.backend, self.precision = loaded[0][:2]
        self.batch_size = min(batch_size for _, _, batch_size, _ in loaded)
        self.num_at_once = sum(num_at_once for *_, num_at_once in loaded)
        self._turns = cycle(self._processes)
        self._rooms: dict[int, int] = {}  # numbers of shared batches, by address
        self._spare: Iterator[np.ndarray] = iter(())  # for views in other memory

    def new_batch(self, shape: tuple[int, ...]) -> np.ndarray:
        """Allocate a batch in memory that the processes share."""
        whole = (self.batch_size, *shape)
        descriptor = nameless_file()
        os.ftruncate(descriptor, prod(whole))
        room = np.frombuffer(mmap.mmap(descriptor, prod(whole)), np.uint8).reshape(whole)
        self._rooms[_address(room)] = len(self._rooms)
        for process in self._processes:
            process.share(descriptor, whole)
        os.close(descriptor)
        return room

    def start(self, views: np.ndarray) -> Pending:
        """Start a batch in the next process; see `Engine`."""
        if _address(views) not in self._rooms:
            room = self._spare_room(views.shape[1:])[: len(views)]
            room[:] = views
            views = room
        process = next(self._turns)
        process.send((self._rooms[_address(views)], len(views)))
        return lambda: Outputs(*process.receive())

    def _spare_room(self, shape: tuple[int, ...]) -> np.ndarray:
        if (room := next(self._spare, None)) is None:
            self._spare = cycle([self.new_batch(shape) for _ in range(self.num_at_once)])
            room = next(self._spare)
        return room


class _Process:
    """The parent's end of a process that computes; the process ends with the socket."""

    def __init__(self, device: str) -> None:
        self._device = device
        self._socket, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-c", _SERVE, str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                env={
                    **os.environ,
                    **dict.fromkeys(_DEVICES, device),
                    "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
                },
                **away_from_terminal(),
            )
        self._connection = Connection(os.dup(self._socket.fileno()))
        finalize(self, _end, self._process, self._connection, self._socket)

    def send(self, message: object) -> None:
        """Send a message.

        Raises:
            BackendError: The process has ended.
        """
        try:
            self._connection.send(message)
        except OSError as exc:
            raise self._ended() from exc

    def share(self, descriptor: int, shape: tuple[int, ...]) -> None:
        """Make the process map a file as a batch of this shape."""
        self.send(shape)
        socket.send_fds(self._socket, [b"+"], [descriptor])  # type: ignore[attr-defined,unused-ignore]

    def receive(self) -> Any:  # noqa: ANN401 - what `serve` sends
        """Wait for an answer.

        Raises:
            VswinError: The process has reported it.
            BackendError: The process has ended.
        """
        try:
            answer = self._connection.recv()
        except (EOFError, OSError) as exc:
            raise self._ended() from exc
        if isinstance(answer, VswinError):
            raise answer
        return answer

    def _ended(self) -> BackendError:
        code = self._process.wait()
        return BackendError(
            f"the process that computes on device {self._device} has ended with code {code}; run "
            "again, or leave that device out of CUDA_VISIBLE_DEVICES"
        )


def _end(process: subprocess.Popen[bytes], connection: Connection, other: socket.socket) -> None:
    connection.close()
    other.close()
    process.kill()
    process.wait()


def serve(descriptor: int) -> None:
    """Load an engine and compute batches until the other end is closed."""
    connection, files = Connection(os.dup(descriptor)), socket.socket(fileno=descriptor)
    try:
        _serve(connection, files)
    except (EOFError, OSError):
        return


def _serve(connection: Connection, files: socket.socket) -> None:
    load: Callable[[], Engine] = connection.recv()
    try:
        engine = load()
    except VswinError as error:
        connection.send(error)
        return
    connection.send((engine.backend, engine.precision, engine.batch_size, engine.num_at_once))
    rooms: list[np.ndarray] = []
    pending = deque[Pending]()
    while True:
        if len(pending) == engine.num_at_once or (pending and not connection.poll()):
            outputs = pending.popleft()()
            connection.send((outputs.probabilities, outputs.features))
            continue
        message = connection.recv()
        if len(message) > 2:
            _, (file,), _, _ = socket.recv_fds(files, 1, 1)  # type: ignore[attr-defined,unused-ignore]
            mapped = mmap.mmap(file, prod(message))  # OpenVINO accepts only writable memory
            rooms.append(np.frombuffer(mapped, np.uint8).reshape(message))
            os.close(file)
        else:
            number, count = message
            pending.append(engine.start(rooms[number][:count]))


def _address(array: np.ndarray) -> int:
    address: int = array.__array_interface__["data"][0]
    return address
