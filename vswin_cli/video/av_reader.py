"""Reading with PyAV, which is FFmpeg: every container and codec, every error and side datum seen.

A video whose packets have times of their own is read by these: sorted, they name the frames, so
that a frame nobody wants need not be decoded where no other refers to it, and a long video can be
read by seeking. What comes must fit: each frame's time is a packet's, none is missing where all
were asked for, nothing decodes with an error. Else the whole video is decoded and its frames
counted, where it is damaged by one thread, since what several make of damage depends on timing.
"""

import logging
from collections.abc import Callable, Iterable, Iterator, Set
from contextlib import contextmanager
from typing import BinaryIO

import av
import cv2
import numpy as np
from av.container import InputContainer
from av.packet import Packet
from av.sidedata.sidedata import Type
from av.video.frame import VideoFrame
from av.video.reformatter import Interpolation, VideoReformatter
from av.video.stream import VideoStream

from vswin_cli.video.container import demux, is_scrambled, main_stream, open_container
from vswin_cli.video.packets import Packets, Stretch, stretches
from vswin_cli.video.reader import Decoded, ReaderError, decoder_threads
from vswin_cli.video.source import Source

SEQUENTIAL_PIXELS = 2_000_000_000  # decoded in sequence without a thought: 30 s of 1080p
_CHECKED_FRAMES = 32  # at the start, all of which must come
_MAX_SHARE = 0.5  # of the frames, decoded in stretches; above it, decoding all is as good
_SEEK_BACK_SECONDS = (0, 1, 4, 16)  # to try, one after the other
_MAX_COUNT = 10**9  # headers that claim more frames than this claim nothing
_ROTATIONS = ((1, 0, 0, 1), (0, 1, -1, 0), (-1, 0, 0, -1), (0, -1, 1, 0))  # clockwise
_UNTAGGED = 2  # AVCOL_SPC_UNSPECIFIED
_HDR = {16: "PQ", 18: "HLG"}  # AVCOL_TRC_SMPTE2084, AVCOL_TRC_ARIB_STD_B67

_logger = logging.getLogger(__name__)


class AvReader:
    """Decodes by PyAV."""

    may_be_slowed = True

    @contextmanager
    def open(self, source: Source, threads: int | None = None) -> Iterator["AvVideo"]:
        """Open a video; see `Reader.open`."""
        with open_container(source.file) as container:
            yield AvVideo(source.file, container, decoder_threads(threads))


class _UnprovenError(Exception):
    """The frames do not come as the packets' times promise."""


