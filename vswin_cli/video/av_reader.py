"""Reading with PyAV: by the packets' times, else everything in order, else with damage."""

import logging
from collections.abc import Callable, Iterator, Sequence, Set
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import BinaryIO

import numpy as np
from av.container import InputContainer
from av.packet import Packet
from av.video.stream import VideoStream

from vswin_cli.sources.source import Source
from vswin_cli.system.processors import decoder_threads
from vswin_cli.video.clock import PROBED_PACKETS, Clock, start_seconds, usual_seconds
from vswin_cli.video.coded import Coded, coded_in
from vswin_cli.video.container import is_scrambled, main_stream, open_container
from vswin_cli.video.decoding import Decoding, Skip, UnprovenError, errors_counted
from vswin_cli.video.packets import Packets, Stretch, stretches
from vswin_cli.video.pictures import Converter
from vswin_cli.video.reader import Decoded, ReaderError
from vswin_cli.video.timing import Timing

SEQUENTIAL_PIXELS = 2_000_000_000  # always decoded in sequence: 30 s of 1080p
_LARGE_PIXELS = 24_000_000  # per frame; one of 8K has 33 million
_CHECKED_FRAMES = 16  # at the start, all of which must decode
_MAX_SHARE = 0.5  # share of the frames in stretches; above it, decoding everything is as fast
_SEEK_BACK_SECONDS = (0, 1, 4, 16)  # to try one after the other
_MAX_RATE = 10_000  # frames per second; containers that state more mean the ticks of their clock
_MAX_COUNT = 10**9  # headers that claim more frames are ignored

_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Shown:
    """When frames are shown."""

    times: np.ndarray | None  # as for `Timing`
    notes: Sequence[str] = ()


class AvReader:
    """Decodes with PyAV."""

    may_be_slowed = True

    @contextmanager
    def open(self, source: Source, threads: int | None = None) -> Iterator["AvVideo"]:
        """Open a video; see `Reader.open`."""
        with open_container(source.file) as container:
            yield AvVideo(source.file, container, decoder_threads(threads))


