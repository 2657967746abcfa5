"""The code of a decoding process: it gets paths and returns views. It may hang, crash or be killed.

It imports `vswin_cli.video` and no code of the model, so that it starts fast and stays small.
"""

import os
import pickle
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

from vswin_cli.results import TimeSpan
from vswin_cli.runs.serving import Notes, as_video_error, begin_serving, read_ahead
from vswin_cli.sources.addresses import is_address
from vswin_cli.system.platform import limit_memory
from vswin_cli.views.views import Views, read_views
from vswin_cli.zoo.protocols import ViewProtocol

Decode = Callable[..., Views]  # (path, protocol, reader, and segment= if only that is needed)


@dataclass(frozen=True)
class Decoding:
    """How every video of a run is decoded.

    `decode` is called in the workers, so it must be a function of a module, or a partial of one.
    Tests use another function than `decode_views`, such as one that hangs.
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
        """Make the bytes for the channel."""
        return b"\0".join((os.fsencode(self.path), *map(str.encode, map(repr, self.segment or ()))))

    @classmethod
    def unpack(cls, content: bytes) -> "Request":
        """Make a request from the bytes of `pack`."""
        path, *seconds = content.split(b"\0")
        start_and_end = map(float, seconds)
        return cls(
            os.fsdecode(path), (next(start_and_end), next(start_and_end)) if seconds else None
        )


@dataclass(frozen=True)
class Reply:
    """The reply of a worker to one request."""

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
    """Read the views of a video; frames that clips and crops share are kept once.

    Args:
        path: Path or address of the video.
        protocol: Protocol of the first views.
        reader: As for `read_views`.
        others: Protocols of the views that follow.
        threads: As for `read_views`.
        segment: As for `read_views`.

    Raises:
        VideoError: As for `read_views`.
    """
    location = path if is_address(path) else Path(path)  # here `-` is a file name
    return read_views(location, (protocol, *others), reader, threads, segment=segment)


def serve(memory_bytes: str, *words: str) -> None:
    """Answer requests until the parent closes the connection or ends.

    A pickled `Decoding` comes first, then packed `Request`s, each of which gets a `Reply`.

    Args:
        memory_bytes: Memory limit for decoding.
        words: Arguments of `begin_serving`.
    """
    channel = begin_serving(*words)
    how: Decoding = pickle.loads(channel.receive())
    channel.say_ready()
    notes = Notes()
    requests = read_ahead(channel)
    limit_memory(int(memory_bytes))
    while True:
        reply = _reply(Request.unpack(requests.get()), how, notes, int(memory_bytes))
        channel.send(reply)
        del reply  # free the frames now, not with the next video


def _reply(request: Request, how: Decoding, notes: Notes, memory_bytes: int) -> Reply:
    start = perf_counter()
    views = kind = message = None
    more = {"segment": request.segment} if request.segment else {}
    try:
        views = how.decode(request.path, how.protocol, how.reader, **more)
    except Exception as error:  # any error of a decoder affects only this video
        failure = as_video_error(error, request.path, memory_bytes)
        kind, message = failure.kind, str(failure)
    return Reply(views, kind, message, perf_counter() - start, notes.taken())
