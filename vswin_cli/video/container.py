"""Opening a container: which kinds are accepted, and which stream is the video.

FFmpeg also opens playlists, scripts, text, pictures, devices, and files that these name. Here they
are not videos.
"""

import io
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import BinaryIO, NoReturn

import av
from av.container import InputContainer
from av.packet import Packet
from av.stream import Disposition
from av.video.stream import VideoStream

from vswin_cli.sources.file_layout import WithoutMedia, lists_too_much
from vswin_cli.video.reader import ReaderError

# FFmpeg's names of containers that hold coded video themselves.
CONTAINERS = (
    "3g2,3gp,apng,asf,asf_o,av1,avi,avs2,avs3,cavsvideo,dhav,dirac,dnxhd,dv,evc,flv,gif,gxf,h261,"
    "h263,h264,hevc,hxvs,ipu,ivf,kux,live_flv,lmlm4,lxf,m4v,matroska,mgsts,mj2,mjpeg,mjpeg_2000,"
    "mov,mp4,mpeg,mpegts,mpegvideo,mpjpeg,msnwctcp,mtv,mxf,nsv,nut,nuv,obu,ogg,pmp,pva,rm,smjpeg,"
    "swf,ty,vc1,vc1test,vvc,webm,wtv,xmv,yuv4mpegpipe"
)
_OPTIONS = {"format_whitelist": CONTAINERS, "protocol_whitelist": "", "enable_drefs": "0"}
_UNPROBED = {"probesize": "2048", "analyzeduration": "1"}
_BUFFER_BYTES = 1 << 18

_TS_PACKET_BYTES = 188
_ASF_ENCRYPTION = bytes.fromhex("fbb3112223bdd211b4b700a0c955fc6e")  # ASF specification, 10.14


@contextmanager
def open_container(
    file: BinaryIO | WithoutMedia, *, probe: bool = True
) -> Iterator[InputContainer]:
    """Open a file from its start; `probe` searches for details that the container does not state.

    Raises:
        ReaderError: `not_a_video`; `unreadable` if it would fill the memory.
    """
    if not isinstance(file, WithoutMedia) and lists_too_much(file):
        raise ReaderError("its index lists more frames than its size allows")
    try:
        container = av.open(
            _Nameless(file),
            "r",
            container_options=_OPTIONS if probe else _OPTIONS | _UNPROBED,
            metadata_errors="replace",
            buffer_size=_BUFFER_BYTES,
            io_open=_refuse,
        )
    except av.FFmpegError as exc:
        raise ReaderError("it contains no video", kind="not_a_video") from exc
    with container, settled(container):
        yield container


@contextmanager
def settled(container: InputContainer) -> Iterator[None]:
    """Wait at the end until the decoding threads are idle, before their decoder is freed.

    They log under Python's lock, which the freeing thread holds while it waits for them.
    """
    try:
        yield
    finally:
        for stream in container.streams.video:
            if stream.codec_context is not None:
                stream.codec_context.flush_buffers()


def main_stream(container: InputContainer) -> VideoStream:
    """Choose the stream that players show.

    Raises:
        ReaderError: `sound_only` if there is sound, with or without a cover picture; `not_a_video`
            if there is nothing, or only a cover picture; `unreadable` if FFmpeg has no decoder.
    """
    moving = [stream for stream in container.streams.video if not _is_picture(stream)]
    if not moving:
        has_cover = bool(container.streams.video)
        kind = "sound_only" if container.streams.audio else "not_a_video"
        raise ReaderError(
            "its only picture is a cover" if has_cover else "it contains no video stream", kind=kind
        )
    best = container.streams.best("video")
    stream = best if best in moving else max(moving, key=lambda each: each.frames)
    if stream.codec_context is None:
        raise ReaderError("FFmpeg has no decoder for its video")
    return stream


def demux(container: InputContainer, stream: VideoStream) -> Iterator["Packet[VideoStream] | None"]:
    """Yield the packets of a stream that are not empty, then None, up to the end or an error."""
    with suppress(av.FFmpegError):  # FFmpeg's players end there too
        yield from (packet for packet in container.demux(stream) if packet.size)
    yield None


def is_encrypted(stream: VideoStream, packet: "Packet[VideoStream]") -> bool:
    """Whether a packet needs a key to be decoded, according to its container."""
    return (
        packet.has_sidedata("encryption_info")  # MP4, Common Encryption
        or stream.codec_context.codec_tag == "drmi"  # MP4, FairPlay
        or "enc_key_id" in stream.metadata  # Matroska, WebM
    )


def is_scrambled(file: BinaryIO) -> bool:
    """Whether the start of a file shows encryption that FFmpeg does not report."""
    file.seek(0)
    head = file.read(1 << 16)
    if _ASF_ENCRYPTION in head:
        return True
    packets = [head[k : k + 4] for k in range(0, len(head) - 4, _TS_PACKET_BYTES)]
    return all(p[0] == ord("G") for p in packets) and any(p[3] & 0x80 for p in packets)


class _Nameless:
    """A file without a name, because PyAV takes a name such as `take%d.png` as a hint.

    It has a separate position, so that several containers can read one file.
    """

    def __init__(self, file: BinaryIO | WithoutMedia) -> None:
        self._file = file
        self._position = 0

    def read(self, size: int) -> bytes:
        self._file.seek(self._position)
        content = self._file.read(size)
        self._position += len(content)
        return content

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        if whence == io.SEEK_CUR:
            offset, whence = self._position + offset, io.SEEK_SET
        self._position = self._file.seek(offset, whence)
        return self._position

    def tell(self) -> int:
        return self._position


def _is_picture(stream: VideoStream) -> bool:
    return bool(stream.disposition & (Disposition.attached_pic | Disposition.timed_thumbnails))


def _refuse(url: str, flags: int, options: dict[str, str]) -> NoReturn:
    """Refuse a demuxer's request to open another file."""
    raise PermissionError("a video may not open other files")
