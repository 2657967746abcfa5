"""The film process: it decodes, and makes a timeline from probabilities that the parent computes.

It does not import the model. For each film it receives a `Film`, and sends `Asked` windows, each
answered by its probabilities; `Seen` while frames come; and one `Told` at the end. Every message is
answered, which tells the channel that its memory can be used again.
"""

import pickle
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from time import monotonic

import numpy as np

from vswin_cli.errors import VideoError
from vswin_cli.runs.channels import WorkerEnd
from vswin_cli.runs.serving import Notes, as_video_error, begin_serving, read_ahead
from vswin_cli.sources.addresses import is_address
from vswin_cli.sources.source import Location
from vswin_cli.system.platform import limit_memory
from vswin_cli.timeline.computing import Wait
from vswin_cli.timeline.film import FilmAnalyst
from vswin_cli.timeline.making import Frames
from vswin_cli.timeline.result import Timeline
from vswin_cli.timeline.windows import Clip
from vswin_cli.views.views import CroppedFrame

_SEEN_SECONDS = 0.2  # between two reports of progress
_KEPT_CLIPS = 4  # number of clips whose frames the parent keeps

ANSWER, NOTED = b"=", b"."  # first byte of an answer with probabilities; the answer to `Seen`

OpenFrames = Callable[[Location, int | None], Frames]


@dataclass(frozen=True)
class Film:
    """A film to read; `open_frames` is a function or class at module level."""

    video: str
    path: str  # or an address
    open_frames: OpenFrames
    threads: int | None  # for decoding
    analyst: FilmAnalyst
    num_ahead: int  # as for `Computing`


@dataclass(frozen=True)
class Asked:
    """A window to compute, with the frames that the parent does not have."""

    digests: tuple[bytes, ...]
    new: Mapping[bytes, CroppedFrame]


@dataclass(frozen=True)
class Seen:
    """Frames have been decoded."""

    end_seconds: float
    duration_seconds: float | None  # of the film, if known


@dataclass(frozen=True)
class Told:
    """The result of a film, and its log lines for --verbose."""

    timeline: Timeline | VideoError
    notes: tuple[str, ...]


class Shelf:
    """The frames that the parent has; both processes keep and drop the same ones.

    Args:
        clip_len: Frames per window.
    """

    def __init__(self, clip_len: int) -> None:
        self._most = _KEPT_CLIPS * clip_len
        self._frames = OrderedDict[bytes, CroppedFrame | None]()

    def lacking(self, clip: Clip) -> dict[bytes, CroppedFrame]:
        """Return the frames of a clip that the parent lacks, and add them."""
        frames = dict(zip(clip.digests, clip.frames, strict=True))
        new = {digest: frame for digest, frame in frames.items() if digest not in self._frames}
        self._put(clip.digests, dict.fromkeys(new))
        return new

    def clip(self, asked: Asked) -> Clip:
        """Return the clip of a request."""
        self._put(asked.digests, asked.new)
        frames = (self._frames[digest] for digest in asked.digests)
        return Clip(asked.digests, tuple(frame for frame in frames if frame is not None))

    def _put(self, digests: tuple[bytes, ...], new: Mapping[bytes, CroppedFrame | None]) -> None:
        self._frames.update(new)
        for digest in digests:
            self._frames.move_to_end(digest)
        while len(self._frames) > self._most:
            self._frames.popitem(last=False)


class _Asking:
    """Asks the parent to compute windows; answers arrive in the order of requests."""

    def __init__(
        self, send: Callable[[object], None], answers: Iterator[bytes], film: Film
    ) -> None:
        self.num_ahead = film.num_ahead
        self._send = send
        self._answers = answers
        self._shelf = Shelf(film.analyst.sliding.protocol.clip_len)
        self._open = deque[list[np.ndarray]]()  # requests without an answer

    def start(self, clip: Clip) -> Wait:
        self._send(Asked(clip.digests, self._shelf.lacking(clip)))
        answer: list[np.ndarray] = []
        self._open.append(answer)

        def wait() -> np.ndarray:
            while not answer:
                self._take()
            return answer[0]

        return wait

    def close(self) -> None:
        """Discard the remaining answers, so that the next film does not get them."""
        while self._open:
            self._take()

    def _take(self) -> None:
        self._open.popleft().append(np.frombuffer(next(self._answers), "<f4", offset=1))


def serve(memory_bytes: str, *words: str) -> None:
    """Serve films until the parent closes the connection or ends.

    Args:
        memory_bytes: Memory limit of decoding.
        words: Arguments of `begin_serving`.
    """
    channel = begin_serving(*words)
    channel.say_ready()
    notes = Notes()
    received = (content for content in iter(read_ahead(channel).get, None) if content != NOTED)
    limit_memory(int(memory_bytes))
    while True:
        film: Film = pickle.loads(next(received))
        told = _told(film, channel, received, int(memory_bytes))
        channel.send(Told(told, notes.taken()))
        del told


def _told(
    film: Film, channel: WorkerEnd, answers: Iterator[bytes], memory_bytes: int
) -> Timeline | VideoError:
    sending = Lock()
    said = -_SEEN_SECONDS

    def send(value: object) -> None:
        with sending:
            channel.send(value)

    def on_frame(end_seconds: float, duration_seconds: float | None) -> None:
        nonlocal said
        if (now := monotonic()) - said >= _SEEN_SECONDS:
            said = now
            send(Seen(end_seconds, duration_seconds))

    computing = _Asking(send, answers, film)
    try:
        location = film.path if is_address(film.path) else Path(film.path)
        frames = film.open_frames(location, film.threads)
        return film.analyst.timeline(film.video, frames, computing, on_frame)
    except Exception as error:  # any exception of a decoder fails this film only
        return as_video_error(error, film.path, memory_bytes)
    finally:
        computing.close()
