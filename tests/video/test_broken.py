"""Files that break in the middle, and damage that decoders hide."""

import subprocess
import sys

import av
import pytest
from av.stream import Disposition
from clips import corrupt, count_frames, cut, encode, numbered_frame, numbered_frames, read_number

from vswin_cli.errors import VideoError
from vswin_cli.video import av_reader
from vswin_cli.video import reading as reading_module
from vswin_cli.video.reader import ReaderError
from vswin_cli.video.reading import read_video
from vswin_cli.views.views import read_views
from vswin_cli.zoo.protocols import KINETICS

FASTSTART = {"movflags": "faststart"}


def broken_in_the_middle(path):
    """Make one packet in the middle, that of frame 100, noise; the others are intact."""
    encode(path, numbered_frames(200), options={"bf": "0", "g": "20"}, container_options=FASTSTART)
    with av.open(str(path)) as container:
        packets = [packet for packet in container.demux(video=0) if packet.size]
        start, size = packets[100].pos, packets[100].size
    content = bytearray(path.read_bytes())
    content[start : start + size] = b"\xff" * size
    path.write_bytes(content)
    return path


@pytest.fixture
def broken(tmp_path):
    return broken_in_the_middle(tmp_path / "broken.mp4")


@pytest.mark.parametrize("reader", ["av", "auto"])
def test_frames_past_the_break_are_given_with_a_warning(broken, reader):
    reading = read_video(broken, reader, range, lambda frame: frame.copy())
    assert reading.num_frames == count_frames(broken) < 200
    numbers = [read_number(frame) for _, frame in sorted(reading.frames.items())]
    assert numbers[:100] == list(range(100))
    assert numbers[-79:] == list(range(121, 200))  # frames in between refer to the lost one
    [warning] = reading.warnings
    assert "the stream is damaged: " in warning


def test_clips_are_sampled_from_the_frames_there_are(broken):
    views = read_views(broken, (KINETICS,), "auto")
    assert views.num_frames == count_frames(broken)
    assert views.clips.max() < views.num_frames
    assert len(views.warnings) == 1
    assert views.num_distinct_views == len(list(views))


def test_decord_refuses_a_stream_that_breaks(broken, apart):
    with pytest.raises(VideoError, match=r"decord stopped before frame 200.*; try --reader av"):
        apart(read_video, broken, "decord", range, read_number)


