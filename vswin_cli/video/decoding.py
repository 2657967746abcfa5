"""Decoding the packets of a stream with FFmpeg, and counting damage."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Literal

import av
from av.container import InputContainer
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from vswin_cli.video.container import demux

Skip = Literal["DEFAULT", "NONREF", "NONKEY"]  # frames that are not decoded


class UnprovenError(Exception):
    """The decoded frames do not match the packets, or are damaged."""


class Decoding:
    """Decodes the stream of a container with a number of threads.

    If `strict`, frames with errors are left out. Otherwise they are decoded as well as possible, as
    in players, and only `num_damaged` reports them.
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
        """Reset the count of damage."""
        self.num_lost = 0  # packets that were not decoded
        self._num_flagged = self._num_logged = 0  # frames, packets that decoded with errors

    @property
    def num_damaged(self) -> int:
        """Number of frames that decoded with errors."""
        return max(self._num_flagged, self._num_logged)

    @property
    def is_damaged(self) -> bool:
        """Whether anything failed to decode or decoded with errors."""
        return self.num_lost + self.num_damaged > 0

    @property
    def damage(self) -> tuple[str, ...]:
        """All damage in one line, or no line."""
        parts = []
        if self.num_lost:
            packets = "1 packet" if self.num_lost == 1 else f"{self.num_lost} packets"
            parts.append(f"{packets} cannot be decoded")
        if damaged := self.num_damaged:
            parts.append(f"{damaged} frame{' has' if damaged == 1 else 's have'} errors")
        return (f"the stream is damaged: {', '.join(parts)}",) if parts else ()

    def packets_from(self, time: int) -> Iterator["Packet[VideoStream] | None"]:
        """Yield the packets from about a time on."""
        try:
            self._container.seek(time, stream=self._stream)
        except av.FFmpegError as exc:
            raise UnprovenError(f"FFmpeg cannot seek in it ({exc.strerror})") from exc
        return demux(self._container, self._stream)

    def frames(
        self,
        packets: Iterable["Packet[VideoStream] | None"] | None = None,
        skip: Callable[["Packet[VideoStream]"], Skip] | None = None,
    ) -> Iterator[VideoFrame]:
        """Yield the frames of some packets.

        Args:
            packets: Packets to decode; None is all of them.
            skip: Returns the kind of frames to skip for a packet, a value of
                `CodecContext.skip_frame`; None decodes all.
        """
        for packet in demux(self._container, self._stream) if packets is None else packets:
            if packet is not None and skip is not None:
                self._codec.skip_frame = skip(packet)
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
            while frames:
                yield frames.pop(0)  # freed, because an 8K frame has 100 MB


@contextmanager
def errors_counted() -> Iterator[None]:
    """Count FFmpeg's logged errors, because some appear in no return value or flag."""
    level = av.logging.get_level()
    av.logging.set_level(av.logging.PANIC)  # nothing else is kept or printed
    try:
        yield
    finally:
        av.logging.set_level(level)


def _num_errors() -> int:
    count: int = av.logging.get_last_error()[0]
    return count
