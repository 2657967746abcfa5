"""Names of cameras and streams; fast to import."""

import stat
from pathlib import Path

from vswin_cli.sources.addresses import is_address

# Protocols that FFmpeg may use, by the scheme of an address; a stream cannot use others.
PROTOCOLS = {
    "rtsp": "rtsp,rtp,udp,tcp", "rtsps": "rtsp,rtsps,rtp,udp,tcp,tls", "rtp": "rtp,udp",
    "udp": "udp", "tcp": "tcp", "rtmp": "rtmp,tcp", "rtmps": "rtmps,tls,tcp",
    "http": "http,tcp", "https": "https,http,tls,tcp",
}  # fmt: skip
_ALWAYS_LIVE = frozenset(PROTOCOLS) - {"http", "https"}


def is_live_name(name: str) -> bool:
    """Whether a name looks like that of a camera or a stream."""
    if is_address(name):
        return name.partition("://")[0].lower() in _ALWAYS_LIVE
    return name.startswith("/dev/video") or is_device(name)


def is_device(name: str) -> bool:
    """Whether a path is that of a device, such as a camera."""
    try:
        return stat.S_ISCHR(Path(name).stat().st_mode)
    except (OSError, ValueError):
        return False
