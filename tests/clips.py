"""Synthetic videos whose pixels show their frame number, in any container.

A numbered frame is a grid of 4×4 black and white blocks: the corners show which side is up, and the
other twelve are the bits of the number. The blocks survive lossy compression, resizing and colour
conversion.
"""

import itertools
import os
import struct
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.bitstream import BitStreamFilterContext

GRID = 4
CORNERS = {
    0: 1,
    GRID - 1: 0,
    GRID * (GRID - 1): 0,
    GRID * GRID - 1: 0,
}  # only the top left is white
BIT_BLOCKS = [block for block in range(GRID * GRID) if block not in CORNERS]
QUIET_X265 = {"x265-params": "log-level=none"}

MATRICES = {  # values a, b, c, d of the display matrix
    "turned 90": (0, 1, -1, 0),  # clockwise
    "turned 180": (-1, 0, 0, -1),
    "turned 270": (0, -1, 1, 0),
    "mirrored": (-1, 0, 0, 1),
    "upside down": (1, 0, 0, -1),
    "transposed": (0, 1, 1, 0),
    "transposed and turned 180": (0, -1, -1, 0),
}


def numbered_frame(number: int, height: int = 64, width: int = 96) -> np.ndarray:
    """Make uint8 RGB (height, width, 3) that shows a number below 4096."""
    blocks = np.zeros(GRID * GRID, np.uint8)
    for block, value in CORNERS.items():
        blocks[block] = value
    for bit, block in enumerate(BIT_BLOCKS):
        blocks[block] = number >> bit & 1
    rows = np.arange(height) * GRID // height
    columns = np.arange(width) * GRID // width
    gray = np.where(blocks.reshape(GRID, GRID)[rows][:, columns], 235, 16).astype(np.uint8)
    return np.repeat(gray[..., np.newaxis], 3, axis=2)


def numbered_frames(num_frames: int, height: int = 64, width: int = 96) -> Iterator[np.ndarray]:
    """The frames 0, 1, 2, … of a clip."""
    for number in range(num_frames):
        yield numbered_frame(number, height, width)


def read_number(frame: np.ndarray) -> int:
    """Read the number in an upright frame.

    Raises:
        AssertionError: The frame is not upright, or has no number.
    """
    height, width = frame.shape[:2]
    rows = (2 * np.arange(GRID) + 1) * height // (2 * GRID)
    columns = (2 * np.arange(GRID) + 1) * width // (2 * GRID)
    reach = max(min(height, width) // (4 * GRID), 1)
    bits = [
        int(frame[y - reach : y + reach, x - reach : x + reach].mean() > 127)
        for y, x in itertools.product(rows, columns)
    ]
    corners = {block: bits[block] for block in CORNERS}
    assert corners == CORNERS, f"not an upright numbered frame: corners {corners}"
    return sum(bits[block] << bit for bit, block in enumerate(BIT_BLOCKS))


def middle_and_first(num_frames: int) -> list[int]:
    """Choose the middle frame and the first one."""
    return [num_frames // 2, 0]


def encode(
    path: Path,
    frames: Iterable[np.ndarray],
    codec: str = "libx264",
    *,
    pixel_format: str = "yuv420p",
    options: dict[str, str] | None = None,
    rate: int = 30,
    timestamps: Iterable[int] | None = None,
    container_options: dict[str, str] | None = None,
    container_format: str | None = None,
) -> Path:
    """Encode RGB frames; the container is that of the file's suffix unless named.

    Args:
        timestamps: When each frame is shown, in milliseconds; None is a steady `rate` per second.
    """
    options = {**(QUIET_X265 if codec == "libx265" else {}), **(options or {})}
    with (
        usual_scheduling(),
        av.open(
            str(path), "w", format=container_format, container_options=container_options or {}
        ) as container,
    ):
        stream = container.add_stream(codec, rate=rate, options=options)
        stream.pix_fmt = pixel_format
        stream.time_base = stream.codec_context.time_base = (
            Fraction(1, rate) if timestamps is None else Fraction(1, 1000)
        )
        for frame, timestamp in zip(frames, timestamps or itertools.count(), strict=False):
            if not stream.codec_context.is_open:
                stream.height, stream.width = frame.shape[:2]
            picture = av.VideoFrame.from_ndarray(frame, format="rgb24")
            picture.pts, picture.time_base = timestamp, stream.codec_context.time_base
            container.mux(stream.encode(picture))
        container.mux(stream.encode(None))
    return path


@contextmanager
def usual_scheduling() -> Iterator[None]:
    """Undo the scheduling of SVT-AV1, which makes its caller a real-time thread for root."""
    try:
        yield
    finally:
        if hasattr(os, "sched_getscheduler") and os.sched_getscheduler(0) == os.SCHED_FIFO:
            os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))


