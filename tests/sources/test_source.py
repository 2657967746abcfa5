"""Sources other than named files: addresses, standard input, open files, frames in memory."""

import io
import subprocess
import sys
import zipfile
from importlib import import_module

import numpy as np
import pytest
from clips import encode, numbered_frame, numbered_frames, read_number, repeat
from range_server import serving

from vswin_cli.errors import VideoError
from vswin_cli.sources import addresses
from vswin_cli.sources.addresses import told_without_credentials, without_credentials
from vswin_cli.video import av_reader
from vswin_cli.video.reading import read_video

ALL = {k: k for k in range(30)}


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    return encode(tmp_path_factory.mktemp("source") / "clip.mp4", numbered_frames(30))


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch):
    monkeypatch.setattr(addresses.time, "sleep", lambda seconds: None)


def read(location, reader="auto", choose=range):
    return read_video(location, reader, choose, read_number)


@pytest.mark.parametrize("reader", ["av", "decord", "auto"])
@pytest.mark.parametrize("gives_ranges", [True, False])
def test_address_is_read_as_its_file(clip, reader, gives_ranges):
    with serving({"/clip.mp4": clip.read_bytes()}, gives_ranges=gives_ranges) as server:
        assert read(f"http://{server.address}/clip.mp4", reader).frames == ALL


def test_addresses_take_the_proxy_and_the_login_of_the_environment(clip, tmp_path, monkeypatch):
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    (tmp_path / "netrc").write_text("machine nowhere.invalid login me password secret")
    (tmp_path / "netrc").chmod(0o600)
    address = "HTTP://nowhere.invalid/clip.mp4"
    with serving({address.replace("HTTP", "http"): clip.read_bytes()}) as proxy:
        monkeypatch.setenv("http_proxy", f"http://{proxy.address}")
        assert read(address).frames == ALL
    assert {*proxy.logins} == {"Basic bWU6c2VjcmV0"}  # me:secret


