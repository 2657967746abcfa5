"""Files that are refused before or during opening, and names that must not be misread."""

import os
import socket
from functools import partial
from pathlib import Path

import av
import numpy as np
import pytest
from av.stream import Disposition
from clips import cut, encode, numbered_frame, numbered_frames, patch, read_number

from vswin_cli.errors import VideoError
from vswin_cli.sources.file_layout import is_cut_off
from vswin_cli.video import reading
from vswin_cli.video.reading import read_video

READERS = [*reading.READERS, "auto"]


def error(path, reader="auto", read=read_video):
    """Return the one error from reading this file."""
    with pytest.raises(VideoError) as caught:
        read(path, reader, range, read_number)
    message = str(caught.value)
    assert message.startswith(f"cannot read {path}: ")
    assert "; " in message, "what to do is missing"
    assert "\n" not in message
    return caught.value


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    return encode(tmp_path_factory.mktemp("files") / "clip.mp4", numbered_frames(30))


def test_missing_file(tmp_path):
    assert error(tmp_path / "no.mp4").kind == "missing"


def test_path_through_a_file(clip):
    assert error(clip / "no.mp4").kind == "missing"


def test_dangling_link(tmp_path):
    link = tmp_path / "link.mp4"
    link.symlink_to(tmp_path / "gone.mp4")
    assert error(link).kind == "missing"


def test_directory(tmp_path):
    found = error(tmp_path)
    assert found.kind == "not_a_file"
    assert "directory" in str(found)


@pytest.mark.timeout(20)
def test_fifo_does_not_block(tmp_path):
    os.mkfifo(tmp_path / "pipe.mp4")
    assert error(tmp_path / "pipe.mp4").kind == "not_a_file"


def test_device():
    assert error(Path("/dev/null")).kind == "not_a_file"


def test_empty_file(tmp_path):
    (tmp_path / "empty.mp4").touch()
    assert error(tmp_path / "empty.mp4").kind == "empty"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_file_without_permission(tmp_path, clip):
    locked = tmp_path / "locked.mp4"
    locked.write_bytes(clip.read_bytes())
    locked.chmod(0)
    assert error(locked).kind == "permission"


def test_permission_denied_has_its_kind(tmp_path, monkeypatch):
    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied")

    (tmp_path / "locked.mp4").write_text("x")
    monkeypatch.setattr(Path, "open", refuse)
    assert error(tmp_path / "locked.mp4").kind == "permission"


def test_name_too_long(tmp_path):
    assert error(tmp_path / ("x" * 300)).kind == "unreadable"


def test_name_with_null_byte():
    assert error(Path("a\0b.mp4")).kind in ("unreadable", "missing")


def test_frames_that_do_not_fit_into_memory(clip):
    def keep(frame):
        raise MemoryError

    found = error(clip, read=lambda path, *_: read_video(path, "auto", range, keep))
    assert "its frames do not fit into memory; sample fewer" in str(found)


@pytest.mark.parametrize("reader", READERS)
def test_text_named_like_a_video(tmp_path, reader):
    path = tmp_path / "text.mp4"
    path.write_text("This is not a video.\n" * 60)
    assert error(path, reader).kind == "not_a_video"


@pytest.mark.parametrize("reader", READERS)
def test_video_cut_within_its_header(tmp_path, clip, reader):
    path = tmp_path / "head.mp4"
    path.write_bytes(clip.read_bytes()[:2000])
    assert error(path, reader).kind == "not_a_video"
    encode(path, numbered_frames(30), container_options={"movflags": "faststart"})
    path.write_bytes(path.read_bytes()[:400])  # within the index
    assert "it is cut off: its index is incomplete" in str(error(path, reader))


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("has_cover", [False, True])
def test_sound_alone(tmp_path, reader, has_cover):
    path = tmp_path / "sound.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=44100)
        if has_cover:
            picture = container.add_stream("mjpeg", rate=1)
            picture.height, picture.width, picture.pix_fmt = 64, 96, "yuvj420p"
            picture.disposition = Disposition.attached_pic
            cover = av.VideoFrame.from_ndarray(next(iter(numbered_frames(1))), format="rgb24")
            container.mux(picture.encode(cover))
            container.mux(picture.encode(None))
        sound = av.AudioFrame.from_ndarray(
            np.zeros((1, 8192), np.float32), format="fltp", layout="mono"
        )
        sound.sample_rate = 44100
        container.mux(stream.encode(sound))
        container.mux(stream.encode(None))
    found = error(path, reader)
    assert (found.kind, "its only picture is a cover" in str(found)) == ("sound_only", has_cover)


