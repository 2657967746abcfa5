"""What the bytes of a packet show about its picture, without decoding it.

Sources: ITU-T H.264, 7.3.1 and 7.4.1; H.265, 7.3.1.2 and 7.4.2.2; H.262, 6.2.3; ISO/IEC 14496-2,
6.2.3 and 6.2.5; RFC 6386, 9.1; the VP9 bitstream specification, 6.2 and annex B.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from enum import Enum, auto
from functools import partial

import numpy as np
from av.video.stream import VideoStream

_START_CODE = re.compile(rb"\x00\x00\x01")
_MPEG2_PICTURE = re.compile(rb"\x00\x00\x01\x00.(.)", re.DOTALL)
_MPEG4_PICTURE = re.compile(rb"\x00\x00\x01\xb6(.)", re.DOTALL)
_MPEG2_B_PICTURE = 3
_MPEG4_B_PICTURE = 2
_MPEG4_LAYER = re.compile(rb"\x00\x00\x01[\x20-\x2f]")
_JPEG_SCAN = b"\xff\xda"
_MAX_UNCODED_BYTES = 19  # of a picture that is left out; as in FFmpeg's decoder


class Coded(Enum):
    """The pictures in a packet."""

    PICTURE = auto()  # one
    UNUSED = auto()  # one that no other refers to, which FFmpeg skips by `NONREF`
    NOTHING = auto()  # none that is shown
    SEVERAL = auto()  # packed: FFmpeg decodes the second one with the next packet
    UNCODED = auto()  # room for a packed one; else none
    UNCLEAR = auto()


def coded_in(stream: VideoStream) -> Callable[[bytes], Coded] | None:
    """Return a function that finds the pictures in a packet of a stream from its bytes.

    None for codecs whose packets are not parsed.
    """
    codec = stream.codec_context
    header = codec.extradata or b""
    if codec.name == "h264":
        return partial(_h264, length_bytes=header[4] % 4 + 1 if header[:1] == b"\1" else 0)
    if codec.name == "hevc":
        has_lengths = len(header) > 21 and header[:3] not in (b"\0\0\0", b"\0\0\1")
        return partial(_hevc, length_bytes=header[21] % 4 + 1 if has_lengths else 0)
    if codec.name == "mpeg4":
        return _Mpeg4(header)
    return _OTHERS.get(codec.name)


def shown(kinds: Sequence[Coded]) -> tuple[np.ndarray, bool]:
    """Return which packets give a frame, bool (packets,), and whether this is certain."""
    are_shown = np.ones(len(kinds), np.bool_)
    if not set(kinds) - {Coded.PICTURE, Coded.UNUSED}:
        return are_shown, True
    num_packed, is_certain = 0, Coded.UNCLEAR not in kinds
    for number, kind in enumerate(kinds):
        if kind is Coded.NOTHING:
            are_shown[number] = False
        elif kind is Coded.SEVERAL:
            num_packed += 1
            is_certain = is_certain and num_packed == 1
        elif kind is Coded.UNCODED and num_packed:
            num_packed -= 1
        elif kind is Coded.UNCODED:
            are_shown[number] = is_certain = False  # others that refer to it may be left out too
    return are_shown, is_certain and not num_packed


def _units(content: bytes, length_bytes: int) -> Iterator[bytes]:
    """Yield the first byte of each NAL unit, up to one that does not fit into the packet.

    Args:
        content: Packet.
        length_bytes: Size of the number before each unit; 0 if start codes divide them.
    """
    if not length_bytes:
        for match in _START_CODE.finditer(content):
            yield content[match.end() : match.end() + 1]
        return
    start = length_bytes
    while start < len(content):
        stop = start + int.from_bytes(content[start - length_bytes : start], "big")
        if stop > len(content):
            return
        yield content[start : start + 1]
        start = stop + length_bytes


def _h264(content: bytes, length_bytes: int) -> Coded:
    found = Coded.UNCLEAR
    for head in _units(content, length_bytes):
        kind = head[0] & 31 if head else 0
        if kind in (1, 2, 5):
            return Coded.PICTURE if head[0] & 0x60 else Coded.UNUSED
        found = Coded.NOTHING if 6 <= kind <= 12 else Coded.UNCLEAR
    return found


def _hevc(content: bytes, length_bytes: int) -> Coded:
    found = Coded.UNCLEAR
    for head in _units(content, length_bytes):
        kind = head[0] >> 1 if head else 64
        if kind < 32:
            return Coded.UNUSED if kind < 16 and kind % 2 == 0 else Coded.PICTURE
        found = Coded.NOTHING if kind <= 40 else Coded.UNCLEAR
    return found


def _mpeg2(content: bytes) -> Coded:
    if picture := _MPEG2_PICTURE.search(content):
        kind = picture[1][0] >> 3 & 7
        return Coded.UNUSED if kind == _MPEG2_B_PICTURE else Coded.PICTURE
    return Coded.NOTHING if _START_CODE.search(content) else Coded.UNCLEAR


def _mjpeg(content: bytes) -> Coded:
    return Coded.PICTURE if _JPEG_SCAN in content else Coded.UNCLEAR


class _Mpeg4:
    def __init__(self, header: bytes) -> None:
        self._num_time_bits = 0  # in the header of a picture; 0 is unknown
        self._take_layer(header)

    def __call__(self, content: bytes) -> Coded:
        self._take_layer(content)
        pictures = list(_MPEG4_PICTURE.finditer(content))
        if len(pictures) > 1:
            return Coded.SEVERAL
        if not pictures:
            return Coded.NOTHING if _START_CODE.search(content) else Coded.UNCLEAR
        start = pictures[0].start(1)
        if len(content) - start <= _MAX_UNCODED_BYTES and not self._is_coded(content[start:]):
            return Coded.UNCODED
        return Coded.UNUSED if content[start] >> 6 == _MPEG4_B_PICTURE else Coded.PICTURE

    def _take_layer(self, content: bytes) -> None:
        """Note what the header of a video object layer, if any, says about its pictures."""
        if layer := _MPEG4_LAYER.search(content):
            bits = _Bits(content[layer.end() : layer.end() + 32])
            bits.take(9)
            if bits.take(1):  # an identifier
                bits.take(7)
            if bits.take(4) == 15:  # a pixel aspect ratio
                bits.take(16)
            if bits.take(1) and bits.take(4) % 2:  # control parameters, with those of a buffer
                bits.take(79)
            bits.take(3)
            self._num_time_bits = max((bits.take(16) - 1).bit_length(), 1)

    def _is_coded(self, picture: bytes) -> bool:
        """Whether a picture is coded, not only announced."""
        bits = _Bits(picture)
        bits.take(2)
        while bits.take(1):  # seconds
            pass
        bits.take(self._num_time_bits + 2)
        return bool(self._num_time_bits and bits.take(1))


class _Bits:
    """Reads bits from the start of some bytes; zeros follow."""

    def __init__(self, content: bytes) -> None:
        self._left = "".join(f"{byte:08b}" for byte in content)

    def take(self, count: int) -> int:
        taken, self._left = self._left[:count], self._left[count:]
        return int(taken.ljust(count, "0") or "0", 2)


def _vp8(content: bytes) -> Coded:
    return Coded.PICTURE if content[0] & 0x10 else Coded.NOTHING


def _vp9(content: bytes) -> Coded:
    if content[-1] & 0xE0 == 0xC0:  # several frames, one of which is shown
        return Coded.PICTURE
    bits = int.from_bytes(content[:2].ljust(2, b"\0"), "big")
    is_profile_3 = bits >> 12 & 3 == 3
    shows_existing, _, is_shown = (bits >> (11 - is_profile_3 - k) & 1 for k in range(3))
    return Coded.PICTURE if shows_existing or is_shown else Coded.NOTHING


_OTHERS: dict[str, Callable[[bytes], Coded]] = {
    "mpeg1video": _mpeg2,
    "mpeg2video": _mpeg2,
    "mjpeg": _mjpeg,
    "vp8": _vp8,
    "vp9": _vp9,
}
