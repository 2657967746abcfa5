"""Films in one run, which continues after any stop with the same output."""

import gc
import json
import os
import shutil
import signal
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pympi
import pytest
from clips import encode, numbered_frame
from command import SAMPLES, VSWIN, surroundings
from film_engine import LABELS, Breaking, Counting, watched
from processes import children

import vswin_cli
from vswin_cli.films.sequence import ArraySequence, FrameSequence
from vswin_cli.formats.writer import open_writer
from vswin_cli.timeline.checkpoint import Checkpoint
from vswin_cli.timeline.probabilities import NPZ, ProbabilitiesFile

TOUR = SAMPLES / "films" / "tour.mp4"


@contextmanager
def kept(path, settings):
    checkpoint = Checkpoint(path, settings, 2)
    try:
        yield checkpoint
    finally:
        checkpoint.close(remove=False)


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    """A film of ten seconds that changes halfway."""
    frames = (numbered_frame(k if k < 125 else 4095 - k) for k in range(250))
    return encode(tmp_path_factory.mktemp("film") / "v.mp4", frames, rate=25)


@pytest.fixture
def tour(tmp_path):
    shutil.copy(TOUR, tmp_path / "tour.mp4")
    return tmp_path / "tour.mp4"


def without_times(path):
    records = [json.loads(line) for line in path.read_text().splitlines()]
    for record in records:
        del record["elapsed_seconds"]
    return records


def test_times_in_records_are_whole_microseconds():
    levels = np.repeat([10, 230, 10], 100).astype(np.uint8)
    pixels = np.broadcast_to(levels[:, np.newaxis, np.newaxis, np.newaxis], (300, 96, 96, 3))
    record = watched(ArraySequence(pixels, 30), Counting()).to_dict()
    assert record["duration_seconds"] == 10
    bounds = [(span["start_seconds"], span["end_seconds"]) for span in record["segments"]]
    assert bounds == [(0, 3.333333), (3.333333, 6.666667), (6.666667, 10)]
    assert [(span["start_seconds"], span["end_seconds"]) for span in record["shots"]] == bounds


def test_equal_windows_of_a_static_film_are_computed_once(tmp_path):
    path = encode(tmp_path / "v.mp4", [numbered_frame(5)] * 250, rate=25, options={"qp": "0"})
    engine = Counting()
    timeline = watched(FrameSequence(path), engine)
    assert timeline.num_windows > 30
    assert engine.num_computed <= 3


