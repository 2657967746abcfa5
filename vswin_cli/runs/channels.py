"""The connection to a decoding process: it sends requests and receives values, some of them large.

On Linux and macOS it is a pair of sockets, and a value is passed as the descriptor of an unnamed
file. Windows cannot pass descriptors: there the process connects to an address, and a value is
passed as the name of a file. In both cases, no message is longer than a name, so a process that is
stopped in the middle of a message blocks no other.
"""

import errno
import json
import mmap
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

from vswin_cli.runs.shared_memory import map_file, pack, unpack
from vswin_cli.system.platform import (
    PASSES_DESCRIPTORS,
    nameless_file,
    open_descriptor,
    open_last,
    receive_descriptors,
    send_descriptor,
)

READY = b"+"  # the first message of a worker
_FIRST_FILE = 64  # the byte for a reply in the first file; the next file has the next byte
_MOST_FILES = 4  # files that are reused: each keeps its memory
_ONCE = b"="  # a reply in a file that is not reused
_FREED = b"\0"  # followed by the byte of a file; no other message to a worker begins like this
_GONE = b""
_KEY = "VSWIN_WORKER_KEY"


class Channel(Protocol):
    """The parent's end of a channel."""

    words: list[str]  # words of the worker's command line, by which it finds its end
    options: dict[str, Any]  # arguments of `subprocess.Popen`
    environment: dict[str, str]  # variables to add to those of the parent

    @property
    def connection(self) -> Any:  # noqa: ANN401 - what `multiprocessing.connection.wait` takes
        """An object that is ready to read when `receive` has a message."""

    def started(self, process: "subprocess.Popen[bytes]") -> None:
        """Note the process that has the other end."""

    def send(self, content: bytes) -> None:
        """Send a short message."""

    def receive(self) -> Any:  # noqa: ANN401 - whatever was sent
        """Receive a value, or None when the worker reports that it is ready.

        Raises:
            EOFError, OSError: The worker has died.
        """

    def close(self) -> None:
        """Close the connection after the worker has ended."""


class WorkerEnd(Protocol):
    """The worker's end of a channel."""

    def receive(self) -> bytes:
        """Wait for the next message from the parent."""

    def say_ready(self) -> None:
        """Report that all imports are done."""

    def send(self, value: object) -> None:
        """Send a value."""


class DescriptorChannel:
    """A pair of sockets, and unnamed files.

    The worker reuses a file once this process has freed everything in it: releasing and requesting
    its memory again costs more than writing the value.
    """

    def __init__(self) -> None:
        self._freed = deque[bytes]()  # files that the worker does not know of yet
        self._mapped: dict[bytes, mmap.mmap] = {}  # files that are reused
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
        if message == _ONCE:
            return unpack(map_file(descriptors[0]))
        self._mapped[message] = map_file(descriptors[0], self._mapped.get(message))
        return unpack(self._mapped[message], partial(self._freed.append, message))

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
    """An address that the worker connects to, and named files.

    The worker connects some time after its start, so threads pass on the messages of both ends.

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
        return unpack(map_file(open_last(Path(self._folder.name, message.decode()))))

    def close(self) -> None:
        """See `Channel`."""
        self.connection.close()
        self._folder.cleanup()

    def _watch(self, process: "subprocess.Popen[bytes]") -> None:
        """Connect in place of a worker that ends before it connects, so that nothing waits."""
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
    """Make the kind of channel that this system supports.

    Raises:
        OSError: The system cannot open another one.
    """
    return DescriptorChannel() if PASSES_DESCRIPTORS else AddressChannel()


def worker_end(kind: str, *words: str) -> WorkerEnd:
    """Find the worker's end by the words of its command line."""
    return DescriptorEnd(int(words[0])) if kind == "descriptor" else AddressEnd(*words)