def test_the_default_one_of_two_videos_in_a_file_is_read(tmp_path):
    path = tmp_path / "two.mp4"
    with av.open(str(path), "w") as container:
        for disposition in (Disposition.default, Disposition.dub):
            stream = container.add_stream("libx264", rate=30)
            stream.disposition = disposition
            stream.height, stream.width, stream.pix_fmt = 64, 96, "yuv420p"
        for stream, numbers in zip(container.streams.video, (range(3), range(9, 15)), strict=True):
            for number in numbers:
                frame = av.VideoFrame.from_ndarray(numbered_frame(number), format="rgb24")
                container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
    assert read_video(path, "av", range, read_number).frames == {0: 0, 1: 1, 2: 2}


@pytest.mark.parametrize("reader", READERS)
def test_video_none_of_whose_frames_decodes(tmp_path, reader, apart):
    options = {"movflags": "faststart"}
    path = encode(tmp_path / "hollow.mp4", numbered_frames(300), container_options=options)
    content = path.read_bytes()
    start = content.index(b"mdat") + 4
    path.write_bytes(content[:start] + bytes(len(content) - start))
    found = error(path, reader, partial(apart, read_video))
    assert found.kind in ("no_frames", "unreadable")
    if reader == "av":
        assert found.kind == "no_frames"
        assert str(found).endswith(": FFmpeg decoded 0 of 300 frames; try --reader decord")


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize(
    "name",
    [
        os.fsdecode(b"caf\xe9 \xff.mp4"),  # not UTF-8
        "日本語 clip.mp4",
        "take%04d.mp4",
        "take%d.mp4",
        "100%.mp4",
        "take%d.png",
        "http:clip.mp4",
        "pipe:0",
        "-i.mp4",
        "line\nbreak.mp4",
        "a|b;c&d 'e' \"f\".mp4",
        "clip.png",
        "no-suffix",
    ],
    ids=ascii,
)
def test_any_name_is_a_files(tmp_path, clip, monkeypatch, reader, name):
    (tmp_path / name).write_bytes(clip.read_bytes())
    monkeypatch.chdir(tmp_path)
    for path in (Path(name), tmp_path / name):
        assert read_video(path, reader, range, read_number).frames == {k: k for k in range(30)}


@pytest.mark.parametrize("reader", READERS)
def test_url_like_path_is_a_files(tmp_path, clip, monkeypatch, reader):
    (tmp_path / "http:" / "host").mkdir(parents=True)
    (tmp_path / "http:" / "host" / "clip.mp4").write_bytes(clip.read_bytes())
    monkeypatch.chdir(tmp_path)
    assert read_video(Path("http://host/clip.mp4"), reader, range, read_number).num_frames == 30
    assert error(Path("http://host/other.mp4"), reader).kind == "missing"


@pytest.mark.timeout(60)
@pytest.mark.parametrize("reader", READERS)
def test_playlist_does_not_reach_the_network(tmp_path, reader):
    with socket.create_server(("127.0.0.1", 0)) as server:
        path = tmp_path / "list.m3u8"
        address = f"http://127.0.0.1:{server.getsockname()[1]}/a.ts"
        path.write_text(
            f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{address}\n#EXT-X-ENDLIST\n"
        )
        assert error(path, reader).kind in ("not_a_video", "unreadable", "no_frames")
        server.setblocking(False)
        with pytest.raises(BlockingIOError):  # there was no connection
            server.accept()


@pytest.mark.parametrize("suffix", ["mp4", "mov", "mkv", "webm", "avi"])
def test_missing_end_is_seen(tmp_path, suffix):
    codec = {"webm": "libvpx-vp9", "avi": "mpeg4"}.get(suffix, "libx264")
    path = encode(tmp_path / f"clip.{suffix}", numbered_frames(60), codec)
    with path.open("rb") as file:
        assert not is_cut_off(file)
    with cut(path, 0.7).open("rb") as file:
        assert is_cut_off(file)


def test_open_ended_files_are_whole(tmp_path):
    stream = encode(tmp_path / "a.ts", numbered_frames(30))
    live = encode(tmp_path / "a.mkv", numbered_frames(30), container_options={"live": "1"})
    piped = encode(tmp_path / "a.avi", numbered_frames(30), "mpeg4")
    patch(piped, b"RIFF", 0, 0xFFFFFFFF)
    for path in (stream, live, piped):
        with path.open("rb") as file:
            assert not is_cut_off(file)
