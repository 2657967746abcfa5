"""The connection to a decoding process: requests there, values back, of which some are large.

On Linux and macOS it is a pair of sockets, and a value goes as the descriptor of a nameless file.
Windows hands no descriptors over: there the process connects to an address, and a value goes as the
name of a file. Either way no more than a name ever goes through the connection at once, so that a
process which is stopped in the middle of something stops nobody else.
"""

import errno
import json
import os
import secrets
import socket
import subprocess
import tempfile
import threading
from collections import deque
from contextlib import suppress
from functools import partial
from multiprocessing import AuthenticationError
from multiprocessing.connection import Client, Connection, Listener, Pipe
from pathlib import Path
from typing import Any, Protocol

from vswin_cli.runs.shared_memory import pack, unpack
from vswin_cli.system.platform import (
    PASSES_DESCRIPTORS,
    nameless_file,
    open_descriptor,
    open_last,
    receive_descriptors,
    send_descriptor,
)

READY = b"+"  # what a worker sends first
_FIRST_FILE = 64  # the byte that a reply in the first file is; the next file's is the next
_MOST_FILES = 4  # that are written into again: each keeps its memory
_ONCE = b"="  # a reply in a file that is not
_FREED = b"\0"  # and the byte of a file; nothing else that is sent to a worker begins so
_GONE = b""
_KEY = "VSWIN_WORKER_KEY"


class Channel(Protocol):
    """The parent's end."""

    words: list[str]  # of the worker's command line, by which it finds its end
    options: dict[str, Any]  # of `subprocess.Popen`
    environment: dict[str, str]  # in addition to the parent's

    @property
    def connection(self) -> Any:  # noqa: ANN401 - what `multiprocessing.connection.wait` takes
        """Is ready where `receive` has something to take."""

    def started(self, process: "subprocess.Popen[bytes]") -> None:
        """Be told of the process that has the other end."""

    def send(self, content: bytes) -> None:
        """Send something short."""

    def receive(self) -> Any:  # noqa: ANN401 - whatever was sent
        """Take a value, or None where the worker says that it is ready.

        Raises:
            EOFError, OSError: The worker has died.
        """

    def close(self) -> None:
        """Give the connection up, when the worker has ended."""


class WorkerEnd(Protocol):
    """The worker's end."""

    def receive(self) -> bytes:
        """Wait for what the parent sends next."""

    def say_ready(self) -> None:
        """Say that there is no import left to do."""

    def send(self, value: object) -> None:
        """Hand a value over."""


class DescriptorChannel:
    """A pair of sockets, and nameless files.

    The worker writes into a file again once this process has freed all that was in it: to give its
    memory back and get it anew costs more than what is written.
    """

    def __init__(self) -> None:
        self._freed = deque[bytes]()  # files that the worker does not know of yet
        self.connection, self._theirs = socket.socketpair()
        self._requests = Connection(os.dup(self.connection.fileno()))
        self.words = ["descriptor", str(self._theirs.fileno())]
        self.options: dict[str, Any] = {"pass_fds": [self._theirs.fileno()]}
        self.environment: dict[str, str] = {}

    def started(self, process: "subprocess.Popen[bytes]") -> None:
        """See `Channel`."""
        self._theirs.close()

    def send(self, content: bytes) -> None:
        """See `Channel`."""
        while self._freed:
            self._requests.send_bytes(_FREED + self._freed.popleft())
        self._requests.send_bytes(content)

    def receive(self) -> Any:  # noqa: ANN401
        """See `Channel`."""
        message, descriptors = receive_descriptors(self.connection)
        if not message:
            raise EOFError
        if message == READY:
            return None
        if not descriptors:
            raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
        is_kept = message != _ONCE
        return unpack(descriptors[0], partial(self._freed.append, message) if is_kept else None)

    def close(self) -> None:
        """See `Channel`."""
        self._theirs.close()
        self._requests.close()
        self.connection.close()


