"""The packets of a stream as the container lists them: counted and timed without decoding."""

from collections.abc import Callable, Iterable, Sequence, Set
from dataclasses import dataclass
from functools import cached_property
from typing import BinaryIO, NamedTuple

import numpy as np
from av.container import InputContainer
from av.packet import Packet
from av.video.stream import VideoStream

from vswin_cli.sources.file_layout import WithoutMedia
from vswin_cli.video.clock import JUMP_SECONDS
from vswin_cli.video.coded import Coded, coded_in, shown
from vswin_cli.video.container import demux, is_encrypted, open_container

_REACH = 32  # frames that decode faster than a seek skips them
_LARGE_BYTES = 1 << 26
_SMALL_BYTES = 64
_UNKNOWN = np.iinfo(np.int64).min


@dataclass(frozen=True)
class Packets:
    """The packets of a video stream that produce visible frames, in the order of the file.

    In most streams, each packet makes one frame, shown at the packet's time.
    """

    times: np.ndarray  # int64 (num_packets,), in the stream's time base; the least means unknown
    decode_times: np.ndarray  # int64 (num_packets,): when to decode; if unknown, as the one before
    is_key: np.ndarray  # bool (num_packets,): decoding can start here
    num_encrypted: int
    base: float = 0.0  # seconds per unit of `times`; 0 is unknown
    are_whole: bool = True  # whether each packet shows one picture, as far as its bytes tell

    @classmethod
    def scan(cls, file: BinaryIO, container: InputContainer, stream: VideoStream) -> "Packets":
        """List the packets of a container that is at its start.

        The packets of a large MP4 file are listed by its index, without reading their content,
        unless that is so small that it may contain no picture.
        """
        index = stream.index_entries
        coded = coded_in(stream)
        is_indexed = stream.frames == len(index) and "mp4" in container.format.name
        if not is_indexed or container.size < _LARGE_BYTES:
            return cls._of(
                demux(container, stream),
                stream,
                lambda packet: coded(bytes(packet)) if coded else Coded.PICTURE,
            )
        key_times = {entry.timestamp for entry in index if entry.is_keyframe}
        small: dict[int | None, Coded] = {
            entry.timestamp: coded(_content(file, entry.pos, entry.size))
            for entry in index
            if coded and entry.size <= _SMALL_BYTES
        }
        with open_container(WithoutMedia(file), probe=False) as hollow:
            same_stream = hollow.streams[stream.index]
            assert isinstance(same_stream, VideoStream)
            return cls._of(
                demux(hollow, same_stream),
                same_stream,
                lambda packet: small.get(packet.dts, Coded.PICTURE),
                key_times,
            )

    @classmethod
    def _of(
        cls,
        packets: Iterable["Packet[VideoStream] | None"],
        stream: VideoStream,
        coded: Callable[["Packet[VideoStream]"], Coded],
        key_times: Set[int] | None = None,
    ) -> "Packets":
        times, decode_times, is_key, kinds = list[int](), [0], list[bool](), list[Coded]()
        num_encrypted = 0
        for packet in packets:
            if packet is None or packet.is_discard:
                continue
            is_secret, time, decode_time = is_encrypted(stream, packet), packet.pts, packet.dts
            num_encrypted += is_secret
            times.append(_UNKNOWN if time is None else time)
            decode_times.append(decode_times[-1] if decode_time is None else decode_time)
            is_key.append(packet.is_keyframe if key_times is None else decode_time in key_times)
            kinds.append(Coded.PICTURE if is_secret else coded(packet))
        are_shown, are_whole = shown(kinds)
        return cls(
            np.array(times, np.int64)[are_shown],
            np.array(decode_times[1:], np.int64)[are_shown],
            np.array(is_key, np.bool_)[are_shown],
            num_encrypted,
            float(stream.time_base or 0),
            are_whole,
        )

    def __len__(self) -> int:
        """The expected number of frames."""
        return len(self.times)

    @cached_property
    def frame_times(self) -> np.ndarray:
        """The time of each frame, int64 (num_packets,), if each packet makes one.

        They ascend, and start over if time stamps do.
        """
        return np.concatenate([np.sort(part) for part in self._parts])

    @cached_property
    def _parts(self) -> list[np.ndarray]:
        starts = np.flatnonzero(np.diff(self.decode_times) * self.base < -JUMP_SECONDS) + 1
        return np.split(self.times, starts)

    @cached_property
    def key_frames(self) -> list[int]:
        """Indices in display order, ascending, of the frames where decoding can start."""
        key_times = np.sort(self.times[self.is_key])
        return [int(index) for index in np.searchsorted(self.frame_times, key_times)]

    @cached_property
    def are_timed(self) -> bool:
        """Whether all times are known and distinct, until they start over."""
        ascend = all((np.diff(np.sort(part)) > 0).all() for part in self._parts)
        return bool(len(self) and self.times.min() != _UNKNOWN and ascend)

    @property
    def tell_frames_apart(self) -> bool:
        """Whether each frame has a time that no other has, and the first is a key frame."""
        are_apart = self.are_timed and self.are_whole and len(self._parts) == 1
        return are_apart and self.key_frames[:1] == [0]

    def frame_at(self, time: int | None) -> int | None:
        """Return the index of the frame with this time."""
        return None if time is None else self._frames.get(time)

    @cached_property
    def _frames(self) -> dict[int, int]:
        return {time: index for index, time in enumerate(self.frame_times.tolist())}


def _content(file: BinaryIO, start: int, num_bytes: int) -> bytes:
    file.seek(start)
    return file.read(num_bytes)


class Stretch(NamedTuple):
    """Frames to decode in one sequence."""

    key_frame: int  # where decoding starts
    wanted: list[int]  # ascending

    @property
    def stop(self) -> int:
        """The index after the last frame."""
        return max(self.wanted) + 1

    @property
    def whole(self) -> "Stretch":
        """The same stretch with every frame in between."""
        return Stretch(self.key_frame, list(range(self.key_frame, self.stop)))


def stretches(wanted: Iterable[int], key_frames: Sequence[int]) -> list[Stretch]:
    """Group frames by the key frame from which to decode them, so that few others are decoded.

    Args:
        wanted: Ascending frame indices.
        key_frames: Ascending; the first is not after the first wanted frame.
    """
    found: list[Stretch] = []
    wanted = list(wanted)
    starts = np.searchsorted(key_frames, wanted, side="right") - 1
    for frame, start in zip(wanted, starts.tolist(), strict=True):
        if found and key_frames[start] < found[-1].stop + _REACH:
            found[-1].wanted.append(frame)
        else:
            found.append(Stretch(key_frames[start], [frame]))
    return found
