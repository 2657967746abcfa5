"""`vswin doctor`: a report of what works, without names of the user's files."""

import hashlib
import json
import os
import shutil

import av
import pytest
from command import SAMPLES
from footage import damaged, interlaced, turned
from range_server import serving
from schemas import assert_valid, schema

from vswin_cli.api import diagnosis
from vswin_cli.diagnosis.apart import call_apart
from vswin_cli.diagnosis.video import examine

SAMPLE = SAMPLES / "pan_left.mp4"


@pytest.fixture
def openvino_alone(monkeypatch):
    """Two engines, one of them not installed; trials of other engines use the same code."""
    monkeypatch.setattr(diagnosis, "ENGINES", ("openvino", "no_such_engine"))


@pytest.fixture
def examined(monkeypatch):
    """The report about a video, without trials of engines and readers, in this process."""
    monkeypatch.setattr(diagnosis, "ENGINES", ())
    monkeypatch.setattr(diagnosis, "READERS", ())
    monkeypatch.setattr(diagnosis, "call_apart", lambda _, *values, seconds: examine(*values))
    return lambda location, **options: diagnosis.diagnose(str(location), **options)["video"]


@pytest.mark.slow
@pytest.mark.usefixtures("openvino_alone")
def test_report_says_what_works_and_names_no_path(vswin, tmp_path):
    folder = tmp_path / "alice smith" / "secrets"
    folder.mkdir(parents=True)
    clip = shutil.copy(SAMPLE, folder / "bob's birthday.mp4")
    finished = vswin("doctor", clip, "--format", "json", VSWIN_MIRROR="https://carol:x@host/dir")
    assert (finished.returncode, finished.stderr) == (0, "")
    for word in ("alice", "smith", "secrets", "bob", "birthday", "carol", str(tmp_path)):
        assert word not in finished.stdout
    report = json.loads(finished.stdout)
    assert_valid(report, "doctor")
    assert report.keys() == schema("doctor")["properties"].keys()
    engine = report["engines"]["openvino"]
    assert engine["status"] == "works"
    assert engine["milliseconds_per_view"] > 0
    assert report["engines"]["no_such_engine"]["status"] == "not installed"
    assert {name: each["status"] for name, each in report["readers"].items()} == {
        "av": "works",
        "decord": "works",
    }
    assert report["processors"]["num_usable"] >= 1
    assert report["processors"]["instruction_sets"]
    assert report["packages"]["numpy"]
    assert report["cache"]["chosen_by"] == "VSWIN_CACHE"
    assert report["weights"][0]["model"] == "swin-n-motion"
    assert report["video"]["reading"]["reader"] == "av"
    assert report["problems"] == []
    finished = vswin("doctor", clip, "--paths")
    assert str(clip) in finished.stdout
    assert "\n  openvino:\n    status: works\n" in finished.stdout


def test_hashes_are_those_of_the_frames(examined):
    reading = examined(SAMPLE)["reading"]
    with av.open(str(SAMPLE)) as container:
        frames = [
            frame.to_ndarray(format="bgr24", interpolation="BICUBIC")[..., ::-1]
            for frame in container.decode(video=0)
        ]
    assert reading["num_frames"] == len(frames) == 72
    assert reading["num_sampled_frames"] == len(reading["sha256_per_frame"]) > 30
    for index, digest in reading["sha256_per_frame"].items():
        pixels = frames[int(index)].tobytes()
        assert hashlib.sha256(pixels).hexdigest().startswith(digest)


def test_stream_is_described(examined, tmp_path):
    path = tmp_path / "clip.mp4"
    interlaced()(path)
    video = examined(path)
    assert video["video_stream"]["codec"] == "h264"
    assert video["video_stream"]["pixel_format"] == "yuv420p"
    assert video["video_stream"]["field_order"] == "top first (tt)"
    assert video["first_frame"]["interlaced"] is True
    turned("mirrored")(path)
    assert examined(path)["first_frame"]["display_matrix"] == [-1, 0, 0, 1]
    damaged(40)(path)
    video = examined(path)
    reading = video["reading"]
    assert video["packets"]["num_packets"] > reading["num_frames"] - 1
    assert reading["num_lost_packets"] + reading["num_damaged_frames"] > 0
    assert any(note.startswith("decoding by times does not work: ") for note in reading["notes"])
    assert any("damaged" in warning for warning in reading["warnings"])


