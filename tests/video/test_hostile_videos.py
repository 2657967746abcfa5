"""Files that try to make a decoder open others: they are refused, and no other file is opened."""

import os
import socket
import struct
from contextlib import suppress

import av
import numpy as np
import pytest
from clips import encode, numbered_frames, read_number

from vswin_cli.errors import VideoError
from vswin_cli.video.reading import read_video

SCRIPTS = {  # they name a pipe without a writer, which hangs if opened, and a server
    "list.m3u8": "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{other}\n#EXT-X-ENDLIST\n",
    "remote.m3u8": "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{url}\n#EXT-X-ENDLIST\n",
    "key.m3u8": '#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXT-X-KEY:METHOD=AES-128,URI="{url}"\n'
    "#EXTINF:1,\n{other}\n#EXT-X-ENDLIST\n",
    "script.mp4": "ffconcat version 1.0\nfile '{other}'\n",
    "remote.ffconcat": "ffconcat version 1.0\nfile '{url}'\n",
    "dash.mpd": '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" '
    'profiles="urn:mpeg:dash:profile:isoff-live:2011"><Period><AdaptationSet mimeType="video/mp4">'
    '<Representation id="1"><BaseURL>{url}</BaseURL></Representation></AdaptationSet></Period>'
    "</MPD>",
    "session.sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\n"
    "m=video {port} RTP/AVP 96\na=rtpmap:96 H264/90000\n",
    "subtitles.idx": "# VobSub index file, v7 (do not modify this line!)\nsize: 720x576\n"
    "id: en, index: 0\ntimestamp: 00:00:01:000, filepos: 000000000\n",
    "subtitles.srt": "1\n00:00:01,000 --> 00:00:02,000\nhello\n\n" * 9,
    "captions.ass": "[Script Info]\nScriptType: v4.00+\n\n[Events]\n"
    "Dialogue: 0,0:00:01.00,0:00:02.00,Default,,0,0,0,,hello\n",
    "notes.txt": "What is written here is nobody's business.\n" * 30,
    "colors.ans": "\x1b[31mred\x1b[0m\n" * 30,
    "graph.lavfi": "movie={other}",
    "meta.ffmeta": ";FFMETADATA1\ntitle=x\n",
    "radio.asx": '<asx version="3.0"><entry><ref href="{url}"/></entry></asx>',
    "vector.svg": '<svg xmlns="http://www.w3.org/2000/svg"><image href="{url}"/></svg>',
}


@pytest.fixture
def server():
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server
        server.setblocking(False)
        with pytest.raises(BlockingIOError):  # there was no connection
            server.accept()


@pytest.fixture
def other(tmp_path):
    path = tmp_path / "subtitles.sub"
    os.mkfifo(path)
    return path


@pytest.mark.timeout(30)
@pytest.mark.parametrize("suffix", ["", ".mp4"])
@pytest.mark.parametrize("name", SCRIPTS)
def test_script_opens_nothing_and_is_no_video(tmp_path, server, other, name, suffix):
    port = server.getsockname()[1]
    path = tmp_path / f"{name}{suffix}"
    url = f"http://127.0.0.1:{port}/x.mp4"
    path.write_text(SCRIPTS[name].format(url=url, other=other, port=port))
    for reader in ("av", "decord", "auto"):
        with pytest.raises(VideoError) as caught:
            read_video(path, reader, range, read_number)
        assert caught.value.kind == "not_a_video"


@pytest.mark.timeout(30)
def test_script_in_front_of_a_video_opens_nothing(tmp_path, server, other):
    stream = encode(tmp_path / "clip.ts", numbered_frames(9)).read_bytes()
    for number, script in enumerate(("script.mp4", "list.m3u8")):
        path = tmp_path / f"{number}.ts"
        path.write_bytes(SCRIPTS[script].format(other=other, url="").encode() + stream)
        for reader in ("av", "decord", "auto"):
            with suppress(VideoError):
                read_video(path, reader, range, read_number)


@pytest.mark.parametrize(
    "name", ["photo.png", "photo.jpg", "photo.bmp", "photo%d.png", "photo.mp4"]
)
def test_picture_is_no_video(tmp_path, name):
    picture = encode(tmp_path / "photo1.png", numbered_frames(1), "png", pixel_format="rgb24",
                     container_format="image2")  # fmt: skip
    if name.endswith((".jpg", ".bmp")):
        codec, pixel_format = {"jpg": ("mjpeg", "yuvj420p"), "bmp": ("bmp", "bgr24")}[name[-3:]]
        picture = encode(tmp_path / "1", numbered_frames(1), codec, pixel_format=pixel_format,
                         container_format="image2")  # fmt: skip
    path = tmp_path / name
    path.write_bytes(picture.read_bytes())
    with pytest.raises(VideoError) as caught:
        read_video(path, "auto", range, read_number)
    assert caught.value.kind == "not_a_video"


@pytest.mark.timeout(30)
def test_reference_to_another_file_is_not_followed(tmp_path, other):
    """A QuickTime alias: the media of a track is in a file next to the movie."""
    path = encode(tmp_path / "clip.mov", numbered_frames(9))
    content = path.read_bytes()
    start = content.index(b"dref") - 4
    name = other.name.encode()
    absolute = str(other).replace("/", ":").encode()
    absolute += b"\0" * (len(absolute) % 2)
    alias = bytes(10) + b"\1x" + bytes(26 + 12) + bytes([len(name)]) + name.ljust(63, b"\0")
    alias += bytes(16) + struct.pack(">hh", 1, 1) + bytes(16)
    alias += struct.pack(">hh", 2, len(absolute)) + absolute + struct.pack(">hh", -1, 0)
    entry = struct.pack(">I4sI", len(alias) + 12, b"alis", 0) + alias
    reference = struct.pack(">I4sII", len(entry) + 16, b"dref", 0, 1) + entry
    old_size = int.from_bytes(content[start : start + 4], "big")
    changed = bytearray(content[:start] + reference + content[start + old_size :])
    for parent in (b"moov", b"trak", b"mdia", b"minf", b"dinf"):
        where = changed.rindex(parent, 0, start) - 4
        size = int.from_bytes(changed[where : where + 4], "big") + len(reference) - old_size
        changed[where : where + 4] = size.to_bytes(4, "big")
    path.write_bytes(changed)
    for reader in ("av", "decord", "auto"):
        try:
            reading = read_video(path, reader, range, np.copy)
        except VideoError:
            continue
        assert reading.num_frames == 9  # from its media data


@pytest.mark.parametrize(
    ("table", "offset", "options"),
    [(b"stsz", 8, {}), (b"trun", 8, {"movflags": "frag_keyframe+empty_moov"})],
)
def test_frames_that_a_file_is_too_small_for_fill_no_memory(tmp_path, table, offset, options):
    path = tmp_path / "clip.mp4"
    with av.open(str(path), "w", container_options=options) as container:
        stream = container.add_stream("libx264", rate=30)
        stream.width = stream.height = 64
        for pixels in np.zeros((9, 64, 64, 3), np.uint8):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels)))
        container.mux(stream.encode(None))
    assert read_video(path, "auto", range, np.copy).num_frames == 9
    content = bytearray(path.read_bytes())
    start = content.index(table) + offset
    if table == b"stsz":
        content[start : start + 4] = (1).to_bytes(4, "big")  # the size of each
        start += 4
    content[start : start + 4] = (60_000_000).to_bytes(4, "big")
    path.write_bytes(content)
    for reader in ("av", "decord", "auto"):
        with pytest.raises(VideoError, match="lists more frames than its size allows"):
            read_video(path, reader, range, np.copy)
