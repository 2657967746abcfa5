"""Long videos are read by seeking if that is proved exact, and never held in memory."""

import subprocess
import sys
from contextlib import suppress

import av
import pytest
from clips import encode, numbered_frames, patch, read_number, remux, repeat

from vswin_cli.video import av_reader
from vswin_cli.video.coded import Coded, coded_in
from vswin_cli.video.packets import Stretch, stretches
from vswin_cli.video.reading import read_video

WANTED = [0, 1, 2, 57, 150, 151, 153, 290, 399]
UNEVEN = [33 * k + 4 * (k % 7) + 500 * (k // 20) for k in range(400)]  # milliseconds
X265_OPEN = {"x265-params": "log-level=none:open-gop=1:keyint=20:min-keyint=20:bframes=4"}
X264_OPEN = {"x264-params": "open-gop=1:keyint=20:bframes=3"}

SEEKABLE = {
    "closed.mp4": {"options": {"g": "20"}},
    "closed.mkv": {"options": {"g": "20"}},
    "closed.ts": {"options": {"g": "20"}},
    "uneven.mp4": {"options": {"g": "20"}, "timestamps": UNEVEN},
    "uneven.mkv": {"options": {"g": "20"}, "timestamps": UNEVEN},
    "open-hevc.mp4": {"codec": "libx265", "options": X265_OPEN},
    "open-h264.mp4": {"options": X264_OPEN},
    "b-frames.avi": {"codec": "mpeg4", "options": {"bf": "2", "g": "20"}},
    "vp9.webm": {"codec": "libvpx-vp9", "options": {"g": "20"}},
    "av1.mp4": {"codec": "libsvtav1", "options": {"g": "20"}, "height": 128, "width": 192},
    "fragmented.mp4": {
        "options": {"g": "20"},
        "container_options": {"movflags": "frag_keyframe+empty_moov"},
    },
}
NOT_SEEKABLE = {
    "one-key-frame.mp4": ({"options": {"g": "1000", "sc_threshold": "0"}}, ""),
    "program.mpg": (
        {"codec": "mpeg2video", "container_format": "vob", "options": {"bf": "2", "g": "20"}},
        "",
    ),
    "bare.h264": ({"container_format": "h264", "options": {"g": "20"}}, "do not tell frames apart"),
}


@pytest.fixture(autouse=True)
def seek_in_any_video(monkeypatch):
    monkeypatch.setattr(av_reader, "SEQUENTIAL_PIXELS", 0)


def read(path, wanted=WANTED):
    return read_video(path, "av", lambda num_frames: wanted, read_number)


@pytest.mark.parametrize("name", SEEKABLE)
def test_seeking_finds_the_kth_frame(tmp_path, caplog, name):
    options = dict(SEEKABLE[name])
    frames = numbered_frames(400, options.pop("height", 64), options.pop("width", 96))
    path = encode(tmp_path / name, frames, **options)
    with caplog.at_level("INFO", logger="vswin_cli"):
        reading = read(path)
    assert reading.num_frames == 400
    assert reading.frames == {k: k for k in WANTED}
    assert "stretches of the video are decoded" in caplog.text
    assert "does not work" not in caplog.text


@pytest.mark.parametrize("name", NOT_SEEKABLE)
def test_video_that_cannot_be_sought_in_is_decoded_whole(tmp_path, caplog, name):
    options, reason = NOT_SEEKABLE[name]
    path = encode(tmp_path / name, numbered_frames(400), **options)
    with caplog.at_level("INFO", logger="vswin_cli"):
        reading = read(path)
    assert reading.frames == {k: k for k in WANTED}
    assert reading.num_frames == 400
    assert "stretches" not in caplog.text
    assert reason in caplog.text


def test_hidden_start_is_no_trap_for_seeking(tmp_path, caplog):
    options = {"g": "40", "bf": "0"}
    path = encode(tmp_path / "edit.mp4", numbered_frames(400), options=options)
    patch(path, b"elst", 12, 10 * 512)  # the edit list's media time: ten frames later
    with caplog.at_level("INFO", logger="vswin_cli"):
        reading = read(path, [0, 57, 150, 389])
    assert reading.num_frames == 390
    assert reading.frames == {k: 10 + k for k in [0, 57, 150, 389]}


@pytest.mark.parametrize("share", [0.12, 0.6])
def test_damaged_stretch_is_no_trap_for_seeking(tmp_path, share):
    path = encode(tmp_path / "noise.mp4", numbered_frames(400), options={"g": "20", "bf": "0"})
    content = bytearray(path.read_bytes())
    where = int(len(content) * share)
    content[where : where + 40] = b"\xff" * 40
    path.write_bytes(content)
    in_sequence = read_whole(path)
    sought = read(path, range(int(in_sequence.num_frames)))
    assert sought.num_frames == in_sequence.num_frames
    assert sought.frames.keys() == in_sequence.frames.keys()


def hidden(old):
    """Clear the bit that shows a frame of VP8."""
    return bytes([old[0] & ~0x10]) + old[1:]


DELIMITER_H264, DELIMITER_HEVC = b"\0\0\0\2\x09\xf0", b"\0\0\0\3\x46\x01\x50"
NOT_CODED = b"\0\0\1\xb6\x51\0"
UNSHOWN = {  # packets without a picture, or with one that is never shown
    "clip.mp4": ("libx264", {"bf": "0"}, lambda old: DELIMITER_H264),
    "b-frames.mkv": ("libx264", {"bf": "2"}, lambda old: DELIMITER_H264),
    "hevc.mkv": ("libx265", {}, lambda old: DELIMITER_HEVC),
    "xvid.avi": ("mpeg4", {"bf": "0"}, lambda old: NOT_CODED),
    "xvid.mkv": ("mpeg4", {"bf": "2"}, lambda old: NOT_CODED),
    "mpeg2.mkv": ("mpeg2video", {"bf": "2"}, lambda old: b"\0\0\1\xb7"),
    "vp8.webm": ("libvpx", {"deadline": "realtime", "cpu-used": "8"}, hidden),
    "camera.avi": ("mjpeg", {}, lambda old: b"\xff\xd8\xff\xd9"),
}
UNCERTAIN = "xvid.avi", "xvid.mkv", "camera.avi"  # whether there is a picture


@pytest.mark.parametrize("name", UNSHOWN)
def test_packet_without_a_frame_is_no_trap(tmp_path, monkeypatch, caplog, name):
    """The decoder drops it, and all later frames have other numbers."""
    codec, options, change = UNSHOWN[name]
    pixel_format = "yuvj420p" if codec == "mjpeg" else "yuv420p"
    options = {"g": "20", **options}
    path = tmp_path / f"whole-{name}"
    encode(path, numbered_frames(200), codec, options=options, pixel_format=pixel_format)
    gap = remux(tmp_path / name, path, change=lambda k, old: change(old) if k == 70 else old)
    in_order = decoded(gap)
    for pixels in (0, float("inf")):  # by seeking, and in sequence
        monkeypatch.setattr(av_reader, "SEQUENTIAL_PIXELS", pixels)
        caplog.clear()
        for wanted in ([0, 30], [0, 30, 120, 190]):
            with caplog.at_level("INFO", logger="vswin_cli"):
                reading = read(gap, wanted)
            assert reading.num_frames == len(in_order) < 200
            assert reading.frames == {k: in_order[k] for k in wanted}
        assert ("does not work" in caplog.text) is (name in UNCERTAIN)


def decoded(path):
    """The numbers of the frames of a plain decode."""
    numbers = []
    with av.open(str(path)) as container:
        for packet in container.demux(video=0):
            with suppress(av.FFmpegError):
                numbers += [read_number(f.to_ndarray(format="rgb24")) for f in packet.decode()]
    return numbers


def read_whole(path):
    with pytest.MonkeyPatch.context() as patcher:
        patcher.setattr(av_reader, "SEQUENTIAL_PIXELS", float("inf"))
        return read_video(path, "av", range, lambda frame: frame.tobytes())


@pytest.mark.parametrize(
    ("name", "codec", "options"),
    [
        ("a.mp4", "libx264", {"bf": "3"}),
        ("a.ts", "libx264", {"bf": "3"}),
        ("hevc.mp4", "libx265", X265_OPEN),
        ("mpeg2.mkv", "mpeg2video", {"bf": "2"}),
        ("xvid.avi", "mpeg4", {"bf": "2"}),
    ],
)
def test_unused_pictures_are_those_that_the_decoder_knows_to_be_unused(
    tmp_path, name, codec, options
):
    path = encode(tmp_path / name, numbered_frames(60), codec, options=options)
    with av.open(str(path)) as container:
        kind = coded_in(container.streams.video[0])
        packets = [packet for packet in container.demux(video=0) if packet.size]
        used = [packet.pts for packet in packets if kind(bytes(packet)) is not Coded.UNUSED]
    with av.open(str(path)) as container:
        container.streams.video[0].codec_context.skip_frame = "NONREF"
        assert [frame.pts for frame in container.decode(video=0)] == sorted(used)
    assert len(used) < 60


def test_frames_are_grouped_by_the_key_frame_to_start_from():
    assert stretches([5, 7, 120, 260, 261, 399], [0, 100, 200, 250, 300]) == [
        Stretch(0, [5, 7]),
        Stretch(100, [120]),
        Stretch(250, [260, 261]),
        Stretch(300, [399]),
    ]


def test_near_key_frame_is_decoded_to_and_not_sought():
    assert stretches([5, 25, 45, 200], [0, 20, 40, 60, 80, 190]) == [
        Stretch(0, [5, 25, 45]),
        Stretch(190, [200]),
    ]


READ = """
import sys
from pathlib import Path
from vswin_cli.video import av_reader
from vswin_cli.views.views import read_views
from vswin_cli.zoo.protocols import KINETICS
if sys.argv[2] == "in sequence":
    av_reader.SEQUENTIAL_PIXELS = float("inf")
views = read_views(Path(sys.argv[1]), (KINETICS,), "auto")
assert len(list(views)) == 12
# Not getrusage's maximum, which begins with the parent's at the time of the fork.
peak_kilobytes = Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]
print(views.num_frames, int(peak_kilobytes) * 1024)
"""


@pytest.fixture(scope="module")
def some_4k(tmp_path_factory):
    """10 frames, one of them a key frame."""
    path = tmp_path_factory.mktemp("4k") / "once.mp4"
    return encode(path, numbered_frames(10, 2160, 3840), options={"preset": "ultrafast"})


@pytest.mark.slow
@pytest.mark.timeout(120)  # decoding all of it would take longer
@pytest.mark.parametrize(("how", "times"), [("by seeking", 1200), ("in sequence", 16)])
def test_4k_needs_little_memory_however_long(tmp_path, some_4k, how, times):
    path = repeat(tmp_path / "long.mp4", some_4k, times)
    run = subprocess.run(
        [sys.executable, "-c", READ, str(path), how], capture_output=True, text=True, check=True
    )
    num_frames, peak_bytes = map(int, run.stdout.split())
    assert num_frames == 10 * times
    assert peak_bytes < 700e6  # 160 frames as RGB would be 4 GB