def count_frames(path: Path) -> int:
    """Count the frames of a decode of the whole file, past damage."""
    num_frames = 0
    with av.open(str(path)) as container:
        for packet in container.demux(video=0):
            with suppress(av.FFmpegError):
                num_frames += len(packet.decode())
    return num_frames


def repeat(path: Path, source: Path, times: int) -> Path:
    """Repeat a clip many times by copying its packets, which makes a long video cheaply."""
    with av.open(str(source)) as once, av.open(str(path), "w") as container:
        stream = container.add_stream_from_template(once.streams.video[0], opaque=True)
        packets = [packet for packet in once.demux(video=0) if packet.dts is not None]
        contents = [(bytes(p), p.pts, p.dts, p.duration, p.is_keyframe) for p in packets]
        length = sum(duration for _, _, _, duration, _ in contents)
        for start in range(0, times * length, length):
            for content, pts, dts, duration, is_keyframe in contents:
                packet = av.Packet(content)
                packet.pts, packet.dts, packet.duration = start + pts, start + dts, duration
                packet.stream, packet.time_base = stream, packets[0].time_base
                packet.is_keyframe = is_keyframe
                container.mux(packet)
    return path


def as_transport_stream(source: Path, path: Path) -> Path:
    """Copy the packets of a video into a broadcast stream."""
    with av.open(str(source)) as given, av.open(str(path), "w") as container:
        stream = container.add_stream_from_template(given.streams.video[0])
        for packet in given.demux(video=0):
            if packet.dts is not None:
                packet.stream = stream
                container.mux(packet)
    return path


def as_stored(frame: np.ndarray, matrix: tuple[int, int, int, int]) -> np.ndarray:
    """Return the frame (H, W, 3) that a display matrix turns upright."""
    a, b, c, d = matrix
    if a or d:
        return frame[:: d or 1, :: a or 1]
    return frame[:: b or 1, :: c or 1].swapaxes(0, 1)


def set_matrix(path: Path, matrix: tuple[int, int, int, int]) -> Path:
    """Give an MP4 or MOV file a display matrix, in its track header."""
    content = bytearray(path.read_bytes())
    a, b, c, d = (value << 16 for value in matrix)
    start = content.index(b"tkhd") + 44
    struct.pack_into(">9i", content, start, a, b, 0, c, d, 0, 0, 0, 1 << 30)
    path.write_bytes(content)
    return path


def remux(
    path: Path,
    source: Path,
    *,
    first: int = 0,
    change: Callable[[int, bytes], bytes] = lambda number, content: content,
    filters: tuple[str, str] | None = None,
) -> Path:
    """Copy a video's packets from the `first` on, each changed by `change`.

    Args:
        filters: A bitstream filter and its arguments, applied to the packets.
    """
    with av.open(str(source)) as given, av.open(str(path), "w") as container:
        template = given.streams.video[0]
        stream = container.add_stream_from_template(template, opaque=True)
        packets = list(given.demux(template))[:-1]
        if filters:
            bitstream = BitStreamFilterContext("=".join(filters), template, stream)
            packets = [new for packet in packets for new in bitstream.filter(packet)]
        for number, packet in enumerate(packets[first:], start=first):
            new = av.Packet(change(number, bytes(packet)))
            new.pts, new.dts, new.duration = packet.pts, packet.dts, packet.duration
            new.stream, new.time_base = stream, packet.time_base
            new.is_keyframe = packet.is_keyframe
            container.mux(new)
    return path


def patch(path: Path, box: bytes, offset: int, value: int, byteorder: str = "big") -> Path:
    """Overwrite a 32-bit number at an offset after the first box with this name."""
    content = bytearray(path.read_bytes())
    where = content.index(box) + len(box) + offset
    content[where : where + 4] = value.to_bytes(4, byteorder)
    path.write_bytes(content)
    return path


def cut(path: Path, share: float) -> Path:
    """Keep the first part of a file, as after an interrupted transfer."""
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    return path


def corrupt(path: Path, start: float, stop: float, seed: int = 3) -> Path:
    """Overwrite a part of a file with noise; start and stop are shares of its length."""
    content = bytearray(path.read_bytes())
    where = slice(int(len(content) * start), int(len(content) * stop))
    content[where] = np.random.default_rng(seed).bytes(len(content[where]))
    path.write_bytes(content)
    return path
