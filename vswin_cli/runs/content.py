"""Whether to open a file as a video: by its name, or by its first bytes."""

import glob
import mimetypes
import os
import stat
from pathlib import Path

_EXTENSIONS = frozenset(
    (
        ".3g2", ".3gp", ".asf", ".avi", ".divx", ".dv", ".f4v", ".flv", ".gif", ".h264", ".h265",
        ".hevc", ".ivf", ".m1v", ".m2ts", ".m2v", ".m4v", ".mjpeg", ".mkv", ".mov", ".mp4", ".mpe",
        ".mpeg", ".mpg", ".mts", ".mxf", ".nut", ".ogv", ".qt", ".rm", ".rmvb", ".ts", ".vob",
        ".webm", ".wmv", ".y4m",
    )
)  # fmt: skip
_SHARED_EXTENSIONS = frozenset((".ts", ".mts"))  # also TypeScript files: their content decides
_NUM_BYTES = 512
_TS_PACKET = 188  # bytes, ISO/IEC 13818-1
_STILL_BRANDS = (
    b"M4A ",
    b"M4B ",
    b"avif",
    b"heic",
    b"heix",
    b"mif1",
    b"crx ",
)  # of ISO media files
_SIGNATURES = (
    b"\x1a\x45\xdf\xa3",  # Matroska, WebM
    b"FLV\x01",
    b"\x00\x00\x01\xba",  # MPEG program stream
    b"\x00\x00\x01\xb3",  # MPEG video
    b"\x30\x26\xb2\x75\x8e\x66\xcf\x11",  # ASF, WMV
    b"DKIF",  # IVF
    b"YUV4MPEG2",
    b"\x06\x0e\x2b\x34\x02\x05\x01\x01\x0d\x01\x02",  # MXF
)


def is_video_name(path: str) -> bool:
    """Whether the name of a file alone says that it is a video."""
    extension = os.path.splitext(path)[1].lower()  # noqa: PTH122 - of any string
    return extension in _EXTENSIONS and extension not in _SHARED_EXTENSIONS


def is_video_content(path: str) -> bool:
    """Whether a regular file with another name starts like a video.

    An unreadable file with the name of a transport stream is accepted too, so that it is reported.
    """
    extension = os.path.splitext(path)[1].lower()  # noqa: PTH122
    kind = mimetypes.guess_type(f"x{extension}")[0] or ""
    if extension not in _SHARED_EXTENSIONS and kind.startswith(("audio/", "image/", "text/")):
        return False
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):  # noqa: PTH116 - opening a FIFO would block
            return extension in _SHARED_EXTENSIONS
        with Path(path).open("rb") as file:
            start = file.read(_NUM_BYTES)
    except (OSError, ValueError):
        return extension in _SHARED_EXTENSIONS
    return _is_video(start) or (extension in _SHARED_EXTENSIONS and not start)


def _is_video(start: bytes) -> bool:
    if start[4:8] == b"ftyp":
        return start[8:12] not in _STILL_BRANDS
    if start[4:8] in (b"moov", b"mdat", b"wide"):
        return True
    if start[:4] == b"RIFF":
        return start[8:12] == b"AVI "
    if start[:4] == b"OggS":
        return b"theora" in start
    for packet in (_TS_PACKET, _TS_PACKET + 4):  # plain, and as written by cameras
        first = packet - _TS_PACKET
        if len(start) > first + packet and start[first] == start[first + packet] == ord("G"):
            return True
    return start.startswith(_SIGNATURES)


def videos_matching(pattern: str) -> list[str]:
    """Find the videos that a pattern of paths matches, by name; none if it is no pattern."""
    if not glob.has_magic(pattern):
        return []
    return sorted(filter(is_video_name, glob.iglob(pattern, recursive=True)))  # noqa: PTH207 - names as given
