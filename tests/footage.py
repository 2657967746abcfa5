"""Clips as cameras, editors and accidents make them: each function writes one to a path."""

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.stream import Disposition
from clips import (
    MATRICES,
    as_stored,
    encode,
    numbered_frame,
    numbered_frames,
    patch,
    remux,
    set_matrix,
)

Make = Callable[[Path], object]
FRAGMENTED = {"movflags": "frag_keyframe+empty_moov"}


def clip(codec="libx264", num_frames=90, height=64, width=96, **options):
    return lambda path: encode(path, numbered_frames(num_frames, height, width), codec, **options)


def turned(name):
    def make(path):
        encode(path, (as_stored(frame, MATRICES[name]) for frame in numbered_frames(90)))
        set_matrix(path, MATRICES[name])

    return make


def starting_late(path):
    """Hide the first ten frames by an edit list; later frames need them."""
    encode(path, numbered_frames(90), options={"g": "90", "bf": "0"})
    patch(path, b"elst", 12, 10 * 512)  # media time of the edit list, in 1/15360 s


def over_counted_avi(path):
    encode(path, numbered_frames(90), "mpeg4")
    patch(path, b"avih", 20, 500, "little")
    patch(path, b"strh", 36, 500, "little")


def cut_fragments(path):
    encode(path, numbered_frames(90), options={"g": "10", "bf": "0"}, container_options=FRAGMENTED)
    content = path.read_bytes()
    whole_fragments = content.rindex(b"moof", 0, int(len(content) * 0.6)) - 4
    path.write_bytes(content[:whole_fragments])


def x265(parameters):
    return {"x265-params": f"log-level=none:{parameters}"}


def interlaced(codec="libx264", height=64, width=96, **options):
    def make(path):
        flags = {"flags": "+ildct+ilme", **options.pop("options", {})}
        clip(codec, height=height, width=width, options=flags, **options)(path)

    return make


def damaged(*numbers):
    """Replace some packets by noise."""

    def make(path):
        options = {"bf": "0", "g": "10"}
        whole = encode(path.with_name(f"whole-{path.name}"), numbered_frames(90), options=options)
        remux(path, whole, change=lambda k, old: b"\xff" * len(old) if k in numbers else old)

    return make


def with_cover(path, *, first):
    """Add a cover picture as a stream, which players show during the sound."""
    with av.open(str(path), "w") as container:
        streams = [container.add_stream("libx264", rate=30), container.add_stream("mjpeg", rate=1)]
        for stream, pixel_format in zip(streams, ("yuv420p", "yuvj420p"), strict=True):
            stream.height, stream.width, stream.pix_fmt = 64, 96, pixel_format
        streams[1].disposition = Disposition.attached_pic
        cover = av.VideoFrame.from_ndarray(numbered_frame(4000), format="rgb24")
        container.mux(streams[1].encode(cover))
        for frame in numbered_frames(90):
            container.mux(streams[0].encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        for stream in streams:
            container.mux(stream.encode(None))
    if first:  # put the box of the cover before that of the track
        content = path.read_bytes()
        start, stop = content.rindex(b"udta") - 4, len(content)
        track = content.rindex(b"trak", 0, start) - 4
        path.write_bytes(content[:track] + content[start:stop] + content[track:start])


def with_pause(path):
    """Keep a picture for 200 seconds while the sound continues."""
    times = [33 * k + 200_000 * (k >= 45) for k in range(90)]
    with av.open(str(path), "w") as container:
        stream, sound = container.add_stream("libx264", rate=30), container.add_stream("aac", 8000)
        stream.height, stream.width, stream.pix_fmt = 64, 96, "yuv420p"
        stream.time_base = stream.codec_context.time_base = Fraction(1, 1000)
        silence = np.zeros((1, 1024), np.float32)
        for k, frame in enumerate(numbered_frames(90)):
            picture = av.VideoFrame.from_ndarray(frame, format="rgb24")
            picture.pts, picture.time_base = times[k], Fraction(1, 1000)
            container.mux(stream.encode(picture))
        for k in range(205 * 8000 // 1024):
            samples = av.AudioFrame.from_ndarray(silence, format="fltp", layout="mono")
            samples.sample_rate, samples.pts = 8000, 1024 * k
            container.mux(sound.encode(samples))
        for each in (stream, sound):
            container.mux(each.encode(None))


def with_sound_from_0(path, first_seconds, seconds):
    """Show the first of 25 frames per second some time after the sound begins."""
    with av.open(str(path), "w") as container:
        stream, sound = container.add_stream("libx264", rate=25), container.add_stream("aac", 8000)
        stream.height, stream.width, stream.pix_fmt = 64, 96, "yuv420p"
        silence = np.zeros((1, 1024), np.float32)
        for k in range(25 * (seconds - first_seconds)):
            picture = av.VideoFrame.from_ndarray(numbered_frame(k), format="rgb24")
            picture.pts, picture.time_base = 25 * first_seconds + k, Fraction(1, 25)
            container.mux(stream.encode(picture))
        for k in range(seconds * 8000 // 1024):
            samples = av.AudioFrame.from_ndarray(silence, format="fltp", layout="mono")
            samples.sample_rate, samples.pts = 8000, 1024 * k
            container.mux(sound.encode(samples))
        for each in (stream, sound):
            container.mux(each.encode(None))
    return path


def joined(*makes):
    """Join streams of different kinds in one file."""

    def make(path):
        parts = [path.with_name(f"{k}-{path.name}") for k in range(len(makes))]
        for part, make_part in zip(parts, makes, strict=True):
            make_part(part)
        path.write_bytes(b"".join(part.read_bytes() for part in parts))

    return make


def numbered_from(first, num_frames, height=64, width=96, **options):
    return lambda path: encode(
        path,
        (numbered_frame(k, height, width) for k in range(first, first + num_frames)),
        **options,
    )


def mid_gop(path):
    """Begin between two key frames."""
    once = encode(path.with_name("whole.ts"), numbered_frames(90), options={"g": "30", "bf": "0"})
    remux(path, once, first=12)