@pytest.mark.slow
def test_no_window_is_computed_twice_after_a_death_at_any_moment(film, tmp_path):
    engine = Counting()
    whole = watched(FrameSequence(film), engine)
    for number, died in enumerate((0, 1, engine.num_computed // 2, engine.num_computed - 1)):
        path = tmp_path / f"{number}.windows"
        with pytest.raises(KeyboardInterrupt), kept(path, {"a": 1}) as checkpoint:
            watched(FrameSequence(film), Counting(died), checkpoint)
        with path.open("ab") as file:
            file.write(b"torn")
        second = Counting()
        with kept(path, {"a": 1}) as checkpoint:
            again = watched(FrameSequence(film), second, checkpoint)
        assert second.num_computed == engine.num_computed - died
        assert again.segments == whole.segments
        np.testing.assert_array_equal(again.probabilities, whole.probabilities)
    other = Counting()
    with kept(path, {"a": 2}) as checkpoint:
        watched(FrameSequence(film), other, checkpoint)
    assert other.num_computed == engine.num_computed  # with different settings


@pytest.mark.parametrize(("batch_size", "num_at_once"), [(4, 1), (1, 2), (3, 2), (32, 1)])
def test_windows_are_computed_in_batches_with_the_same_outputs(batch_size, num_at_once, film):
    one, many = Counting(), Counting()
    many.batch_size, many.num_at_once = batch_size, num_at_once
    whole, same = (watched(FrameSequence(film), engine) for engine in (one, many))
    assert same.segments == whole.segments
    np.testing.assert_allclose(same.probabilities, whole.probabilities, atol=1e-6)
    assert many.num_views == one.num_views  # no window twice
    assert many.largest == batch_size or batch_size > one.num_views // 2
    assert many.num_waiting == 0


def test_one_flipped_byte_costs_one_window(tmp_path):
    path = tmp_path / "1.windows"
    keys = [bytes([number]) * 16 for number in range(3)]
    with kept(path, {"a": 1}) as checkpoint:
        for key in keys:
            checkpoint.put(key, np.array([0.25, 0.75], np.float32))
    content = bytearray(path.read_bytes())
    content[len(content) // 2 + 4] ^= 1  # of the second, behind the header
    path.write_bytes(content)
    with kept(path, {"a": 1}) as checkpoint:
        assert [checkpoint.get(key) is None for key in keys] == [False, True, False]
        checkpoint.put(keys[1], np.array([0.5, 0.5], np.float32))
    with kept(path, {"a": 1}) as checkpoint:
        assert [checkpoint.get(key)[0] for key in keys] == [0.25, 0.5, 0.25]


@pytest.mark.slow
def test_tour_is_told_as_it_was_made_and_a_second_run_has_nothing_to_do(vswin, tour, tmp_path):
    finished = vswin("timeline", "tour.mp4", "-o", "t.jsonl", "--probabilities")
    assert finished.returncode == 0, finished.stderr
    assert finished.stderr == (
        "1 video found: 1 new\n[1/1] tour.mp4: 7 segments\n"
    )  # fmt: skip
    [record] = map(json.loads, (tmp_path / "t.jsonl").read_text().splitlines())
    assert [segment["label"] for segment in record["segments"]] == LABELS
    assert [shot["start_frame"] for shot in record["shots"]] == [0, 180, 432]
    assert [segment["shot"] for segment in record["segments"]] == [0, 0, 1, 1, 1, 2, 2]
    for segment in record["segments"]:
        assert segment["start_seconds"] == pytest.approx(segment["start_frame"] / 24)
        assert segment["end_seconds"] == pytest.approx(segment["end_frame"] / 24)
    assert len(record["probabilities"]) == round(25 / record["step_seconds"])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["t.jsonl", "tour.mp4"]
    again = vswin("timeline", "tour.mp4", "-o", "t.jsonl", "--probabilities")
    assert "1 skipped, already done" in again.stderr
    other = vswin("timeline", "tour.mp4", "-o", "t.jsonl", "--stride", "0.5")
    assert other.returncode == 2
    assert "stride 0.25 → 0.5" in other.stderr
    truth = SAMPLES / "films" / "tour.csv"
    judged = vswin("evaluate", "t.jsonl", "--timeline", truth, "--report", "rep")
    assert judged.returncode == 0, judged.stderr
    metrics = json.loads((tmp_path / "rep" / "metrics.json").read_text())
    assert metrics["f1"]["0.50"] == metrics["edit"] == 1
    assert metrics["frame_accuracy"] >= 0.95
    assert metrics["boundary_error_seconds"] <= 0.2


@pytest.mark.slow
def test_killed_and_run_again_gives_the_same_output(vswin, tour, cache, tmp_path):
    options = ["--threads", "1", "--stride", "0.5"]
    command = ["timeline", "tour.mp4", "-o", "t.jsonl", *options]
    process = subprocess.Popen(
        [VSWIN, *command], cwd=tmp_path, env=surroundings(cache), stderr=subprocess.PIPE
    )
    checkpoint = tmp_path / "t.jsonl.windows"
    deadline = time.monotonic() + 60
    while not (checkpoint.exists() and checkpoint.stat().st_size > 1000):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert (tmp_path / "t.jsonl").read_text() == ""
    finished = vswin(*command)
    assert finished.returncode == 0, finished.stderr
    assert not checkpoint.exists()
    vswin("timeline", "tour.mp4", "-o", "whole.jsonl", *options)
    assert without_times(tmp_path / "t.jsonl") == without_times(tmp_path / "whole.jsonl")


@pytest.mark.slow
def test_a_folder_gets_a_file_per_film_and_failures_are_records(vswin, tmp_path):
    (tmp_path / "in" / "deep").mkdir(parents=True)
    for name, source in (("deep/a.mp4", "pan_left"), ("a.mp4", "zoom_in")):
        shutil.copy(SAMPLES / f"{source}.mp4", tmp_path / "in" / name)
    (tmp_path / "in" / "bad.mp4").write_bytes(b"no film")
    finished = vswin("timeline", "in", "-o", "out/", "--format", "vtt")
    assert finished.returncode == 1
    assert "bad.mp4: failed, not_a_video: cannot read in/bad.mp4: it contains no" in finished.stderr
    assert finished.stdout.startswith("timelines  2\nfailed     1\nswin-n-motion is the bundled")
    assert finished.stdout.endswith("\noutput: out/\n")
    assert "pan left 1.00" in (tmp_path / "out" / "deep" / "a.vtt").read_text()
    assert "zoom in 1.00" in (tmp_path / "out" / "a.vtt").read_text()
    assert not (tmp_path / "out" / "bad.vtt").exists()
    records = without_times(tmp_path / "out" / "timelines.jsonl")
    assert [record["status"] for record in records] == ["ok", "failed", "ok"]
    assert records[1]["num_frames"] is None
    last = vswin("timeline", "in/bad.mp4", "-o", "bad.jsonl", "--max-failures", 1)
    assert last.returncode == 1
    assert "stopped" not in last.stderr
    printed = vswin("timeline", "in/a.mp4", "-o", "-", "--format", "csv")
    assert printed.stdout.startswith("video,label,start,end,probability\nin/a.mp4,zoom in,0.000,")


@pytest.mark.slow
def test_no_file_that_no_run_wrote_and_no_output_of_another_kind_is_changed(vswin, tmp_path):
    for name in ("x.mp4", "x.mkv"):
        shutil.copy(SAMPLES / "static.mp4", tmp_path / name)
    (tmp_path / "x.csv").write_text("mine")

    def refused(said, *arguments):
        before = {path: path.read_bytes() for path in tmp_path.iterdir() if path.suffix != ".jsonl"}
        finished = vswin(*arguments)
        assert finished.returncode == 2, finished.stderr
        assert said in finished.stderr
        assert finished.stderr.count("\n") == 1
        for path, content in before.items():
            assert path.read_bytes() == content

    refused("x.csv exists, and no run wrote it", "timeline", "x.mp4", "-o", ".", "--format", "csv")
    assert vswin("timeline", "x.mp4", "-o", ".", "--format", "srt").returncode == 0
    refused("x.csv exists, and no run wrote it", "timeline", "x.mp4", "-o", ".", "--format", "csv")
    assert vswin("timeline", "x.mkv", "-o", ".", "--format", "srt").returncode == 0
    assert {path.name for path in tmp_path.glob("*.srt")} == {"x.srt", "x.mkv.srt"}
    assert vswin("timeline", "x.mp4", "-o", "one.srt").returncode == 0
    refused("contains one film, and it has x.mp4", "timeline", "x.mkv", "-o", "one.srt")
    assert vswin("label", "x.mp4", "-o", "l.csv").returncode == 0
    refused("is an output of `vswin label`", "timeline", "x.mkv", "-o", "l.csv")
    refused("is an output of `vswin timeline`", "label", "x.mkv", "-o", "timelines.jsonl")


@pytest.mark.parametrize("name", ["cvat", "otio", "srt"])
def test_a_film_that_fails_is_one_line_in_formats_of_one_film(name, vswin, tmp_path):
    (tmp_path / "bad.mp4").write_bytes(b"no film")
    printed = vswin("timeline", "bad.mp4", "--format", name)
    kept = vswin("timeline", "bad.mp4", "-o", "t.x", "--format", name)
    assert printed.returncode == kept.returncode == 1
    assert printed.stdout == ""
    assert printed.stderr.count("\n") == 1
    assert "bad.mp4: failed, not_a_video" in kept.stderr
    assert not (tmp_path / "t.x").exists()


@pytest.mark.slow
def test_whatever_happens_to_a_decoder_costs_that_film(vswin, monkeypatch, tmp_path):
    names = ["1 hangs", "2 SEGV", "3 STOP", "4 raises", "5"]
    for name in names:
        shutil.copy(SAMPLES / "static.mp4", tmp_path / f"{name}.mp4")
    monkeypatch.setattr("vswin_cli.timeline.runs.FrameSequence", Breaking)
    finished = vswin("timeline", ".", "-o", "t.jsonl", "--timeout", "1.5")
    assert finished.returncode == 1
    assert "1 hangs.mp4: failed, timeout: no frame decoded for 1.5 s" in finished.stderr
    assert "crashed: the process was ended by SIGSEGV; convert" in finished.stderr
    assert "4 raises.mp4: RuntimeError: a bug" in finished.stderr
    records = without_times(tmp_path / "t.jsonl")
    kinds = [record["error"] and record["error"]["kind"] for record in records]
    assert kinds == ["timeout", "crashed", "timeout", "unreadable", None]
    assert [len(record["segments"]) for record in records] == [0, 0, 0, 0, 1]
    assert children(os.getpid()) == []


def test_a_page_is_made_of_the_records_that_are_there(vswin, tmp_path):
    shutil.copy(SAMPLES / "static.mp4", tmp_path / "x.mp4")
    assert vswin("timeline", "x.mp4", "-o", "t.jsonl").returncode == 0
    before = (tmp_path / "t.jsonl").read_bytes()
    finished = vswin("timeline", "x.mp4", "-o", "t.jsonl", "--report", "page.html")
    assert finished.returncode == 0, finished.stderr
    assert "1 skipped, already done" in finished.stderr
    assert (tmp_path / "t.jsonl").read_bytes() == before
    page = (tmp_path / "page.html").read_text()
    assert '"static"' in page
    bare = vswin("timeline", "x.mp4", "-o", "t.jsonl", "--report", "bare.html", "--no-strips")
    assert bare.returncode == 0, bare.stderr
    assert "/9j/" in page  # the start of a JPEG
    assert "/9j/" not in (tmp_path / "bare.html").read_text()


def test_windows_that_cannot_be_deleted_are_told_in_a_line(tmp_path):
    path = tmp_path / "windows"
    with kept(path, {}) as checkpoint:
        checkpoint.put(bytes(16), np.zeros(2, np.float32))
        only_read = os.open(path, os.O_RDONLY)
        os.dup2(only_read, checkpoint._file.fileno())
        os.close(only_read)
        with pytest.raises(
            vswin_cli.OutputError, match=f"cannot write {path}: .*; free some space"
        ):
            checkpoint.clear()


@pytest.mark.parametrize("name", ["p.npz", "p.parquet"])
def test_probabilities_of_every_step_are_in_a_file_too(name, vswin, tmp_path):
    for film in ("x.mp4", "labels"):
        shutil.copy(SAMPLES / "static.mp4", tmp_path / film)
    command = ["timeline", "x.mp4", "labels", "-o", "t.jsonl", "--probabilities-file", name]
    assert vswin(*command).returncode == 0
    [record, _] = without_times(tmp_path / "t.jsonl")
    if name == "p.npz":
        arrays = np.load(tmp_path / name)
        assert set(arrays) == {"labels", "step_seconds", "x.mp4", "labels_"}
        assert arrays["labels"][0] == "static"
        found = arrays["x.mp4"].tolist()
    else:
        rows = pq.read_table(tmp_path / name).to_pylist()
        assert rows[0]["end_seconds"] == rows[1]["start_seconds"] == 0.25
        found = [list(row.values())[3:] for row in rows if row["video"] == "x.mp4"]
    assert found == record["probabilities"]


def test_a_class_may_have_the_name_of_a_column(tmp_path):
    file = ProbabilitiesFile(tmp_path / "p.parquet", ["video", "video_", "a"])
    record = {
        "video": "x", "error": None, "step_seconds": 0.25, "duration_seconds": 0.2,
        "probabilities": [[0.5, 0.25, 0.25]],
    }  # fmt: skip
    file.write([record])
    [row] = pq.read_table(tmp_path / "p.parquet").to_pylist()
    assert list(row.values()) == ["x", 0, 0.2, 0.5, 0.25, 0.25]
    assert list(row)[3:] == ["video_", "video__", "a"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a disk that is full")
def test_a_full_disk_ends_a_file_of_probabilities_once():
    """An archive that is not closed tries again when it is deleted, and prints a traceback."""
    record = {"video": "x", "step_seconds": 0.25, "probabilities": [[0.5, 0.5]]}
    with (
        pytest.raises(OSError, match="No space left"),
        open_writer(NPZ, Path("/dev/full"), top_k=1, more_columns=["a", "b"]) as writer,
    ):
        writer.write(record)
    gc.collect()


def test_exported_media_are_found_from_where_the_files_are(vswin, tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "out").mkdir()
    shutil.copy(SAMPLES / "static.mp4", tmp_path / "in" / "x.mkv")
    assert vswin("timeline", "in/x.mkv", "-o", "out/t.eaf").returncode == 0
    [media] = pympi.Eaf(str(tmp_path / "out" / "t.eaf")).media_descriptors
    assert media["RELATIVE_MEDIA_URL"] == "../in/x.mkv"
    assert media["MIME_TYPE"] == "video/x-matroska"
    assert vswin("timeline", "in", "-o", "out/", "--format", "otio").returncode == 0
    assert '"target_url": "../in/x.mkv"' in (tmp_path / "out" / "x.otio").read_text()


def test_the_torn_first_record_of_a_timeline_is_cut_away(vswin, tmp_path):
    shutil.copy(SAMPLES / "static.mp4", tmp_path / "x.mp4")
    (tmp_path / "t.jsonl").write_text('{"schema_version": 1, "video": "x.m')
    finished = vswin("timeline", "x.mp4", "-o", "t.jsonl")
    assert finished.returncode == 0, finished.stderr
    assert len(without_times(tmp_path / "t.jsonl")) == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["x.mp4", "-o", "t.srt", "y.mp4"], "a file of srt contains one film, but there are 2"),
        (["x.mp4", "-o", "."], "is a folder: give the --format of its files"),
        (["x.mp4", "-o", "t.foo"], "must end in .json, .jsonl, .csv, .srt, .vtt"),
        (["x.mp4", "--min-probability", "2"], "--min-probability"),
        (["x.mp4", "--probabilities-file", "p.txt"], "p.txt must end in .npz or .parquet"),
        (["x.mp4", "--probabilities-file", "no/p.npz"], "no/p.npz: no folder no; make it first"),
        (["x.mp4", "--stride", "0"], "--stride 0 is not from 0.01 to 3600 seconds"),
        (["x.mp4", "--format", "edl"], "--format edl is not one of"),
        (["x.mp4", "-o", ".", "--format", "table"], "--format table cannot be written to files"),
    ],
)
def test_what_makes_no_sense_is_told_before_anything_is_done(arguments, said, vswin, tmp_path):
    for name in ("x.mp4", "y.mp4"):
        shutil.copy(SAMPLES / "static.mp4", tmp_path / name)
    finished = vswin("timeline", *arguments)
    assert finished.returncode == 2, finished.stderr
    assert said in finished.stderr
    assert finished.stderr.count("\n") == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["x.mp4", "y.mp4"]


@pytest.mark.slow
def test_programs_get_timelines_of_files_and_of_frames():
    model = vswin_cli.load_model()
    timeline = model.timeline(SAMPLES / "pan_left.mp4")
    assert [segment.label for segment in timeline.segments] == ["pan left"]
    frames = np.stack([f.pixels.copy() for f in FrameSequence(SAMPLES / "pan_left.mp4")])
    same = model.timeline(frames, frames_per_second=24)
    assert [s.end_frame for s in same.segments] == [72]
    np.testing.assert_array_equal(same.probabilities, timeline.probabilities)
    with pytest.raises(vswin_cli.UsageError, match="give frames_per_second"):
        model.timeline(frames)
