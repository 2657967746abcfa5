"""The description of a file: container, streams, packets, first frame, damage."""

import codecs
from typing import Any, BinaryIO

import av
import numpy as np
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.reformatter import ColorPrimaries, ColorRange, Colorspace, ColorTrc
from av.video.stream import VideoStream

from vswin_cli.sources.file_layout import ends_in_zeros, is_cut_off, why_no_video
from vswin_cli.sources.source import Source
from vswin_cli.system.text import UTF16_MARKS
from vswin_cli.video.container import main_stream, open_container
from vswin_cli.video.packets import Packets
from vswin_cli.video.pictures import display_matrix
from vswin_cli.video.reader import ReaderError

# AVFieldOrder: which field is coded first, and which is shown first.
_FIELD_ORDERS = {
    0: None, 1: "progressive", 2: "top first (tt)", 3: "bottom first (bb)",
    4: "top coded, bottom shown first (tb)", 5: "bottom coded, top shown first (bt)",
}  # fmt: skip
_MATRICES = {0: "rgb", 2: "unspecified", 8: "ycgco", 10: "bt2020c"}  # ITU-T H.273, lacking in PyAV
_TAGS = ("major_brand", "minor_version", "compatible_brands", "encoder", "vendor_id")
_MARKS = (codecs.BOM_UTF8, *UTF16_MARKS)
_FIRST_BYTES = 16  # enough to recognize a format, too few for private text


def describe_file(source: Source) -> dict[str, Any]:
    """Describe everything about a file except its pictures; only certain tags are included.

    Raises:
        AddressError: The connection breaks.
        OSError: The disk fails.
    """
    file = source.file
    num_bytes = file.seek(0, 2)
    file.seek(0)
    record: dict[str, Any] = {
        "bytes": num_bytes,
        "first_bytes": _told(file.read(_FIRST_BYTES)),
        "cut_off": is_cut_off(file),
        "ends_in_zeros": ends_in_zeros(file),
    }
    try:
        with open_container(file) as container:
            record["container"] = _container(container)
            record["streams"] = [_brief(stream) for stream in container.streams]
            stream = main_stream(container)
            record["video_stream"] = _stream(stream)
            record["packets"] = _packets(file, container, stream)
    except ReaderError as exc:
        return record | {"error": (exc.kind == "not_a_video" and why_no_video(file)) or exc.reason}
    known = record["video_stream"]
    frame = _first_frame(file)
    record["first_frame"] = {key: frame[key] for key in frame if frame[key] != known.get(key)}
    return record


def _told(head: bytes) -> str:
    is_text = head.isascii() and head.decode().replace("\n", "").replace("\r", "").isprintable()
    return "text" if is_text or head.startswith(_MARKS) else head.hex(" ")


def _container(container: InputContainer) -> dict[str, Any]:
    seconds = None if container.duration is None else round(container.duration / av.time_base, 3)
    return {
        "format": container.format.name,
        "duration_seconds": seconds,
        "bit_rate": container.bit_rate or None,
        **_tags(container.metadata),
    }


def _brief(stream: Any) -> str:  # noqa: ANN401 - any kind of stream
    codec = stream.codec_context.name if stream.codec_context else "unknown codec"
    flags = [flag.name for flag in type(stream.disposition) if flag in stream.disposition]
    kept = [name for name in flags if name != "default"]
    return " ".join([f"{stream.index}: {stream.type} {codec}", *kept])


def _stream(stream: VideoStream) -> dict[str, Any]:
    codec = stream.codec_context
    return {
        "index": stream.index,
        "codec": codec.name,
        "codec_tag": codec.codec_tag if codec.codec_tag.isprintable() else None,
        "profile": codec.profile,
        "level": codec.level,
        "pixel_format": codec.pix_fmt,
        "size": f"{codec.width}×{codec.height}",
        "sample_aspect_ratio": _ratio(stream.sample_aspect_ratio),
        "field_order": _FIELD_ORDERS.get(codec.field_order),
        "average_rate": _ratio(stream.average_rate),
        "base_rate": _ratio(stream.base_rate),
        "time_base": _ratio(stream.time_base),
        "start_time": stream.start_time,
        "num_announced_frames": stream.frames,
        "reorders_frames": codec.has_b_frames,
        **_colours(codec),
        **_tags(stream.metadata),
    }


def _packets(file: BinaryIO, container: InputContainer, stream: VideoStream) -> dict[str, Any]:
    packets = Packets.scan(file, container, stream)
    record: dict[str, Any] = {
        "num_packets": len(packets),
        "num_key_packets": int(packets.is_key.sum()),
        "num_encrypted": int(packets.num_encrypted),
        "timed": packets.are_timed,
        "tell_frames_apart": packets.tell_frames_apart,
    }
    if packets.are_timed and len(packets) > 1:
        steps = np.diff(packets.frame_times)
        record |= {"shortest_step": int(steps.min()), "longest_step": int(steps.max())}
    return record


def _first_frame(file: BinaryIO) -> dict[str, Any]:
    with open_container(file) as container:
        stream = main_stream(container)
        try:
            frame = next(container.decode(stream))
        except StopIteration:
            return {"error": "nothing decodes"}
        except av.FFmpegError as exc:
            return {"error": f"FFmpeg: {exc.strerror}"}
        return {
            "size": f"{frame.width}×{frame.height}",
            "pixel_format": frame.format.name,
            "interlaced": frame.interlaced_frame,
            "rotation": frame.rotation,
            "display_matrix": _matrix(frame),
            "corrupt": frame.is_corrupt,
            **_colours(frame),
        }


def _matrix(frame: VideoFrame) -> list[float] | None:
    try:
        matrix = display_matrix(frame)
    except av.FFmpegError:
        return None
    largest = max(map(abs, matrix)) or 1
    return [round(each / largest, 3) for each in matrix]


def _colours(of: Any) -> dict[str, str]:  # noqa: ANN401 - a codec or a frame
    return {
        "color_range": _named(ColorRange, of.color_range),
        "color_primaries": _named(ColorPrimaries, of.color_primaries),
        "color_transfer": _named(ColorTrc, of.color_trc),
        "color_matrix": _named(Colorspace, of.colorspace),
    }


def _named(kind: Any, number: int) -> str:  # noqa: ANN401 - an enumeration of PyAV's
    names = [each.name.lower() for each in kind if each.value == number]
    if kind is Colorspace and number in _MATRICES:
        names = [_MATRICES[number]]
    return f"{names[0]} ({int(number)})" if names else str(int(number))


def _ratio(ratio: Any) -> str | None:  # noqa: ANN401 - a fraction or nothing
    return None if not ratio else f"{ratio.numerator}/{ratio.denominator}"


def _tags(metadata: Any) -> dict[str, str]:  # noqa: ANN401 - PyAV's
    """Return the program that wrote the file; titles, places and dates are private."""
    return {name: str(metadata[name])[:100] for name in _TAGS if name in metadata}