class AvVideo:
    """One video as FFmpeg sees it; see `Video`."""

    def __init__(self, file: BinaryIO, container: InputContainer, threads: int) -> None:
        self._file = file
        self._container = container
        self._stream = main_stream(container)
        self._threads = threads
        self._reformatter = VideoReformatter()
        self._notes = dict[str, None]()
        self._matrices = dict[int, tuple[int, int, int, int]]()  # by the rotation in them
        num_announced = self._stream.frames
        self.announced_num_frames = num_announced if num_announced < _MAX_COUNT else 0
        self._packets = Packets.scan(file, container, self._stream)
        if self._packets.num_encrypted:
            raise ReaderError("it is encrypted", kind="encrypted")
        self._ways = [self._decode_by_times, self._decode_in_order, self._decode_the_damaged]

    @property
    def expected_num_frames(self) -> int:
        """As many as the stream has packets."""
        return len(self._packets)

    @property
    def notes(self) -> tuple[str, ...]:
        """See `Video.notes`."""
        return tuple(self._notes)

    def read(
        self, wanted: Set[int], keep: Callable[[int, np.ndarray], None], *, until: int | None
    ) -> Decoded:
        """Decode what is needed if that proves exact, else all; see `Video.read`."""
        for way in tuple(self._ways):
            try:
                return way(wanted, keep, until)
            except _UnprovenError as exc:
                _logger.info("%s is given up: %s", way.__name__.strip("_").replace("_", " "), exc)
                self._ways.remove(way)
        raise AssertionError

    def _decode_in_order(
        self, wanted: Set[int], keep: Callable[[int, np.ndarray], None], until: int | None
    ) -> Decoded:
        """Decode the whole video and count its frames.

        Raises:
            _UnprovenError: It is damaged; what several threads make of that is not repeatable.
        """
        num_frames = 0
        with open_container(self._file) as container:
            decoding = _Decoding(container, main_stream(container), self._threads)
            for frame in decoding.frames():
                if num_frames in wanted:
                    keep(num_frames, self._rgb(frame))
                num_frames += 1
                if num_frames == until:
                    break
        if decoding.is_damaged or not num_frames:
            raise _UnprovenError("the stream is damaged")
        return Decoded(num_frames)

    def _decode_the_damaged(
        self, wanted: Set[int], keep: Callable[[int, np.ndarray], None], until: int | None
    ) -> Decoded:
        """Decode what there is as players do, by one thread, and count the damage too."""
        num_frames = 0
        with open_container(self._file) as container, _errors_counted():
            decoding = _Decoding(container, main_stream(container), threads=1, strict=False)
            for frame in decoding.frames():
                if num_frames in wanted:
                    keep(num_frames, self._rgb(frame))
                num_frames += 1
                if num_frames == until:
                    break
        if not num_frames:
            expected = max(self.announced_num_frames, self.expected_num_frames)
            if is_scrambled(self._file):
                raise ReaderError("it is encrypted", kind="encrypted")
            raise ReaderError(f"FFmpeg decoded 0 of {expected} frames", kind="no_frames")
        return Decoded(num_frames, decoding.num_lost, decoding.num_damaged)

    def _decode_by_times(
        self, wanted: Set[int], keep: Callable[[int, np.ndarray], None], until: int | None
    ) -> Decoded:
        """Decode what the wanted frames need.

        Raises:
            _UnprovenError: Some frame cannot be proven; those handed over so far may be wrong.
        """
        packets = self._packets
        if not packets.tell_frames_apart:
            raise _UnprovenError("its packets' times do not tell frames apart")
        num_frames = len(packets)
        in_reach = sorted(index for index in wanted if index < num_frames)
        start = range(min(_CHECKED_FRAMES, num_frames))
        plan = self._plan(in_reach)
        decoding = _Decoding(self._container, self._stream, self._threads, strict=plan is None)
        if plan is None:
            self._decode(decoding, Stretch(0, [*start, *in_reach]), wanted, keep, to_the_end=True)
            return Decoded(num_frames)
        second = packets.key_frames[1]
        sample = second + 2
        seen = list[bytes]()
        for stretch in (Stretch(0, [*start, sample]).whole, Stretch(second, [sample])):
            self._decode(decoding, stretch, {sample}, lambda _, frame: seen.append(frame.tobytes()))
        if seen[0] != seen[1]:
            raise _UnprovenError("a frame looks different after a seek")
        for stretch in plan:
            self._decode(decoding, stretch.whole, wanted, keep)
        _logger.info("%d stretches of the video are decoded", len(plan))
        last = Stretch(packets.key_frames[-1], [num_frames - 1])
        self._decode(decoding, last, set(), keep, to_the_end=True)
        return Decoded(num_frames)

    def _plan(self, wanted: list[int]) -> list[Stretch] | None:
        """What to decode by seeking, or None where decoding all is as good."""
        packets = self._packets
        codec = self._stream.codec_context
        if len(packets) * codec.width * codec.height <= SEQUENTIAL_PIXELS:
            return None
        if len(packets.key_frames) < 2 or packets.key_frames[1] + 3 > len(packets):
            return None
        plan = stretches(wanted, packets.key_frames)
        num_decoded = sum(stretch.stop - stretch.key_frame for stretch in plan)
        num_decoded += 2 * packets.key_frames[1] + _CHECKED_FRAMES
        num_decoded += len(packets) - packets.key_frames[-1]
        return plan if num_decoded <= _MAX_SHARE * len(packets) else None

    def _decode(
        self,
        decoding: "_Decoding",
        stretch: Stretch,
        wanted: Set[int],
        keep: Callable[[int, np.ndarray], None],
        *,
        to_the_end: bool = False,
    ) -> None:
        """Decode a stretch, proving each frame, and hand over those of it that are wanted."""
        packets = self._packets
        needed = set(stretch.wanted)
        last = -1
        for frame in decoding.frames(
            self._packets_of(decoding, stretch),
            needs=lambda packet: packets.frame_at(packet.pts) in needed,
        ):
            index = packets.frame_at(frame.pts)
            if index is None or index <= last:
                raise _UnprovenError(f"a frame at {frame.pts} does not follow frame {last}")
            last = index
            if index < stretch.key_frame:  # it leads up to it, and may refer to what is before
                continue
            if index == stretch.key_frame:
                decoding.forget_damage()
            if index in wanted:
                keep(index, self._rgb(frame))
            needed.discard(index)
            if not needed and not to_the_end:
                break
        if needed or decoding.is_damaged:
            raise _UnprovenError(f"frame {min(needed, default=last)} does not decode")

    def _packets_of(
        self, decoding: "_Decoding", stretch: Stretch
    ) -> Iterator["Packet[VideoStream] | None"]:
        """Yield the packets from a stretch's key frame on."""
        start = int(self._packets.frame_times[stretch.key_frame])
        second = int(1 / self._stream.time_base) if self._stream.time_base else 1
        for back in _SEEK_BACK_SECONDS:
            has_started = False
            for packet in decoding.packets_from(start - back * second):
                time = start if packet is None or packet.pts is None else packet.pts
                has_started = has_started or time == start
                if has_started:
                    yield packet
                elif time > start:  # a seek may end too late
                    break
            if has_started:
                return
        raise _UnprovenError(f"frame {stretch.key_frame} cannot be reached by a seek")

    def _rgb(self, frame: VideoFrame) -> np.ndarray:
        """RGB uint8 (H, W, 3) of a frame, upright.

        In memory it is BGR, which swscale makes with other bits than RGB where a channel has more
        than eight: those that OpenCV, and so the original, sees.

        Raises:
            ReaderError: It cannot be converted.
        """
        if transfer := _HDR.get(frame.color_trc):
            self._notes[f"HDR ({transfer}): its colours are taken without tone mapping"] = None
        try:
            picture = self._convert(frame)
        except av.FFmpegError:
            frame.colorspace = _UNTAGGED  # as FFmpeg's command line takes what it cannot convert
            try:
                picture = self._convert(frame)
            except av.FFmpegError as exc:
                raise ReaderError(
                    f"FFmpeg cannot convert its frames ({frame.format.name}) to RGB"
                ) from exc
        plane = picture.planes[0]
        shape, strides = (picture.height, picture.width, 3), (plane.line_size, 3, 1)
        bgr: np.ndarray = np.ndarray(shape, np.uint8, memoryview(plane), strides=strides)
        # Looked at once for each rotation, since a frame whose side data was looked at lives on.
        if frame.rotation not in self._matrices:
            self._matrices[frame.rotation] = _display_matrix(frame)
        return _upright(bgr, self._matrices[frame.rotation])[..., ::-1]

    def _convert(self, frame: VideoFrame) -> VideoFrame:
        return self._reformatter.reformat(
            frame, format="bgr24", interpolation=Interpolation.BICUBIC, threads=1
        )