class DescriptorEnd:
    """The worker's end of a `DescriptorChannel`."""

    def __init__(self, descriptor: int) -> None:
        self._socket = socket.socket(fileno=descriptor)
        self._requests = Connection(os.dup(descriptor))
        self._files: list[int] = []
        self._free = deque[int]()  # numbers of files

    def receive(self) -> bytes:
        """See `WorkerEnd`."""
        while (message := self._requests.recv_bytes()).startswith(_FREED):
            self._free.append(message[1] - _FIRST_FILE)
        return message

    def say_ready(self) -> None:
        """See `WorkerEnd`."""
        self._socket.send(READY)

    def send(self, value: object) -> None:
        """See `WorkerEnd`."""
        if not self._free and len(self._files) < _MOST_FILES:
            self._files.append(nameless_file())
            self._free.append(len(self._files) - 1)
        if self._free:
            number = self._free.popleft()
            pack(value, self._files[number])
            send_descriptor(self._socket, bytes([_FIRST_FILE + number]), self._files[number])
            return
        file = nameless_file()
        try:
            pack(value, file)
            send_descriptor(self._socket, _ONCE, file)
        finally:
            os.close(file)


class AddressChannel:
    """An address that the worker connects to, and files with names.

    The worker takes its time to connect; until it has, and for as long as it lasts, threads pass
    on what either end sends.

    Args:
        family: As for `multiprocessing.connection.Listener`; None is the system's best.
    """

    def __init__(self, family: str | None = None) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="vswin-", ignore_cleanup_errors=True)
        self._key = secrets.token_bytes(32)
        self._listener = Listener(family=family, authkey=self._key)
        self.connection, self._far_end = Pipe()
        self.words = ["address", json.dumps(self._listener.address), self._folder.name]
        self.options: dict[str, Any] = {}
        self.environment = {_KEY: self._key.hex()}
        self._has_connected = False

    def started(self, process: "subprocess.Popen[bytes]") -> None:
        """See `Channel`."""
        threading.Thread(target=self._pass_on_replies, daemon=True).start()
        threading.Thread(target=self._watch, args=(process,), daemon=True).start()

    def send(self, content: bytes) -> None:
        """See `Channel`."""
        self.connection.send_bytes(content)

    def receive(self) -> Any:  # noqa: ANN401
        """See `Channel`."""
        message = self.connection.recv_bytes()
        if message == _GONE:
            raise EOFError
        if message == READY:
            return None
        return unpack(open_last(Path(self._folder.name, message.decode())))

    def close(self) -> None:
        """See `Channel`."""
        self.connection.close()
        self._folder.cleanup()

    def _watch(self, process: "subprocess.Popen[bytes]") -> None:
        """Where the worker ends before it has connected, connect in its place, to wait no more."""
        process.wait()
        if not self._has_connected:
            with suppress(OSError, EOFError, AuthenticationError):
                Client(self._listener.address, authkey=self._key).close()

    def _pass_on_replies(self) -> None:
        with suppress(OSError, EOFError, AuthenticationError):
            worker = self._listener.accept()
            self._has_connected = True
            requests = threading.Thread(target=self._pass_on_requests, args=(worker,), daemon=True)
            requests.start()
            with suppress(OSError, EOFError):
                while True:
                    self._far_end.send_bytes(worker.recv_bytes())
        self._listener.close()
        with suppress(OSError):  # the parent has closed its end
            self._far_end.send_bytes(_GONE)

    def _pass_on_requests(self, worker: Any) -> None:  # noqa: ANN401 - a connection of any kind
        with suppress(OSError, EOFError):
            while True:
                worker.send_bytes(self._far_end.recv_bytes())


class AddressEnd:
    """The worker's end of an `AddressChannel`."""

    def __init__(self, address: str, folder: str) -> None:
        place = json.loads(address)
        key = bytes.fromhex(os.environ.pop(_KEY))
        self._connection = Client(tuple(place) if isinstance(place, list) else place, authkey=key)
        self._folder = Path(folder)
        self._num_sent = 0

    def receive(self) -> bytes:
        """See `WorkerEnd`."""
        return self._connection.recv_bytes()

    def say_ready(self) -> None:
        """See `WorkerEnd`."""
        self._connection.send_bytes(READY)

    def send(self, value: object) -> None:
        """See `WorkerEnd`."""
        self._num_sent += 1
        name = f"reply-{self._num_sent}"
        file = open_descriptor(self._folder / name, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            pack(value, file)
        finally:
            os.close(file)
        self._connection.send_bytes(name.encode())


def open_channel() -> Channel:
    """Make the kind of channel that this system has.

    Raises:
        OSError: It has no more of them.
    """
    return DescriptorChannel() if PASSES_DESCRIPTORS else AddressChannel()


def worker_end(kind: str, *words: str) -> WorkerEnd:
    """Find the worker's end by the words of its command line."""
    return DescriptorEnd(int(words[0])) if kind == "descriptor" else AddressEnd(*words)