class AvVideo:
    """One video as FFmpeg sees it; see `Video`."""

    def __init__(self, file: BinaryIO, container: InputContainer, threads: int) -> None:
        self._file = file
        self._container = container
        self._stream = main_stream(container)
        codec = self._stream.codec_context
        # Each thread holds frames, and one of 8K has up to 100 MB.
        self._threads = threads if codec.width * codec.height < _LARGE_PIXELS else 1
        self._converter = Converter()
        num_announced = self._stream.frames
        self.announced_num_frames = num_announced if num_announced < _MAX_COUNT else 0
        self._packets = Packets.scan(file, container, self._stream)
        if self._packets.num_encrypted:
            raise ReaderError("it is encrypted", kind="encrypted")
        self._decoded: _Shown | None = None  # the frames, if they are not those that are listed
        self._ways = [self._decode_by_times, self._decode_in_order, self._decode_the_damaged]

    @property
    def expected_num_frames(self) -> int:
        """The number of packets in the stream."""
        return len(self._packets)

    @property
    def timing(self) -> Timing:
        """The times that the container lists or, if other frames decode, the times of these."""
        rate = float(self._stream.average_rate or 0)
        stated = rate if 0 < rate <= _MAX_RATE else None
        start = (self._stream.start_time or 0) * self._packets.base - start_seconds(self._container)
        return Timing(stated, (self._decoded or self._listed).times, max(start, 0.0))

    @cached_property
    def _listed(self) -> "_Shown":
        """The times of the frames as the container lists them."""
        packets = self._packets
        if not packets.are_timed or not packets.base:
            return _Shown(None)
        return self._shown(packets.frame_times.tolist())

    def _shown(self, times: Sequence[int | None]) -> "_Shown":
        """When frames with these times in the stream are shown."""
        packets = self._packets
        pace = usual_seconds(packets.times[:PROBED_PACKETS] * packets.base)
        clock = Clock(self._container, self._stream, pace if packets.are_timed else None)
        return _Shown(clock.starts(times), clock.jumps)

    @property
    def notes(self) -> tuple[str, ...]:
        """See `Video.notes`."""
        return (*self._converter.notes, *(self._decoded or self._listed).notes)

    def read(
        self, wanted: Set[int], keep: Callable[[int, np.ndarray], None], *, until: int | None
    ) -> Decoded:
        """Decode what is needed if that is proven exact, else everything; see `Video.read`."""
        for way in tuple(self._ways):
            try:
                return way(wanted, keep, until)
            except UnprovenError as exc:
                name = way.__name__.replace("_decode", "decoding").replace("_", " ")
                _logger.info("%s does not work: %s", name, exc)
                self._ways.remove(way)
        raise AssertionError

    def _decode_in_order(
        self, wanted: Set[int], keep: Callable[[int, np.ndarray], None], until: int | None
    ) -> Decoded:
        """Decode the whole video and count its frames.

        Raises:
            UnprovenError: It is damaged; with several threads, the result is not repeatable.
        """
        with open_container(self._file) as container:
            decoding = Decoding(container, main_stream(container), self._threads)
            num_frames = self._decode_all(decoding, wanted, keep, until)
        if decoding.is_damaged or not num_frames:
            raise UnprovenError("the stream is damaged")
        return Decoded(num_frames)

    def _decode_the_damaged(
        self, wanted: Set[int], keep: Callable[[int, np.ndarray], None], until: int | None
    ) -> Decoded:
        """Decode everything possible as players do, with one thread, and count the damage."""
        with open_container(self._file) as container, errors_counted():
            decoding = Decoding(container, main_stream(container), threads=1, strict=False)
            num_frames = self._decode_all(decoding, wanted, keep, until)
        if not num_frames:
            expected = max(self.announced_num_frames, self.expected_num_frames)
            if is_scrambled(self._file):
                raise ReaderError("it is encrypted", kind="encrypted")
            raise ReaderError(f"FFmpeg decoded 0 of {expected} frames", kind="no_frames")
        return Decoded(num_frames, decoding.num_lost, decoding.num_damaged)

    def _decode_all(
        self,
        decoding: Decoding,
        wanted: Set[int],
        keep: Callable[[int, np.ndarray], None],
        until: int | None,
    ) -> int:
        """Pass on the wanted frames and count all; note their times if others are listed."""
        times = list[int | None]()
        for frame in decoding.frames():
            if len(times) in wanted:
                keep(len(times), self._converter.rgb(frame))
            times.append(frame.pts)
            del frame  # before the next one comes
            if len(times) == until:
                return until
        are_listed = self._packets.are_timed and len(times) == len(self._packets)
        are_known = any(time is not None for time in times)
        self._decoded = self._shown(times) if are_known and not are_listed else None
        return len(times)

    def _decode_by_times(
        self, wanted: Set[int], keep: Callable[[int, np.ndarray], None], until: int | None
    ) -> Decoded:
        """Decode what the wanted frames need.

        Raises:
            UnprovenError: A frame cannot be proven; frames passed on so far may be wrong.
        """
        packets = self._packets
        if not packets.tell_frames_apart:
            raise UnprovenError("its packets' times do not tell frames apart")
        num_frames = len(packets)
        in_reach = sorted(index for index in wanted if index < num_frames)
        start = range(min(_CHECKED_FRAMES, num_frames))
        plan = self._plan(in_reach)
        decoding = Decoding(self._container, self._stream, self._threads, strict=plan is None)
        if plan is None:
            self._decode(decoding, Stretch(0, [*start, *in_reach]), wanted, keep, to_the_end=True)
            return Decoded(num_frames)
        second = packets.key_frames[1]
        sample = second + 2
        seen = list[bytes]()
        for stretch in (Stretch(0, [*start, sample]).whole, Stretch(second, [sample])):
            self._decode(decoding, stretch, {sample}, lambda _, frame: seen.append(frame.tobytes()))
        if seen[0] != seen[1]:
            raise UnprovenError("a frame looks different after a seek")
        for stretch in plan:
            self._decode(decoding, stretch.whole, wanted, keep)
        _logger.info("%d stretches of the video are decoded", len(plan))
        last = Stretch(packets.key_frames[-1], [num_frames - 1])
        self._decode(decoding, last, set(), keep, to_the_end=True)
        return Decoded(num_frames)

    def _plan(self, wanted: list[int]) -> list[Stretch] | None:
        """Plan the stretches to decode by seeking; None if decoding everything is as fast."""
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
        decoding: Decoding,
        stretch: Stretch,
        wanted: Set[int],
        keep: Callable[[int, np.ndarray], None],
        *,
        to_the_end: bool = False,
    ) -> None:
        """Decode a stretch, prove each frame, and pass on the wanted ones."""
        packets, coded = self._packets, coded_in(self._stream)
        needed, due = set(stretch.wanted), set[int]()
        last = -1

        def skip(packet: "Packet[VideoStream]") -> Skip:
            index = packets.frame_at(packet.pts)
            if index in needed:
                return "DEFAULT"
            if not needed and coded:  # nothing after the last frame is needed
                return "NONKEY"
            if index is None or (coded and coded(bytes(packet)) is Coded.UNUSED):
                return "NONREF"
            if index >= stretch.key_frame:  # those before it may refer to earlier frames
                due.add(index)
            return "DEFAULT"

        for frame in decoding.frames(
            self._packets_of(decoding, stretch),
            skip=skip,
        ):
            index = packets.frame_at(frame.pts)
            if index is None or index <= last:
                raise UnprovenError(f"a frame at {frame.pts} does not follow frame {last}")
            last = index
            if index < stretch.key_frame:
                continue
            if index == stretch.key_frame and index:  # nothing precedes the first
                decoding.forget_damage()
            if index in wanted:
                keep(index, self._converter.rgb(frame))
            del frame  # before the next one comes
            needed.discard(index)
            due.discard(index)
            if not needed and not to_the_end:
                break
        lacking = needed | due if to_the_end else needed
        if lacking or decoding.is_damaged:
            raise UnprovenError(f"frame {min(lacking, default=last)} does not decode")

    def _packets_of(
        self, decoding: Decoding, stretch: Stretch
    ) -> Iterator["Packet[VideoStream] | None"]:
        """Yield the packets from the key frame of a stretch on."""
        start = int(self._packets.frame_times[stretch.key_frame])
        second = int(1 / self._stream.time_base) if self._stream.time_base else 1
        for back in _SEEK_BACK_SECONDS:
            has_started = False
            for packet in decoding.packets_from(start - back * second):
                time = start if packet is None or packet.pts is None else packet.pts
                has_started = has_started or time == start
                if has_started:
                    yield packet
                elif time > start:  # a seek may go too far
                    break
            if has_started:
                return
        raise UnprovenError(f"frame {stretch.key_frame} cannot be reached by a seek")