def test_damage_that_only_the_log_tells_of_is_told(tmp_path):
    """The MPEG-4 decoder hides it, and returns success."""
    path = encode(tmp_path / "noise.avi", numbered_frames(90, 128, 192), "mpeg4")
    with av.open(str(path)) as container:
        packet = [packet for packet in container.demux(video=0) if packet.size][40]
        start, size = packet.pos + 8, packet.size
    content = bytearray(path.read_bytes())
    content[start + size // 2 : start + size] = b"\xff" * (size - size // 2)
    path.write_bytes(content)
    reading = read_video(path, "auto", range, lambda frame: frame.copy())
    assert reading.num_frames == count_frames(path)
    [warning] = reading.warnings
    assert warning == "the stream is damaged: 1 frame has errors"


def test_end_that_was_never_written_is_missing(tmp_path):
    path = encode(
        tmp_path / "zeros.mp4",
        numbered_frames(400),
        options={"bf": "0"},
        container_options=FASTSTART,
    )
    content = path.read_bytes()
    kept = int(len(content) * 0.6)
    path.write_bytes(content[:kept] + bytes(len(content) - kept))
    reading = read_video(path, "auto", range, read_number)
    assert 0 < reading.num_frames < 400
    assert reading.frames == {k: k for k in range(reading.num_frames)}
    [warning] = reading.warnings
    assert f"{reading.num_frames} of 400 frames decoded" in warning


def test_cut_file_gives_what_is_there_with_a_warning(tmp_path):
    path = cut(encode(tmp_path / "cut.mp4", numbered_frames(300), container_options=FASTSTART), 0.7)
    reading = read_video(path, "auto", range, read_number)
    assert 0 < reading.num_frames < 300
    assert reading.frames == {k: k for k in range(reading.num_frames)}
    [warning] = reading.warnings
    assert f"cut off: {reading.num_frames} of 300 frames decoded" in warning


def test_damaged_file_reads_the_same_every_time(tmp_path):
    path = encode(tmp_path / "noise.mp4", numbered_frames(200), container_options=FASTSTART)
    corrupt(path, 0.5, 0.7)

    def read():
        reading = read_video(path, "auto", range, lambda frame: frame.copy())
        return reading.num_frames, [frame.tobytes() for frame in reading.frames.values()]

    assert read() == read() == read()


def test_main_stream_of_several_is_read(tmp_path):
    path = tmp_path / "two.mp4"
    with av.open(str(path), "w") as container:
        streams = [container.add_stream("libx264", rate=rate) for rate in (15, 30)]
        for stream, (height, width) in zip(streams, [(64, 96), (256, 384)], strict=True):
            stream.height, stream.width, stream.pix_fmt = height, width, "yuv420p"
            stream.disposition = Disposition.default if stream is streams[1] else Disposition(0)
        for k in range(60):
            if k % 2 == 0:
                small = av.VideoFrame.from_ndarray(numbered_frame(1000 + k // 2), format="rgb24")
                container.mux(streams[0].encode(small))
            large = av.VideoFrame.from_ndarray(numbered_frame(k, 256, 384), format="rgb24")
            container.mux(streams[1].encode(large))
        for stream in streams:
            container.mux(stream.encode(None))
    main = read_video(path, "auto", range, read_number)
    assert main.frames == {k: k for k in range(60)}
    assert main.warnings == ()


def test_auto_says_which_reader_it_took_and_why_not_the_other(tmp_path, caplog, monkeypatch):
    path = encode(tmp_path / "live.mkv", numbered_frames(9), container_options={"live": "1"})
    monkeypatch.setattr(reading_module, "READERS", dict(reversed(reading_module.READERS.items())))
    with caplog.at_level("INFO", logger="vswin_cli"):
        read_video(path, "auto", range, read_number)
    first, last = caplog.messages[0], caplog.messages[-1]
    assert "not read by decord: decord cannot open it" in first
    assert "read by av, 9 frame(s)" in last


def test_decord_reads_what_pyav_does_not(tmp_path, monkeypatch):
    path = encode(tmp_path / "clip.mp4", numbered_frames(9))

    def fail(*_, **__):
        raise ReaderError("it fails")

    monkeypatch.setattr(av_reader.AvVideo, "read", fail)
    assert read_video(path, "auto", range, read_number).frames == {k: k for k in range(9)}


SILENT = """
import sys
from pathlib import Path
from vswin_cli.errors import VideoError
from vswin_cli.views.views import read_views
from vswin_cli.zoo.protocols import KINETICS
for reader in ("decord", "av", "auto"):
    for path in sys.argv[1:]:
        try:
            views = read_views(Path(path), (KINETICS,), reader)
            print(reader, views.num_frames)
        except VideoError as error:
            print(reader, error)
"""


@pytest.mark.slow
def test_decoders_print_nothing(tmp_path, broken):
    text = tmp_path / "text.mp4"
    text.write_text("no video" * 100)
    files = [
        broken,
        text,
        encode(tmp_path / "whole.mp4", numbered_frames(90)),
        encode(tmp_path / "b-frames.ts", numbered_frames(90)),
        cut(encode(tmp_path / "cut.mp4", numbered_frames(90)), 0.6),
        cut(encode(tmp_path / "cut.mkv", numbered_frames(90)), 0.6),
        cut(encode(tmp_path / "cut.ts", numbered_frames(90)), 0.6),
        corrupt(encode(tmp_path / "noise.ts", numbered_frames(90)), 0.4, 0.5),
        corrupt(encode(tmp_path / "noise.avi", numbered_frames(90), "mpeg4"), 0.2, 0.6),
        corrupt(encode(tmp_path / "noise.webm", numbered_frames(90), "libvpx-vp9"), 0.4, 0.5),
    ]
    run = subprocess.run(
        [sys.executable, "-c", SILENT, *map(str, files)], capture_output=True, text=True, check=True
    )
    assert run.stderr == ""
    assert run.stdout.count("\n") == 3 * len(files)
