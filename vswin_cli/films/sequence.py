"""All frames of a video in one sequential decode, each with its time."""

import logging
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from functools import partial
from threading import Lock

import numpy as np
from av.container import InputContainer
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from vswin_cli.errors import VideoError
from vswin_cli.sources.addresses import AddressError
from vswin_cli.sources.file_layout import is_cut_off
from vswin_cli.sources.source import Location, Source, open_source
from vswin_cli.system.processors import available_processors, decoder_threads
from vswin_cli.video.clock import Clock, pace_of
from vswin_cli.video.container import (
    demux,
    is_encrypted,
    is_scrambled,
    main_stream,
    open_container,
)
from vswin_cli.video.decoding import Decoding, errors_counted
from vswin_cli.video.pictures import Converter
from vswin_cli.video.reader import ReaderError
from vswin_cli.video.reading import demand_frames

_PLANAR = frozenset(
    f"yuv{full}{sampling}p" for full in ("", "j") for sampling in ("420", "422", "444")
)  # FFmpeg's names of formats with eight bits of luma in a separate plane
_MOST_PIXELS = 1920 * 1088
_MICROSECONDS = 1_000_000  # the unit of a container's times

_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class TimedFrame:
    """A frame, and its time on the screen."""

    index: int  # a second 0 means: the decode has started again, and earlier frames do not count
    start_seconds: float  # from the start of the film, as in players
    end_seconds: float  # start of the next frame, as far as this frame states it
    picture: np.ndarray | Callable[[], np.ndarray]  # or makes it, at any time, in any thread
    grey: np.ndarray | None = None  # uint8 (H, W): its luma, if it costs nothing

    @property
    def pixels(self) -> np.ndarray:
        """Uint8 RGB (H, W, 3)."""
        return self.picture() if callable(self.picture) else self.picture


class FrameSequence:
    """The frames of one video, in display order.

    Args:
        location: As for `open_source`.
        threads: Largest number of threads for decoding; None is one per processor and one more,
            because one waits while its frame is converted.
    """

    def __init__(self, location: Location, threads: int | None = None) -> None:
        self._location = location
        self._threads = decoder_threads(threads or available_processors() + 1)
        self._converting = Lock()
        self.duration_seconds: float | None = None  # as stated by the container
        self.pace_seconds: float | None = None  # usual duration of a frame
        self.warnings: tuple[str, ...] = ()  # complete when the frames have ended

    def __iter__(self) -> Iterator[TimedFrame]:
        """Decode the video.

        If the stream proves to be damaged, it is decoded from its start again as players do, by one
        thread, past all packets that fail; the indices then start again too.

        Raises:
            VideoError: It cannot be read.
        """
        with open_source(self._location) as source:
            try:
                self.pace_seconds = pace_of(source.file)
                if not (yield from self._decode(source, strict=True)):
                    _logger.info("%s is damaged; decoding it as players do", source.name)
                    with errors_counted():
                        yield from self._decode(source, strict=False)
            except ReaderError as exc:
                advice = {
                    "not_a_video": "check that it is a complete video",
                    "sound_only": "check that it is a complete video",
                    "encrypted": "decrypt it first",
                }.get(exc.kind, "check that it is complete, or convert it")
                what = f"cannot read {source.name}: {exc.reason}; {advice}"
                raise VideoError(what, kind=exc.kind) from exc
            except AddressError as exc:
                raise VideoError(f"cannot read {source.name}: {exc}", kind=exc.kind) from None
            except OSError as exc:
                raise VideoError(
                    f"cannot read {source.name}: {exc.strerror}; check its disk"
                ) from exc

    def _decode(self, source: Source, *, strict: bool) -> Generator[TimedFrame, None, bool]:
        """Yield the frames; return whether there is no damage that strict decoding rejects."""
        with open_container(source.file) as container:
            stream = main_stream(container)
            threads = self._threads if strict else 1
            decoding = Decoding(container, stream, threads, strict=strict)
            self.duration_seconds = _duration(container, stream)
            converter, clock = Converter(), Clock(container, stream, self.pace_seconds)
            num_frames = 0
            for frame in decoding.frames(_unencrypted(container, stream)):
                if strict and decoding.is_damaged:
                    return False
                start, end = clock.shown(frame)
                grey = _grey(frame)
                later = partial(self._rgb, source.name, converter, frame)
                is_due = grey is None or not num_frames  # the first shows that they convert
                picture = later() if is_due else later
                yield TimedFrame(num_frames, start, end, picture, grey)
                num_frames += 1
            if strict and (decoding.is_damaged or not num_frames):
                return False
            if not num_frames:
                if is_scrambled(source.file):
                    raise ReaderError("it is encrypted", kind="encrypted")
                raise ReaderError(f"FFmpeg decoded 0 of {stream.frames} frames", kind="no_frames")
        damage = decoding.damage
        if is_cut_off(source.file):
            of_all = f" of {stream.frames}" if stream.frames > num_frames else ""
            damage = (f"the file is cut off: {num_frames}{of_all} frames decoded",)
        self.warnings = (*damage, *converter.notes, *clock.notes)
        return True

    def _rgb(self, name: str, converter: Converter, frame: VideoFrame) -> np.ndarray:
        """Convert a frame that was kept as decoded."""
        try:
            with self._converting:
                return converter.rgb(frame)
        except ReaderError as exc:
            what = f"cannot read {name}: {exc.reason}; check that it is complete, or convert it"
            raise VideoError(what, kind=exc.kind) from exc


class ArraySequence:
    """Frames in an array, shown at an even rate.

    Args:
        frames: RGB uint8 (T, H, W, 3).
        rate: Frames per second.

    Raises:
        VideoError: The array does not contain frames.
    """

    def __init__(self, frames: np.ndarray, rate: float) -> None:
        demand_frames(frames)
        self._frames = frames
        self._rate = rate
        self.duration_seconds: float | None = len(frames) / rate
        self.pace_seconds: float | None = 1 / rate
        self.warnings: tuple[str, ...] = ()

    def __iter__(self) -> Iterator[TimedFrame]:
        """Yield the frames."""
        for index, frame in enumerate(self._frames):
            pixels = np.ascontiguousarray(frame)
            yield TimedFrame(index, index / self._rate, (index + 1) / self._rate, pixels)


def _unencrypted(
    container: InputContainer, stream: VideoStream
) -> Iterator["Packet[VideoStream] | None"]:
    for packet in demux(container, stream):
        if packet is not None and is_encrypted(stream, packet):
            raise ReaderError("it is encrypted", kind="encrypted")
        yield packet


def _grey(frame: VideoFrame) -> np.ndarray | None:
    """Return the luma of a frame, a part of it; None if the frame should be converted at once.

    Unconverted frames are kept as the decoder made them, so they must not be large.
    """
    if frame.format.name not in _PLANAR or frame.width * frame.height > _MOST_PIXELS:
        return None
    plane = frame.planes[0]
    shape = (frame.height, frame.width)
    luma: np.ndarray = np.ndarray(shape, np.uint8, memoryview(plane), strides=(plane.line_size, 1))
    return luma


def _duration(container: InputContainer, stream: VideoStream) -> float | None:
    if stream.duration is not None and stream.time_base:
        return float(stream.duration * stream.time_base)
    return container.duration / _MICROSECONDS if container.duration else None