@pytest.mark.slow
def test_what_is_no_video_is_told_and_never_opened_for_long(examined, tmp_path):
    (tmp_path / "empty.mp4").touch()
    (tmp_path / "text.mp4").write_text("alice/holiday.mp4\n")
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(SAMPLE.read_bytes()[:-60_000])
    odd = os.fsdecode(os.fsencode(tmp_path) + b"/\xff\n.mp4")
    shutil.copy(SAMPLE, odd)
    os.mkfifo(tmp_path / "pipe.mp4")
    kinds = {
        tmp_path / "none.mp4": "missing",
        tmp_path: "not_a_file",
        tmp_path / "pipe.mp4": "not_a_file",
        "/dev/null": "not_a_file",
        tmp_path / "empty.mp4": "empty",
        "x" * 300: "unreadable",
        "a\0b": "unreadable",
        "": "missing",
        "nope://host/clip.mp4": "unreadable",
    }
    for location, kind in kinds.items():
        assert examined(location)["kind"] == kind, location
    text = examined(tmp_path / "text.mp4")
    assert (text["first_bytes"], text["reading"]["kind"]) == ("text", "not_a_video")
    assert examined(cut)["cut_off"] is True
    assert examined(odd)["reading"]["num_frames"] == 72
    assert examined(odd)["name"]["utf8"] is False


@pytest.mark.slow
def test_address_is_read_and_its_secrets_are_not_told(examined):
    with serving({"/alice.mp4": SAMPLE.read_bytes()}) as server:
        location = f"http://bob:pass@{server.address}/alice.mp4"
        for paths in (False, True):
            video = examined(location, paths=paths)
            told = json.dumps(video)
            assert video["reading"]["num_frames"] == 72
            assert not any(word in told for word in ("bob", "pass"))
            assert ("alice" in told) is paths


def test_address_of_a_failed_video_leaves_its_reason_whole(examined):
    error = examined("http://bob:pass@127.0.0.1:1/alice.mp4")["error"]
    assert error.startswith("cannot read ADDRESS: its server cannot be reached; check")


@pytest.mark.slow
def test_library_that_is_broken_or_crashes_is_a_line(vswin_process, tmp_path):
    faults = {
        "openvino": "raise ImportError('/home/alice/lib/libov.so: cannot open')",
        "tensorflow": "import os, signal; os.kill(os.getpid(), signal.SIGILL)",
        "cv2": "raise ImportError('libGL.so.1: cannot open')",
    }
    for name, code in faults.items():
        (tmp_path / f"{name}.py").write_text(code)
    variables = {"PYTHONPATH": os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])}
    finished = vswin_process("doctor", SAMPLE, "--format", "json", **variables)
    assert (finished.returncode, finished.stderr) == (1, "")
    report = json.loads(finished.stdout)
    assert_valid(report, "doctor")
    assert report["engines"]["openvino"]["error"].endswith("…/libov.so: cannot open")
    assert "SIGILL" in report["engines"]["tensorflow"]["error"]
    assert "libGL" in report["readers"]["av"]["error"]
    assert "libGL" in report["video"]["error"]
    assert "alice" not in finished.stdout


@pytest.mark.slow
def test_what_hangs_is_given_up(tmp_path, monkeypatch):
    (tmp_path / "openvino.py").write_text("import time; time.sleep(60)")
    monkeypatch.syspath_prepend(tmp_path)
    answer = call_apart("trials.try_engine", "openvino", str(tmp_path), seconds=2)
    assert answer == {"error": "not done within 2 s"}


@pytest.mark.parametrize(
    ("video", "message"),
    [("-", "save it to a file first"), ("none.mp4", "no file none.mp4; check the path")],
)
def test_what_cannot_be_examined_is_refused_at_once(vswin, monkeypatch, video, message):
    monkeypatch.setattr(diagnosis, "call_apart", None)  # no trial
    finished = vswin("doctor", video)
    assert finished.returncode == 2
    assert message in finished.stderr
    assert len(finished.stderr.splitlines()) == 1
