"""One contract for every reader: frame k is the k-th that a sequential decode yields."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from clips import count_frames, cut, encode, numbered_frames, patch, read_number, turn

from vswin_cli.errors import VideoError
from vswin_cli.video.reading import read_video

READERS = ["decord", "opencv", "auto"]
UNEVEN = [33 * k + 4 * (k % 7) + 500 * (k // 20) for k in range(90)]  # milliseconds
FRAGMENTED = {"movflags": "frag_keyframe+empty_moov"}


@dataclass(frozen=True)
class Case:
    """A clip whose frame k carries the number first_number + k."""

    name: str
    make: Callable[[Path], object]
    num_frames: int = 90  # 0: less than 90, as many as FFmpeg itself decodes
    first_number: int = 0
    decord_refuses: str = ""  # what it says
    opencv_refuses: str = ""
    warning: str = ""

    def refusal(self, reader):
        return {"decord": self.decord_refuses, "opencv": self.opencv_refuses}.get(reader, "")


def clip(codec="libx264", num_frames=90, height=64, width=96, **options):
    return lambda path: encode(path, numbered_frames(num_frames, height, width), codec, **options)


def turned(degrees):
    def make(path):
        frames = (np.rot90(frame, degrees // 90) for frame in numbered_frames(90))
        turn(encode(path, frames), degrees)

    return make


def starting_late(path):
    """An edit list hides the first ten frames, which the later ones need."""
    encode(path, numbered_frames(90), options={"g": "90", "bf": "0"})
    patch(path, b"elst", 12, 10 * 512)  # its media time, in 1/15360 s


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
    Case("av1.mp4", clip("libsvtav1", height=128, width=192), opencv_refuses="0 of 90 frames"),
    Case("av1.mkv", clip("libsvtav1", height=128, width=192), opencv_refuses="0 of 90 frames"),
    Case("mpeg2.ts", clip("mpeg2video"), decord_refuses=REPEATS),
    Case("mpeg1.mpg", clip("mpeg1video", container_format="mpeg", options={"bf": "2"})),
    Case("mpeg2.mpg", clip("mpeg2video", container_format="vob", options={"bf": "2"})),
    Case("mpeg4.avi", clip("mpeg4")),
    Case("mpeg4-b-frames.avi", clip("mpeg4", options={"bf": "2"})),
    Case("mjpeg.avi", clip("mjpeg", pixel_format="yuvj420p")),
    Case("animation.gif", clip("gif", pixel_format="rgb8")),
    Case("turned-90.mov", turned(90)),
    Case("turned-180.mov", turned(180)),
    Case("turned-270.mov", turned(270)),
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


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("readers")


@pytest.fixture(params=CASES, ids=lambda case: case.name)
def case(request):
    return request.param


@pytest.fixture
def path(case, folder):
    path = folder / case.name
    if not path.exists():
        case.make(path)
    return path


@pytest.mark.parametrize("reader", READERS)
def test_frame_k_is_the_kth_of_a_sequential_decode(case, path, reader):
    if refusal := case.refusal(reader):
        other = "opencv" if reader == "decord" else "decord"
        with pytest.raises(VideoError, match=f"{refusal}.*; try --reader {other}"):
            read_video(path, reader, range, read_number)
        return
    reading = read_video(path, reader, range, read_number)
    num_frames = case.num_frames or count_frames(path)
    assert case.num_frames or 0 < num_frames < 90
    assert reading.num_frames == num_frames
    assert reading.frames == {k: case.first_number + k for k in range(num_frames)}
    said = reading.warnings
    assert len(said) == bool(case.warning)
    assert case.warning in " ".join(said)


@pytest.mark.parametrize("reader", READERS)
def test_some_frames_are_read_like_all(case, path, reader):
    if refusal := case.refusal(reader):
        with pytest.raises(VideoError, match=refusal):
            read_video(path, reader, lambda num_frames: [0], read_number)
        return
    reading = read_video(path, reader, lambda num_frames: [num_frames // 2, 0], read_number)
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
@pytest.mark.parametrize("color", COLORS)
def test_colors_are_rgb(tmp_path, reader, kind, color):
    codec, pixel_format = KINDS[kind]
    frames = [np.full((64, 96, 3), COLORS[color], np.uint8)] * 4
    path = encode(tmp_path / kind, frames, codec, pixel_format=pixel_format)
    found = read_video(path, reader, range, lambda frame: frame.copy()).frames[2]
    assert found.shape == (64, 96, 3)
    assert found.dtype == np.uint8
    tolerance = 30 if kind == "palette.gif" else 6
    np.testing.assert_allclose(found.mean(axis=(0, 1)), COLORS[color], atol=tolerance)


@pytest.mark.parametrize("reader", READERS)
def test_gray_becomes_rgb_with_equal_channels(tmp_path, reader):
    frames = [np.full((64, 96, 3), value, np.uint8) for value in (40, 128, 220)]
    path = encode(tmp_path / "gray.mkv", frames, pixel_format="gray")
    found = read_video(path, reader, range, lambda frame: frame.copy()).frames
    for index, value in enumerate((40, 128, 220)):
        assert found[index].shape == (64, 96, 3)
        assert np.ptp(found[index], axis=2).max() == 0
        assert abs(float(found[index].mean()) - value) < 20  # limited range is stretched to full


def test_readers_agree_to_the_bit(tmp_path):
    frames = np.random.default_rng(0).integers(0, 256, (12, 16, 24, 3), np.uint8)
    frames = frames.repeat(6, axis=1).repeat(6, axis=2)
    path = encode(tmp_path / "texture.mp4", frames)
    by_decord, by_opencv = (
        read_video(path, reader, range, lambda frame: frame.copy()).frames
        for reader in ("decord", "opencv")
    )
    np.testing.assert_array_equal(
        np.stack(list(by_decord.values())), np.stack(list(by_opencv.values()))
    )
