"""The packets of a stream as the container lists them: counted and timed without decoding."""

from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass
from functools import cached_property
from typing import BinaryIO, NamedTuple

import numpy as np
from av.container import InputContainer
from av.packet import Packet
from av.video.stream import VideoStream

from vswin_cli.sources.file_layout import WithoutMedia
from vswin_cli.video.container import demux, is_encrypted, open_container

_REACH = 32  # frames that decode faster than a seek skips them
_LARGE_BYTES = 1 << 26
_UNKNOWN = np.iinfo(np.int64).min


@dataclass(frozen=True)
class Packets:
    """The packets of a video stream that produce visible frames, in the order of the file.

    In most streams, each packet makes one frame, shown at the packet's time.
    """

    times: np.ndarray  # int64 (num_packets,), in the stream's time base; the least means unknown
    is_key: np.ndarray  # bool (num_packets,): decoding can start here
    num_encrypted: int

    @classmethod
    def scan(cls, file: BinaryIO, container: InputContainer, stream: VideoStream) -> "Packets":
        """List the packets of a container that is at its start.

        The packets of a large MP4 file are listed by its index, without reading their content.
        """
        index = stream.index_entries
        is_indexed = stream.frames == len(index) and "mp4" in container.format.name
        if not is_indexed or container.size < _LARGE_BYTES:
            return cls._of(demux(container, stream), stream)
        key_times = {entry.timestamp for entry in index if entry.is_keyframe}
        with open_container(WithoutMedia(file), probe=False) as hollow:
            same_stream = hollow.streams[stream.index]
            assert isinstance(same_stream, VideoStream)
            return cls._of(demux(hollow, same_stream), same_stream, key_times)

    @classmethod
    def _of(
        cls,
        packets: Iterable["Packet[VideoStream] | None"],
        stream: VideoStream,
        key_times: Set[int] | None = None,
    ) -> "Packets":
        times, is_key, num_encrypted = [], [], 0
        for packet in packets:
            if packet is not None and not packet.is_discard:
                times.append(_UNKNOWN if packet.pts is None else packet.pts)
                is_key.append(packet.is_keyframe if key_times is None else packet.dts in key_times)
                num_encrypted += is_encrypted(stream, packet)
        return cls(np.array(times, np.int64), np.array(is_key, np.bool_), num_encrypted)

    def __len__(self) -> int:
        """The expected number of frames."""
        return len(self.times)

    @cached_property
    def frame_times(self) -> np.ndarray:
        """The time of each frame, int64 (num_packets,), ascending, if each packet makes one."""
        return np.sort(self.times)

    @cached_property
    def key_frames(self) -> list[int]:
        """Indices in display order, ascending, of the frames where decoding can start."""
        key_times = np.sort(self.times[self.is_key])
        return [int(index) for index in np.searchsorted(self.frame_times, key_times)]

    @cached_property
    def are_timed(self) -> bool:
        """Whether all times are known and distinct."""
        times = self.frame_times
        return bool(len(times) and times[0] != _UNKNOWN and (np.diff(times) > 0).all())

    @property
    def tell_frames_apart(self) -> bool:
        """Whether all times are known and distinct, and the first frame is a key frame."""
        return self.are_timed and self.key_frames[:1] == [0]

    def frame_at(self, time: int | None) -> int | None:
        """Return the index of the frame with this time."""
        return None if time is None else self._frames.get(time)

    @cached_property
    def _frames(self) -> dict[int, int]:
        return {time: index for index, time in enumerate(self.frame_times.tolist())}


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
