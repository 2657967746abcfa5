"""Films without an end: cameras, streams, and files that are still being written."""

import queue
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from time import monotonic, sleep
from urllib.parse import urlsplit

import av
from av.container import InputContainer
from av.packet import Packet
from av.video.stream import VideoStream

from vswin_cli.errors import VideoError
from vswin_cli.films.sequence import TimedFrame
from vswin_cli.sources.addresses import is_address, without_credentials
from vswin_cli.sources.live_names import PROTOCOLS, is_device
from vswin_cli.video.clock import Clock
from vswin_cli.video.container import CONTAINERS, main_stream, settled
from vswin_cli.video.decoding import Decoding, errors_counted
from vswin_cli.video.pictures import Converter
from vswin_cli.video.reader import ReaderError

_FORMATS = f"{CONTAINERS},rtsp,rtp,sdp"
_PLAYLISTS = frozenset({".m3u8", ".m3u", ".mpd"})
_HELD_FRAMES = 64  # between decoder and consumer; frames of streams beyond that are dropped
_POLL_SECONDS = 0.1
_PROBED_MICROSECONDS = "2000000"  # of a stream, before its first frame; FFmpeg's default is 5 s


@dataclass(frozen=True)
class LiveFrame:
    """A frame, and when it arrived."""

    frame: TimedFrame
    arrived: float  # by `monotonic`