class _Decoding:
    """A container's stream on its way through a decoder.

    Args:
        container: At its start.
        stream: One of its.
        threads: To decode with.
        strict: Whether what has errors is left out. Else it is shown as well as can be, as players
            do, and what is wrong with it is known of `num_damaged` alone.
    """

    def __init__(
        self, container: InputContainer, stream: VideoStream, threads: int, *, strict: bool = True
    ) -> None:
        self._container = container
        self._stream = stream
        self._codec = stream.codec_context
        if not self._codec.is_open:
            self._codec.thread_count = threads
            self._codec.thread_type = "AUTO"
            if strict:
                self._codec.options = {"err_detect": "explode"}
        self.forget_damage()

    def forget_damage(self) -> None:
        """Start to count it."""
        self.num_lost = 0  # packets that did not decode
        self._num_flagged = self._num_logged = 0  # frames, packets that decoded with errors

    @property
    def num_damaged(self) -> int:
        """Frames that decoded with errors."""
        return max(self._num_flagged, self._num_logged)

    @property
    def is_damaged(self) -> bool:
        """Whether anything did not decode as it should."""
        return self.num_lost + self.num_damaged > 0

    def packets_from(self, time: int) -> Iterator["Packet[VideoStream] | None"]:
        """Yield the packets from about a time on, which is the stream's first packet's or later."""
        self._container.seek(time, stream=self._stream)
        return demux(self._container, self._stream)

    def frames(
        self,
        packets: Iterable["Packet[VideoStream] | None"] | None = None,
        needs: Callable[["Packet[VideoStream]"], bool] | None = None,
    ) -> Iterator[VideoFrame]:
        """Yield the frames of some packets.

        Args:
            packets: None is all of them.
            needs: Whether a packet's frame must come; None needs all. Others may.
        """
        for packet in demux(self._container, self._stream) if packets is None else packets:
            if packet is not None and needs is not None:
                self._codec.skip_frame = "DEFAULT" if needs(packet) else "NONREF"
            num_errors = _num_errors()
            try:
                frames = self._codec.decode(packet)
            except av.EOFError:
                return
            except av.FFmpegError:
                self.num_lost += 1
                continue
            self._num_flagged += sum(frame.is_corrupt for frame in frames)
            self._num_logged += _num_errors() > num_errors or bool(packet and packet.is_corrupt)
            yield from frames


@contextmanager
def _errors_counted() -> Iterator[None]:
    """Have FFmpeg's errors counted, some of which no return value and no flag tells of."""
    level = av.logging.get_level()
    av.logging.set_level(av.logging.PANIC)  # nothing else is kept, nothing is printed
    try:
        yield
    finally:
        av.logging.set_level(level)


def _num_errors() -> int:
    count: int = av.logging.get_last_error()[0]
    return count


def _display_matrix(frame: VideoFrame) -> tuple[int, int, int, int]:
    """How x and y of the picture become those of the screen: a, b, c, d, in 1/65536.

    Source: ISO/IEC 14496-12, 6.2.2: x' = a·x + c·y, y' = b·x + d·y.
    """
    try:
        matrix = frame.side_data.get(Type.DISPLAYMATRIX)  # type: ignore[call-overload]
    except ValueError:  # side data of a kind that PyAV has no name for
        return _ROTATIONS[round(-frame.rotation / 90) % 4]
    if matrix is None:
        return _ROTATIONS[0]
    a, b, _, c, d = np.frombuffer(matrix, np.int32)[:5].tolist()
    return a, b, c, d


def _upright(picture: np.ndarray, matrix: tuple[int, int, int, int]) -> np.ndarray:
    """Turn and mirror a picture (H, W, 3) as its display matrix says, to the nearest quarter."""
    a, b, c, d = matrix
    if abs(b) + abs(c) > abs(a) + abs(d):
        picture, a, d = cv2.transpose(picture), c, b
    if a < 0 or d < 0:
        picture = cv2.flip(picture, -1 if a < 0 and d < 0 else int(a < 0))
    return picture
