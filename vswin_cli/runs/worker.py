"""What runs in a decoding process: paths in, views out. It may hang, crash or be killed.

It imports `vswin_cli.video` and nothing of the model, so that it starts fast and stays small.
"""

import logging
import os
import pickle
import signal
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from time import perf_counter

from vswin_cli.errors import VideoError
from vswin_cli.results import TimeSpan
from vswin_cli.runs.channels import WorkerEnd, worker_end
from vswin_cli.sources.addresses import is_address, without_credentials
from vswin_cli.system.platform import end_with, limit_memory
from vswin_cli.views.views import Views, read_views
from vswin_cli.zoo.protocols import ViewProtocol

Decode = Callable[..., Views]  # (path, protocol, reader, and segment= where only that is wanted)


@dataclass(frozen=True)
class Decoding:
    """What every video of a run is decoded by.

    `decode` is called in the workers, so it must be a function that a module names, or a partial of
    one. Another one than `decode_views` brings other readers, such as one that hangs, to test what
    surrounds it.
    """

    decode: Decode
    protocol: ViewProtocol
    reader: str


@dataclass(frozen=True)
class Request:
    """A video to decode."""

    path: str  # or address
    segment: TimeSpan | None = None

    def pack(self) -> bytes:
        """Make what goes through the channel."""
        return b"\0".join((os.fsencode(self.path), *map(str.encode, map(repr, self.segment or ()))))

    @classmethod
    def unpack(cls, content: bytes) -> "Request":
        """Undo `pack`."""
        path, *seconds = content.split(b"\0")
        start_and_end = map(float, seconds)
        return cls(
            os.fsdecode(path), (next(start_and_end), next(start_and_end)) if seconds else None
        )


@dataclass(frozen=True)
class Reply:
    """What a worker made of one path."""

    views: Views | None
    error_kind: str | None
    error_message: str | None
    seconds: float
    notes: tuple[str, ...]  # log lines, for --verbose


def decode_views(
    path: str,
    protocol: ViewProtocol,
    reader: str,
    others: tuple[ViewProtocol, ...] = (),
    threads: int | None = None,
    segment: TimeSpan | None = None,
) -> Views:
    """Read a video's views; the frames that clips and crops share are kept once.

    Args:
        path: The video's, or its address.
        protocol: Whose views come first.
        reader: As `read_views`.
        others: Protocols whose views follow.
        threads: As `read_views`.
        segment: As `read_views`.

    Raises:
        VideoError: As `read_views`.
    """
    location = path if is_address(path) else Path(path)  # `-` is a file here
    return read_views(location, (protocol, *others), reader, threads, segment=segment)


def serve(parent: str, memory_bytes: str, *words: str) -> None:
    """Answer requests until the parent closes the connection, or ends in any way.

    A pickled `Decoding` comes first, then packed `Request`s, of which each has a `Reply`.

    Args:
        parent: Process id of who asks.
        memory_bytes: That decoding may take.
        words: What `worker_end` takes.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # stopping is the parent's decision
    end_with(int(parent))
    channel = worker_end(*words)
    how: Decoding = pickle.loads(channel.receive())
    channel.say_ready()
    notes = _Notes()
    requests = SimpleQueue[Request]()
    threading.Thread(target=_take_requests, args=(channel, requests), daemon=True).start()
    limit_memory(int(memory_bytes))
    while True:
        reply = _reply(requests.get(), how, notes, int(memory_bytes))
        channel.send(reply)
        del reply  # its frames need not wait for the next video


def _reply(request: Request, how: Decoding, notes: "_Notes", memory_bytes: int) -> Reply:
    start = perf_counter()
    views = kind = message = None
    name = without_credentials(request.path)
    more = {"segment": request.segment} if request.segment else {}
    try:
        views = how.decode(request.path, how.protocol, how.reader, **more)
    except VideoError as error:
        kind, message = error.kind, str(error)
    except MemoryError:
        gigabytes = memory_bytes / 1e9
        kind = "unreadable"
        message = f"cannot read {name}: to decode it takes more than {gigabytes:.1f} GB of memory"
    except Exception as error:  # whatever a decoder raises costs this video alone
        kind, message = "unreadable", f"cannot read {name}: {type(error).__name__}: {error}"
    return Reply(views, kind, message, perf_counter() - start, notes.taken())


def _take_requests(channel: WorkerEnd, requests: SimpleQueue[Request]) -> None:
    """Read ahead, so that the parent's end is noticed while a decoder hangs."""
    try:
        while True:
            requests.put(Request.unpack(channel.receive()))
    except (EOFError, OSError):
        os._exit(0)


class _Notes(logging.Handler):
    """Keeps the log lines of the video in hand."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self._lines: list[str] = []
        logger = logging.getLogger("vswin_cli")
        logger.setLevel(logging.INFO)
        logger.addHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        self._lines.append(record.getMessage())

    def taken(self) -> tuple[str, ...]:
        """Hand the lines over, and forget them."""
        lines, self._lines = tuple(self._lines), []
        return lines