@pytest.mark.slow
def test_long_video_at_an_address_is_not_downloaded_whole(tmp_path, monkeypatch):
    noise = np.random.default_rng(0).integers(0, 256, (20, 256, 384, 3), np.uint8)
    once = encode(tmp_path / "once.mp4", noise, options={"g": "10", "crf": "10"})
    path = repeat(tmp_path / "long.mp4", once, 45)
    monkeypatch.setattr(av_reader, "SEQUENTIAL_PIXELS", 0)
    with serving({"/long.mp4": path.read_bytes()}) as server:
        address = f"http://{server.address}/long.mp4"
        reading = read_video(address, "auto", lambda num: [0, num // 2], np.copy)
        assert reading.num_frames == 900
        assert server.num_bytes < 0.5 * path.stat().st_size
    from_file = read_video(path, "auto", lambda num: [0, num // 2], np.copy)
    for index, frame in from_file.frames.items():
        np.testing.assert_array_equal(reading.frames[index], frame)


def test_broken_connection_is_tried_again(clip):
    with serving({"/clip.mp4": clip.read_bytes()}, num_to_break=2) as server:
        assert read(f"http://{server.address}/clip.mp4").frames == ALL


@pytest.mark.parametrize(
    ("status", "kind"), [(404, "missing"), (403, "permission"), (503, "unreachable")]
)
def test_refusal_tells_no_secret(clip, status, kind, caplog):
    with serving({}, refuses=status) as server, caplog.at_level("DEBUG", logger="vswin_cli"):
        address = f"http://user:hunter2@{server.address}/a/clip.mp4?sig=hunter2&X-Amz-Key=hunter2"
        with pytest.raises(VideoError) as caught:
            read(address)
    assert caught.value.kind == kind
    assert f"cannot read http://{server.address}/a/clip.mp4?…: " in str(caught.value)
    assert "hunter2" not in str(caught.value) + caplog.text


def test_no_server_is_not_a_missing_video():
    with pytest.raises(VideoError, match=r"cannot read http://127\.0\.0\.1:9/x\.mp4: ") as caught:
        read("http://127.0.0.1:9/x.mp4")
    assert caught.value.kind == "unreachable"
    assert "its server cannot be reached; check the address and the connection" in str(caught.value)


@pytest.mark.parametrize(
    ("address", "advice"),
    [("s3://bucket/x.mp4", "vswin[s3]"), ("gs://bucket/x.mp4", "vswin[gs]")],
)
def test_missing_client_names_its_extra(address, advice, monkeypatch):
    for module in ("s3fs", "gcsfs"):
        monkeypatch.setitem(sys.modules, module, None)
    known = import_module("fsspec.registry")._registry  # other tests may have filled it
    monkeypatch.delitem(known, address[:2], raising=False)
    with pytest.raises(VideoError) as caught:
        read(address)
    assert advice in str(caught.value)


def test_unknown_kind_of_address():
    with pytest.raises(VideoError, match=r"nosuch://host/x\.mp4: fsspec does not support nosuch"):
        read("nosuch://host/x.mp4")


def test_any_address_of_fsspec_is_read(clip, tmp_path):
    with zipfile.ZipFile(tmp_path / "clips.zip", "w") as archive:
        archive.write(clip, "in/clip.mp4")
    assert read(f"zip://in/clip.mp4::file://{tmp_path}/clips.zip").frames == ALL


def test_file_address_is_a_path(clip, tmp_path):
    (tmp_path / "a b%.mp4").write_bytes(clip.read_bytes())
    assert read((tmp_path / "a b%.mp4").as_uri()).frames == ALL
    with pytest.raises(VideoError) as caught:
        read((tmp_path / "no.mp4").as_uri())
    assert caught.value.kind == "missing"


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("https://host/a/clip.mp4", "https://host/a/clip.mp4"),
        ("https://u:p%40@host:8/a@b/clip.mp4?sig=s#t", "https://host:8/a@b/clip.mp4?…"),
        ("s3://KEY:SECRET@bucket/clip.mp4", "s3://bucket/clip.mp4"),
        ("https://host?token=s", "https://host?…"),
        ("a?b#c::d@e.mp4", "a?b#c::d@e.mp4"),
        ("s3://KEY:a/b?c@bucket/clip.mp4", "s3://bucket/clip.mp4"),
        ("simplecache::https://u:p@host/a.mp4", "simplecache::https://host/a.mp4"),
        ("zip://a.mp4::https://u:p@host/a.zip?sig=s", "zip://a.mp4::https://host/a.zip?…"),
    ],
)
def test_names_hold_no_credentials(address, name):
    assert without_credentials(address) == name


READ_STDIN = """
import sys
sys.path.insert(0, sys.argv[1])
from clips import read_number
from vswin_cli.video.reading import read_video
print(read_video("-", sys.argv[2], range, read_number).frames)
"""


@pytest.mark.parametrize("reader", ["av", "decord"])
@pytest.mark.parametrize("is_pipe", [True, False])
def test_standard_input_is_read(clip, request, reader, is_pipe):
    command = [sys.executable, "-c", READ_STDIN, str(request.config.rootpath / "tests"), reader]
    with clip.open("rb") as file:
        given = {"input": file.read()} if is_pipe else {"stdin": file}
        run = subprocess.run(command, capture_output=True, check=True, **given)
    assert run.stdout.decode().strip() == str(ALL)
    assert run.stderr == b""


def test_open_files_are_read_and_stay_open(clip):
    for file in (clip.open("rb"), io.BytesIO(clip.read_bytes())):
        file.seek(100)
        for reader in ("av", "decord"):
            assert read(file, reader).frames == ALL
        assert not file.closed
        file.close()


def test_frames_in_memory_are_read_as_a_lossless_file_of_them(tmp_path):
    frames = np.random.default_rng(0).integers(0, 256, (20, 48, 64, 3), np.uint8)
    path = encode(tmp_path / "clip.mkv", frames, "ffv1", pixel_format="bgr0")
    reading = read_video(path, "auto", range, np.copy)
    given = read_video(frames, "auto", range, np.copy)
    assert reading.num_frames == given.num_frames == 20
    for index, frame in given.frames.items():
        np.testing.assert_array_equal(reading.frames[index], frame)


@pytest.mark.parametrize("shape", [(0, 8, 8, 3), (8, 8, 3), (2, 8, 8, 4)])
def test_what_is_not_frames_is_refused(shape):
    with pytest.raises(VideoError, match="frames are RGB"):
        read(np.zeros(shape, np.uint8))
    with pytest.raises(VideoError, match="frames are RGB"):
        read(numbered_frame(3)[np.newaxis].astype(np.float32))


@pytest.mark.parametrize("before", ["--mirror=", "-m", "@", "", '["', "[default: ", "https://h/a,"])
def test_addresses_anywhere_in_a_text_tell_no_secret(before):
    told = told_without_credentials(f"{before}https://u:secret@host/x")
    assert told == f"{before}https://host/x"
