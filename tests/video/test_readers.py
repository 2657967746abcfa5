"""One contract for every reader: frame k is the k-th that a sequential decode yields."""

import hashlib
import shutil
import struct
import subprocess
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import av
import numpy as np
import pytest
from clips import (
    MATRICES,
    as_stored,
    count_frames,
    cut,
    encode,
    middle_and_first,
    numbered_frames,
    read_number,
    remux,
)
from field_coded import field_coded
from footage import (
    FRAGMENTED,
    clip,
    cut_fragments,
    damaged,
    interlaced,
    joined,
    mid_gop,
    numbered_from,
    over_counted_avi,
    starting_late,
    turned,
    with_cover,
    with_pause,
    x265,
)

from vswin_cli.errors import VideoError
from vswin_cli.video import av_reader, pictures
from vswin_cli.video.reading import READERS, read_video

UNEVEN = [33 * k + 4 * (k % 7) + 500 * (k // 20) for k in range(90)]  # milliseconds


@dataclass(frozen=True)
class Case:
    """A clip whose frame k carries the number first_number + k."""

    name: str
    make: Callable[[Path], object]
    num_frames: int = 90  # 0: fewer than 90, as many as FFmpeg decodes
    first_number: int = 0
    decord_refuses: str = ""  # its message
    warning: str = ""


TURNED = ("turned 90", "turned 180", "turned 270")  # the rotations that decord supports
NO_COUNT = "Failed to measure duration/frame-count"
REPEATS = "repeats frames in place of some that it lost"
CASES = [
    Case("h264.mp4", clip()),
    Case("h264.mkv", clip()),
    Case("h264.avi", clip()),
    Case("h264.ts", clip(), decord_refuses=REPEATS),
    Case("h264.mov", clip()),
    Case("vp8.webm", clip("libvpx", options={"auto-alt-ref": "1", "lag-in-frames": "16"})),
    Case("vp9.webm", clip("libvpx-vp9")),
    Case("av1.mp4", clip("libsvtav1", height=128, width=192)),
    Case("av1.mkv", clip("libsvtav1", height=128, width=192)),
    Case("mpeg2.ts", clip("mpeg2video"), decord_refuses=REPEATS),
    Case("mpeg1.mpg", clip("mpeg1video", container_format="mpeg", options={"bf": "2"})),
    Case("mpeg2.mpg", clip("mpeg2video", container_format="vob", options={"bf": "2"})),
    Case("mpeg4.avi", clip("mpeg4")),
    Case("mpeg4-b-frames.avi", clip("mpeg4", options={"bf": "2"})),
    Case("mjpeg.avi", clip("mjpeg", pixel_format="yuvj420p")),
    Case("animation.gif", clip("gif", pixel_format="rgb8")),
    *(Case(f"{name.replace(' ', '-')}.mov", turned(name)) for name in TURNED),
    Case("long-gop.mp4", clip(options={"g": "300", "bf": "3"})),
    Case("no-b-frames.mp4", clip(options={"bf": "0"})),
    Case("uneven-times.mp4", clip(timestamps=UNEVEN)),
    Case("uneven-times.mkv", clip(timestamps=UNEVEN)),  # announces 150 frames
    Case("late-start.mkv", clip(timestamps=[5000 + 33 * k for k in range(90)])),
    Case("odd-sides.mp4", clip(height=63, width=97, pixel_format="yuv444p")),
    Case("odd-sides.mkv", clip("ffv1", height=63, width=97, pixel_format="yuv444p")),
    Case("16x16.mp4", clip(height=16, width=16)),
    Case("24x24.mp4", clip(height=24, width=24)),
    Case("one-frame.mp4", clip(num_frames=1), num_frames=1),
    Case("20-frames.mp4", clip(num_frames=20), num_frames=20),
    Case("open-gop-hevc.mp4", clip("libx265", options=x265("open-gop=1:keyint=20:bframes=4"))),
    Case("open-gop-h264.mp4", clip(options={"x264-params": "open-gop=1:keyint=20:bframes=3"})),
    Case("gray.mkv", clip(pixel_format="gray")),
    Case("10-bit.mp4", clip("libx265", pixel_format="yuv420p10le")),
    Case("444.mp4", clip(pixel_format="yuv444p")),
    Case("fragmented.mp4", clip(container_options=FRAGMENTED)),
    Case("no-count.mkv", clip(container_options={"live": "1"}), decord_refuses=NO_COUNT),
    Case("bare.h264", clip(container_format="h264"), decord_refuses=NO_COUNT),
    Case("over-counted.avi", over_counted_avi),
    Case("edit-list.mp4", starting_late, 80, first_number=10, decord_refuses=REPEATS),
    Case("cut.avi", lambda path: cut(clip("mpeg4")(path), 0.6), 0, warning="is cut off"),
    Case("cut.mkv", lambda path: cut(clip("mpeg4")(path), 0.6), 0, warning="is cut off"),
    Case("cut-fragments.mp4", cut_fragments, 0),
]


BARE = {"container_format": "h264"}
AV_CASES = [  # decord reads these differently or not at all
    *(
        Case(f"{name.replace(' ', '-')}.mov", turned(name))
        for name in MATRICES
        if name not in TURNED
    ),
    Case("interlaced-h264.mp4", interlaced(options={"x264-params": "tff=1"})),
    Case("interlaced-h264.ts", interlaced(options={"x264-params": "bff=1:bframes=3"})),
    Case("fields.h264", lambda path: field_coded(path, numbered_frames(90))),
    Case("interlaced-mpeg2.ts", interlaced("mpeg2video")),
    Case("interlaced-mpeg2.mpg", interlaced("mpeg2video", container_format="vob")),
    Case("interlaced-mpeg2.mxf", interlaced("mpeg2video", rate=25)),
    Case("pal.dv", clip("dvvideo", height=576, width=720, rate=25)),
    Case("pal.avi", clip("dvvideo", height=576, width=720, rate=25)),
    Case("prores.mov", interlaced("prores_ks", pixel_format="yuv422p10le")),
    Case("alpha.mov", clip("prores_ks", pixel_format="yuva444p10le")),
    Case("alpha.webm", clip("libvpx-vp9", pixel_format="yuva420p")),
    Case("palette.avi", clip("rawvideo", pixel_format="rgb24")),
    Case("240-fps.mp4", clip(rate=240)),
    Case("1-fps.mp4", clip(rate=1)),
    Case("cover-last.mp4", partial(with_cover, first=False)),
    Case("cover-first.mp4", partial(with_cover, first=True)),
    Case("pause.mkv", with_pause),
    Case("pause.mp4", with_pause),
    Case(
        "sizes.h264", joined(numbered_from(0, 40, **BARE), numbered_from(40, 50, 128, 160, **BARE))
    ),
    Case(
        "formats.h264",
        joined(numbered_from(0, 40, **BARE), numbered_from(40, 50, pixel_format="yuv444p", **BARE)),
    ),
    Case("no-times.avi", clip("mpeg4", options={"bf": "2"})),
]


# If PyAV reads a file, `auto` is PyAV, as a test below shows.
READINGS = [
    *((case, reader) for case in CASES for reader in READERS),
    *((case, "av") for case in AV_CASES),
]


@pytest.fixture(params=READINGS, ids=lambda reading: f"{reading[0].name}-{reading[1]}")
def reading_of(request, made_once, apart):
    """A case, its file, its reading and its reader; decord, which may crash, in another process."""
    case, reader = request.param
    read = partial(apart, read_video) if reader == "decord" else read_video
    return case, made_once(case.name, case.make), reader, read


def test_frame_k_is_the_kth_of_a_sequential_decode(reading_of):
    case, path, reader, read = reading_of
    if reader == "decord" and case.decord_refuses:
        with pytest.raises(VideoError, match=f"{case.decord_refuses}.*; try --reader av"):
            read(path, reader, range, read_number)
        return
    reading = read(path, reader, range, read_number)
    num_frames = case.num_frames or count_frames(path)
    assert case.num_frames or 0 < num_frames < 90
    assert reading.num_frames == num_frames
    assert reading.frames == {k: case.first_number + k for k in range(num_frames)}
    assert len(reading.warnings) == bool(case.warning)
    assert case.warning in " ".join(reading.warnings)


def test_auto_is_pyav_where_that_reads(tmp_path, caplog):
    path = clip()(tmp_path / "auto.mp4")
    with caplog.at_level("INFO", logger="vswin_cli"):
        reading = read_video(path, "auto", range, read_number)
    assert caplog.messages[-1].endswith("read by av, 90 frame(s)")
    assert reading.frames == read_video(path, "av", range, read_number).frames


def test_some_frames_are_read_like_all(reading_of):
    case, path, reader, read = reading_of
    if reader == "decord" and case.decord_refuses:
        return
    reading = read(path, reader, middle_and_first, read_number)
    middle = (case.num_frames or count_frames(path)) // 2
    assert reading.frames == {0: case.first_number, middle: case.first_number + middle}


COLORS = {"red": (200, 30, 30), "green": (30, 160, 30), "blue": (40, 40, 190), "gray": (128,) * 3}
KINDS = {
    "8-bit.mp4": ("libx264", "yuv420p"),
    "444.mp4": ("libx264", "yuv444p"),
    "10-bit.mp4": ("libx265", "yuv420p10le"),
    "vp9.webm": ("libvpx-vp9", "yuv420p"),
    "palette.gif": ("gif", "rgb8"),
}


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("kind", KINDS)
def test_colors_are_rgb(made_once, reader, kind):
    codec, pixel_format = KINDS[kind]
    frames = [np.full((64, 96, 3), color, np.uint8) for color in COLORS.values() for _ in range(4)]
    path = made_once(
        f"colors-{kind}", lambda path: encode(path, frames, codec, pixel_format=pixel_format)
    )
    found = read_video(path, reader, range, lambda frame: frame.copy()).frames
    tolerance = 30 if kind == "palette.gif" else 6
    for number, color in enumerate(COLORS.values()):
        frame = found[4 * number + 2]
        assert frame.shape == (64, 96, 3)
        assert frame.dtype == np.uint8
        np.testing.assert_allclose(frame.mean(axis=(0, 1)), color, atol=tolerance)


@pytest.mark.parametrize("reader", READERS)
def test_gray_becomes_rgb_with_equal_channels(tmp_path, reader):
    frames = [np.full((64, 96, 3), value, np.uint8) for value in (40, 128, 220)]
    path = encode(tmp_path / "gray.mkv", frames, pixel_format="gray")
    found = read_video(path, reader, range, lambda frame: frame.copy()).frames
    for index, value in enumerate((40, 128, 220)):
        assert found[index].shape == (64, 96, 3)
        assert np.ptp(found[index], axis=2).max() == 0
        assert abs(float(found[index].mean()) - value) < 20  # limited range is stretched to full


@pytest.mark.parametrize(
    ("orientation", "turn"), [(1, None), (3, "turned 180"), (6, "turned 90"), (8, "turned 270")]
)
def test_pictures_that_a_camera_marks_as_turned_are_upright(tmp_path, orientation, turn):
    frames = [as_stored(k, MATRICES[turn]) if turn else k for k in numbered_frames(3)]
    straight = encode(tmp_path / "straight.avi", frames, "mjpeg", pixel_format="yuvj420p")
    exif = b"Exif\0\0MM\0*" + struct.pack(">IHHHIHHI", 8, 1, 0x112, 3, 1, orientation, 0, 0)
    mark = b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif
    path = remux(tmp_path / "a.avi", straight, change=lambda _, old: old[:2] + mark + old[2:])
    assert read_video(path, "av", range, read_number).frames == {0: 0, 1: 1, 2: 2}


@pytest.mark.parametrize("numbers", [{0}, {45}, {89}, {3, 44}], ids=str)
def test_damaged_packet_costs_its_frame_and_no_other(tmp_path, numbers):
    path = tmp_path / "damaged.mp4"
    damaged(*numbers)(path)
    reading = read_video(path, "auto", range, lambda frame: frame.copy())
    assert reading.num_frames == count_frames(path) < 90
    last = reading.frames[reading.num_frames - 1]
    assert read_number(last) == max(set(range(90)) - numbers)
    [warning] = reading.warnings
    lost = f"{len(numbers)} of 90 packets" if 0 not in numbers else "packets"
    assert warning.startswith("the stream is damaged: ")
    assert lost in warning


def test_recording_that_starts_between_key_frames_is_read_from_the_next(tmp_path):
    path = tmp_path / "mid.ts"
    mid_gop(path)
    reading = read_video(path, "auto", range, lambda frame: frame.copy())
    assert reading.num_frames == count_frames(path)
    assert read_number(reading.frames[reading.num_frames - 1]) == 89
    assert reading.warnings == ()


@pytest.fixture(scope="module")
def untagged(tmp_path_factory):
    return encode(tmp_path_factory.mktemp("tags") / "untagged.mp4", numbered_frames(8))


@pytest.mark.parametrize(
    "tag", ["matrix_coefficients", "transfer_characteristics", "video_full_range_flag"]
)
def test_any_color_tag_is_read(tmp_path, untagged, tag):
    """FFmpeg refuses to convert some, and an unconverted frame is not a picture."""
    for value in range(2 if "flag" in tag else 23):
        path = remux(
            tmp_path / f"{value}.mp4", untagged, filters=("h264_metadata", f"{tag}={value}")
        )
        reading = read_video(path, "auto", range, read_number)
        assert reading.frames == {k: k for k in range(8)}
        hdr = {16: "PQ", 18: "HLG"}.get(value) if tag == "transfer_characteristics" else None
        assert [f"HDR ({hdr})" in warning for warning in reading.warnings] == [True] * bool(hdr)


def test_frames_that_cannot_be_converted_are_an_error(tmp_path, monkeypatch):
    """Unconverted frames from a decoder must not be labelled."""
    path = encode(tmp_path / "clip.mp4", numbered_frames(8))

    class Refusing:
        def reformat(self, frame, **_):
            raise av.ArgumentError(22, "cannot convert")

    monkeypatch.setattr(pictures, "VideoReformatter", Refusing)
    with pytest.raises(VideoError, match=r"cannot convert its frames \(yuv420p\).*; try --reader"):
        read_video(path, "av", range, read_number)


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("ffmpeg"), reason="FFmpeg's command line is not installed")
def test_frames_are_those_of_ffmpegs_command_line(made_once):
    """Compare their number always, and their bits for 8-bit samples, which no version changes."""
    for case in (*CASES, *AV_CASES):
        path = made_once(case.name, case.make)
        command = ["ffmpeg", "-v", "quiet", "-noautorotate", "-i", path, "-map", "0:V:0"]
        command += ["-fps_mode", "passthrough", "-f", "framemd5", "-"]
        lines = subprocess.run(command, capture_output=True, text=True).stdout.splitlines()
        expected = [line.split(",")[-1].strip() for line in lines if not line.startswith("#")]
        with av.open(str(path)) as container:
            frames = []
            for packet in container.demux(av_reader.main_stream(container)):
                with suppress(av.FFmpegError):
                    frames += packet.decode()
        assert len(frames) == len(expected), case.name
        kinds = {(frame.width, frame.height, frame.format.name) for frame in frames}
        if len(kinds) == 1 and not frames[0].format.name.endswith("le"):  # otherwise it scales, too
            found = [hashlib.md5(frame.to_ndarray().tobytes()).hexdigest() for frame in frames]
            assert found == expected, case.name


def test_readers_agree_to_the_bit(tmp_path):
    frames = np.random.default_rng(0).integers(0, 256, (12, 16, 24, 3), np.uint8)
    frames = frames.repeat(6, axis=1).repeat(6, axis=2)
    path = encode(tmp_path / "texture.mp4", frames)
    by_decord, by_av = (
        read_video(path, reader, range, lambda frame: frame.copy()).frames
        for reader in ("decord", "av")
    )
    np.testing.assert_array_equal(
        np.stack(list(by_decord.values())), np.stack(list(by_av.values()))
    )