class LiveSequence:
    """The frames of a live source, as they arrive.

    A thread decodes. If frames of a camera or a stream are not taken as fast as they arrive, some
    are dropped; a file waits.

    Args:
        name: A camera's device, an address, or a file that grows.
        stop: Ends the frames when it is set.
        idle_seconds: Time without new data after which the frames end.
    """

    def __init__(self, name: str, stop: threading.Event, idle_seconds: float) -> None:
        self.name = without_credentials(name)
        self._address = name
        self._stop = stop
        self._idle_seconds = idle_seconds
        self.num_frames = 0  # decoded frames
        self.num_dropped = 0
        self.rate: float | None = None  # frames per second, as the stream says
        self._told: Callable[[], tuple[str, ...]] = tuple
        self.waits = not is_address(name) and not is_device(name)  # as a file does
        self._file: _Growing | None = None
        self._queue = queue.Queue[LiveFrame | BaseException | None](_HELD_FRAMES)

    @property
    def warnings(self) -> tuple[str, ...]:
        """Anything unusual about the stream until now, one line each."""
        return self._told()

    def __iter__(self) -> Iterator[LiveFrame]:
        """Yield frames until they end, or `stop` is set.

        Raises:
            VideoError: The source cannot be opened, or has no video.
        """
        threading.Thread(target=self._decode, daemon=True).start()
        while not self._stop.is_set():
            try:
                item = self._queue.get(timeout=_POLL_SECONDS)
            except queue.Empty:
                continue
            if item is None:
                return
            if isinstance(item, BaseException):
                raise item
            yield item

    def _decode(self) -> None:
        """Run the thread."""
        try:
            with errors_counted(), self._opened() as container, settled(container):
                self._read(container)
        except ReaderError as exc:
            what = f"cannot read {self.name}: {exc.reason}; check that it is a video"
            self._put(VideoError(what, kind=exc.kind))
        except (av.FFmpegError, OSError) as exc:
            advice = ", or raise --idle" if isinstance(exc, av.error.ExitError) else ""
            what = f"cannot read {self.name}: {self._reason(exc)}; check the address and the source"
            self._put(VideoError(what + advice))
        except BaseException as exc:  # raised again where the frames are taken
            self._put(exc)
        else:
            self._put(None if self.num_frames else self._nothing())
        finally:
            if self._file:
                self._file.close()

    def _reason(self, error: av.FFmpegError | OSError) -> str:
        if isinstance(error, av.error.ExitError):  # the time limit
            return f"nothing was received for {self._idle_seconds:g} s"
        return (error.strerror or type(error).__name__).lower()

    def _nothing(self) -> VideoError:
        advice = "check the address, or raise --idle"
        if self._file:  # an MP4 ends with the index of its frames
            advice = "if it is complete, remove --live; otherwise, raise --idle"
        what = f"cannot follow {self.name}: it ended before the first frame; {advice}"
        return VideoError(what, kind="no_frames")

    def _opened(self) -> InputContainer:
        """Open the source; PyAV's types do not cover options in a dictionary."""
        name, form = self._address, None
        what: str | _Growing = name
        options: dict[str, str] = {"format_whitelist": CONTAINERS, "protocol_whitelist": ""}
        if is_address(name):
            scheme = name.partition("://")[0].lower()
            if PurePosixPath(urlsplit(name).path).suffix.lower() in _PLAYLISTS:
                raise VideoError(
                    f"cannot follow {self.name}: playlists (HLS, DASH) name other files, which a "
                    "video may not open; save it with `ffmpeg -i ADDRESS -c copy FILE.ts`, and "
                    "follow FILE.ts with --live"
                )
            if scheme not in PROTOCOLS:
                names = ", ".join(f"{each}://" for each in PROTOCOLS)
                problem = f"its address does not begin with any of {names}; remove --live"
                raise VideoError(f"cannot follow {self.name}: {problem}")
            options = {
                "format_whitelist": _FORMATS,
                "protocol_whitelist": PROTOCOLS[scheme],
                "analyzeduration": _PROBED_MICROSECONDS,
            }
            if scheme.startswith("rtsp"):
                options["rtsp_transport"] = "tcp"
        elif is_device(name):
            form, options = "v4l2", {}
        else:
            what = self._file = _Growing(Path(name), self._stop, self._idle_seconds)
        return av.open(
            what,
            "r",
            format=form,
            container_options=options,
            metadata_errors="replace",
            timeout=self._idle_seconds if is_address(name) else None,
        )

    def _read(self, container: InputContainer) -> None:
        stream = main_stream(container)
        rate = stream.average_rate or stream.guessed_rate
        self.rate = float(rate) if rate else None
        decoding = Decoding(container, stream, threads=0, strict=False)
        converter, clock = Converter(), Clock(container, stream)
        failures: list[av.FFmpegError] = []

        def told() -> tuple[str, ...]:
            broken = (f"the stream broke off: {self._reason(failure)}" for failure in failures)
            return (*broken, *decoding.damage, *converter.notes, *clock.notes)

        self._told = told
        for frame in decoding.frames(_packets(container, stream, failures)):
            if self._stop.is_set():
                return
            if not self.num_frames:
                decoding.forget_damage()  # a stream may be joined between key frames
            start, end = clock.shown(frame)
            index = self.num_frames
            self.num_frames += 1
            if not self.waits and self._queue.full():
                self.num_dropped += 1
                continue
            timed = TimedFrame(index, start, end, converter.rgb(frame).copy())
            self._put(LiveFrame(timed, monotonic()))
        if failures and not self.num_frames and not self.waits:
            raise failures[0]

    def _put(self, item: LiveFrame | BaseException | None) -> None:
        while not self._stop.is_set():
            try:
                self._queue.put(item, timeout=_POLL_SECONDS)
            except queue.Full:
                continue
            return


def _packets(
    container: InputContainer, stream: VideoStream, failures: list[av.FFmpegError]
) -> Iterator["Packet[VideoStream] | None"]:
    """Yield the packets that are not empty, then None; list a failure that ends them."""
    try:
        yield from (packet for packet in container.demux(stream) if packet.size)
    except av.FFmpegError as exc:
        failures.append(exc)
    yield None


class _Growing:
    """A file that is waited for at its end; it has no `seek`, so FFmpeg does not look for it."""

    def __init__(self, path: Path, stop: threading.Event, idle_seconds: float) -> None:
        self._file = path.open("rb")
        self._stop = stop
        self._idle_seconds = idle_seconds

    def read(self, size: int) -> bytes:
        """Read up to this many bytes; none after a long time without new data."""
        until = monotonic() + self._idle_seconds
        while not (content := self._file.read(size)):
            if self._stop.is_set() or monotonic() > until:
                return b""
            sleep(_POLL_SECONDS)
        return content

    def close(self) -> None:
        """Close it."""
        self._file.close()
