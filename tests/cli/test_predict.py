"""`vswin predict` as users run it: real files, real weights files."""

import csv
import io
import json
import os
import pty
import subprocess
import sys
from functools import partial

import av
import cv2
import numpy as np
import pytest
from clips import encode, numbered_frames
from command import SAMPLES, VSWIN
from models import NANO
from reference import video

from vswin_cli.engines.openvino import openvino  # without its telemetry
from vswin_cli.engines.registry import load_engine
from vswin_cli.zoo.labels import KINETICS400, read_labels

QUICK = ["--clips", "1", "--crops", "1"]


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    """A landscape clip of 100 frames with moving texture."""
    path = tmp_path_factory.mktemp("clip") / "a clip.mp4"
    return encode(path, video(100, 128, 192), pixel_format="yuv420p")


@pytest.fixture
def predict(vswin, small_model):
    """Run `vswin predict` with the small model and its pseudo-random weights."""
    return partial(vswin, "predict", "--model", small_model)


@pytest.mark.slow
def test_json_names_what_a_published_model_computed(vswin, checkpoint, clip):
    predict = partial(vswin, "predict", "--model", "swin-t-k400")
    predict = partial(predict, "--weights", checkpoint("swin-t-k400"))
    finished = predict(clip, "--format", "json", "--top-k", "3", *QUICK)
    assert (finished.returncode, finished.stderr) == (0, "")
    [record] = json.loads(finished.stdout)
    assert record["clip_seconds"] == [[0.6, 2.7]]
    assert record["video"] == str(clip)
    assert record["model"] == "swin-t-k400"
    assert record["protocol"] == "official"
    assert record["num_frames"] == 100
    assert record["clips"] == [list(range(18, 82, 2))]
    assert (record["num_views"], record["num_distinct_views"]) == (1, 1)
    assert (record["backend"], record["precision"]) == ("openvino", "float32")
    assert record["error"] is None
    assert [p["rank"] for p in record["predictions"]] == [1, 2, 3]
    labels = read_labels(KINETICS400)
    assert all(labels[p["index"]] == p["label"] for p in record["predictions"])
    probabilities = [p["probability"] for p in record["predictions"]]
    assert probabilities == sorted(probabilities, reverse=True)
    assert 0 < record["elapsed_seconds"] < 60


@pytest.mark.slow
def test_whole_protocol_is_the_mean_over_all_twelve_views(predict, clip, checkpoint, cache):
    """Compared with the simplest method: decode all frames, take every view, average."""
    finished = predict(clip, "--format", "json", "--top-k", "400")
    assert (finished.returncode, finished.stderr) == (0, "")
    [record] = json.loads(finished.stdout)
    with av.open(str(clip)) as container:
        frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    frames = [
        cv2.resize(frame, (336, 224), interpolation=cv2.INTER_LINEAR)  # short side 128 to 224
        for frame in frames
    ]
    spacing = (100 - 63) / 4
    views = [
        np.stack(
            [frames[int(i * spacing + spacing / 2) + 2 * t][:, x : x + 224] for t in range(32)]
        )
        for i in range(4)
        for x in (0, 112, 56)
    ]
    engine = load_engine(
        NANO,
        checkpoint("nano"),
        backend="openvino",
        precision="float32",
        view_size=(32, 224, 224),
        cache_folder=cache / "graphs",
        spares_keras=True,
    )
    expected = engine.compute(np.stack(views)).probabilities.mean(axis=0)
    computed = np.zeros(400)
    for prediction in record["predictions"]:
        computed[prediction["index"]] = prediction["probability"]
    assert (record["num_views"], record["num_distinct_views"]) == (12, 12)
    # OpenCV and PyAV convert colours equally, except for the last bit of some pixels.
    np.testing.assert_allclose(computed, expected, rtol=0, atol=1e-3)
    assert computed.sum() == pytest.approx(1, abs=1e-5)
    assert list(np.argsort(-expected)[:5]) == [p["index"] for p in record["predictions"][:5]]


@pytest.mark.slow
def test_short_square_video_is_computed_once_for_all_twelve_views(predict, tmp_path):
    square = encode(tmp_path / "square.mp4", numbered_frames(20, 64, 64))
    merged = predict(square, "--format", "json", "--top-k", "400")
    single = predict(square, "--format", "json", "--top-k", "400", *QUICK)
    [record], [one] = json.loads(merged.stdout), json.loads(single.stdout)
    assert (record["num_views"], record["num_distinct_views"]) == (12, 1)
    assert len(record["clips"]) == 4
    assert record["predictions"] == one["predictions"]


def test_table_is_plain_when_piped(predict, clip):
    finished = predict(clip, *QUICK)
    assert (finished.returncode, finished.stderr) == (0, "")
    lines = finished.stdout.splitlines()
    assert lines[0] == str(clip)
    assert lines[1].split() == ["rank", "label", "probability"]
    assert [line.split()[0] for line in lines[2:7]] == list("12345")
    assert lines[7].startswith("nano · 100 frames · 1×1 views (1 distinct) · openvino float32 · ")
    assert len(lines) == 8
    assert "\x1b" not in finished.stdout


@pytest.mark.slow
def test_table_fits_a_terminal_of_80_columns(small_model, clip, cache):
    reading, terminal = pty.openpty()
    environment = {**os.environ, "VSWIN_CACHE": str(cache), "COLUMNS": "80", "TERM": "xterm"}
    with subprocess.Popen(
        [VSWIN, "predict", clip, *QUICK, "--model", small_model],
        stdout=terminal,
        stderr=subprocess.DEVNULL,
        env=environment,
    ) as running:
        os.close(terminal)
        shown = b""
        while chunk := _read(reading):
            shown += chunk
    os.close(reading)
    assert running.returncode == 0
    text = shown.decode()
    assert "\x1b[" in text
    plain = text.replace("\r", "").split("\n")
    assert any("probability" in line for line in plain)
    assert all(len(_without_colours(line)) <= 80 for line in plain)


def _read(descriptor):
    try:
        return os.read(descriptor, 65536)
    except OSError:  # the other end was closed
        return b""


def _without_colours(line):
    while "\x1b[" in line:
        start = line.index("\x1b[")
        line = line[:start] + line[line.index("m", start) + 1 :]
    return line


def test_every_video_gets_its_result_or_its_error(predict, clip, tmp_path):
    (tmp_path / "empty.mp4").touch()
    (tmp_path / "text.mp4").write_text("no video at all\n" * 100)
    (tmp_path / "folder.mp4").mkdir()
    os.mkfifo(tmp_path / "fifo.mp4")
    bad = ["empty.mp4", "text.mp4", "folder.mp4", "fifo.mp4", "missing.mp4"]
    finished = predict(bad[0], bad[1], clip, *bad[2:], "--format", "jsonl", *QUICK)
    assert finished.returncode == 1
    records = [json.loads(line) for line in finished.stdout.splitlines()]
    assert [record["video"] for record in records] == [*bad[:2], str(clip), *bad[2:]]
    kinds = [record["error"] and record["error"]["kind"] for record in records]
    assert kinds == ["empty", "not_a_video", None, "not_a_file", "not_a_file", "missing"]
    errors = finished.stderr.splitlines()
    assert len(errors) == 5
    for name, line in zip(bad, errors, strict=True):
        assert line.startswith(f"error: cannot read {name}: ")
    assert all(list(record) == list(records[0]) for record in records)


def test_broken_stream_is_labelled_with_a_warning(predict, tmp_path):
    path = encode(tmp_path / "cut.ts", numbered_frames(60), container_format="mpegts")
    whole = encode(tmp_path / "cut.avi", numbered_frames(90), "mpeg4")
    whole.write_bytes(whole.read_bytes()[: whole.stat().st_size * 2 // 3])
    finished = predict(path, whole, "--format", "json", *QUICK)
    first, second = json.loads(finished.stdout)
    assert finished.returncode == 0
    assert first["num_frames"] == 60
    assert 0 < second["num_frames"] < 90
    assert first["warnings"] == []
    assert f"{second['num_frames']} of " in second["warnings"][0]
    [warning] = finished.stderr.splitlines()
    assert warning.startswith("warning: ")
    assert f"{second['num_frames']} of " in warning


def test_csv_and_output_file(predict, clip, tmp_path):
    finished = predict(clip, "--output", "out.csv", *QUICK)
    assert (finished.returncode, finished.stdout, finished.stderr) == (0, "", "")
    [row] = csv.DictReader(io.StringIO((tmp_path / "out.csv").read_text()))
    assert row["video"] == str(clip)
    assert all(row[f"label_{rank}"] for rank in range(1, 6))


def test_output_that_is_an_input_is_refused(predict, clip, tmp_path):
    copy = tmp_path / "clip.mp4"
    copy.write_bytes(clip.read_bytes())
    for given in ("clip.mp4", copy.as_uri()):
        finished = predict(given, "--output", "./clip.mp4")
        assert finished.returncode == 2
        assert "is also an input" in finished.stderr
    assert copy.read_bytes() == clip.read_bytes()


@pytest.mark.slow
def test_what_is_there_is_lost_to_no_mistake(vswin, tmp_path):
    pan = SAMPLES / "pan_left.mp4"
    assert vswin("label", pan, "-o", "run.jsonl", "--views", "fast").returncode == 0
    before = (tmp_path / "run.jsonl").read_bytes()
    refused = vswin("predict", "typo.mp4", "-o", "run.jsonl")
    assert (refused.returncode, refused.stderr.count("\n")) == (2, 1)
    assert "is the output of a run" in refused.stderr
    assert (tmp_path / "run.jsonl").read_bytes() == before
    (tmp_path / "old.jsonl").write_text("old")
    assert vswin("predict", "typo.mp4", "-o", "old.jsonl").returncode == 1
    assert (tmp_path / "old.jsonl").read_text() == "old"
    assert vswin("predict", pan, "-o", "old.jsonl", "--views", "fast").returncode == 0
    assert '"pan left"' in (tmp_path / "old.jsonl").read_text()
    assert "must end in" in vswin("predict", pan, "-o", "x.foo").stderr
    assert sorted(path.name for path in tmp_path.glob("*")) == ["old.jsonl", "run.jsonl"]


def test_file_name_that_is_not_utf8_survives(predict, clip, tmp_path):
    name = b"caf\xe9 \xf0\x9f\x8e\xac.mp4"
    (tmp_path / os.fsdecode(name)).write_bytes(clip.read_bytes())
    finished = predict(name, "--format", "json", *QUICK)
    assert (finished.returncode, finished.stderr) == (0, "")
    [record] = json.loads(finished.stdout)
    assert os.fsencode(record["video"]) == name


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_precision_is_taken_and_told(predict, clip, precision):
    finished = predict(clip, "--format", "json", "--precision", precision, *QUICK)
    assert (finished.returncode, finished.stderr) == (0, "")
    computes_it = "BF16" in openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    told = precision if computes_it else "float32"
    assert json.loads(finished.stdout)[0]["precision"] == told


def test_verbose_says_which_reader_and_backend(predict, clip):
    finished = predict(clip, "--verbose", *QUICK)
    assert finished.returncode == 0
    assert "openvino" in finished.stderr
    assert "read by av, 100 frame(s)" in finished.stderr


def test_module_runs_alike(vswin_process):
    command = vswin_process("--version")
    module = vswin_process("--version", program=(sys.executable, "-m", "vswin_cli"))
    assert command.stdout == module.stdout
    assert command.stdout.startswith("vswin ")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["predict", "x.mp4", "--model", "swin-t-k40"], "did you mean swin-t-k400?"),
        (["predict", "--model", "swin-t-k400"], "VIDEO"),
        (["predict", "x.mp4", "--model", "swin-t-k400", "--top-k", "401"], "400 classes"),
        (["predict", "x.mp4", "--model", "swin-t-k400", "--top-k", "0"], "--top-k"),
        (["predict", "x.mp4", "--model", "swin-t-k400", "--crops", "2"], "--crops"),
        (["predict", "x.mp4", "--model", "swin-b-ssv2", "--clips", "4"], "one clip"),
        (["predict", "x.mp4", "--model", "swin-t-k400", "--format", "xml"], "--format"),
        (["predict", "x.mp4", "--model", "swin-t-k400", "--frames", "9"], "--frames"),
        (["labels", "swin"], "unknown model"),
        (["report", ""], "nothing is given after report"),
        (["sort", "x.jsonl", "--into="], "nothing is given after --into"),
        (["pridict"], "pridict"),
    ],
    ids=" ".join,
)
def test_wrong_usage_is_one_line_and_exit_code_2(vswin, arguments, message):
    finished = vswin(*arguments)
    assert (finished.returncode, finished.stdout) == (2, "")
    [line] = finished.stderr.splitlines()
    assert line.startswith("error: ")
    assert message in line


def test_weights_that_are_not_here_are_said_to_be_looked_for(vswin, clip, cache):
    finished = vswin("predict", clip, "--model", "swin-s-k400")
    assert finished.returncode == 1
    [line] = finished.stderr.splitlines()
    assert "videoswin_small_kinetics400_classifier.weights.h5" in line
    assert str(cache) in line


def test_unusable_weights_are_one_line(vswin, clip, checkpoint, tmp_path):
    good = checkpoint("swin-t-k400")
    (tmp_path / "cut.h5").write_bytes(good.read_bytes()[:1_000_000])
    (tmp_path / "page.h5").write_text("<html>")
    (tmp_path / "folder.h5").mkdir()
    for weights, model, message in (
        (good, "swin-s-k400", "the file fits swin-t-k400"),
        ("cut.h5", "swin-t-k400", "truncated"),
        ("page.h5", "swin-t-k400", "not an HDF5 file"),
        ("folder.h5", "swin-t-k400", "not a file"),
        ("none.h5", "swin-t-k400", "no such file"),
    ):
        finished = vswin("predict", clip, "--model", model, "--weights", weights)
        assert (finished.returncode, finished.stdout) == (1, "")
        [line] = finished.stderr.splitlines()
        assert line.startswith("error: ")
        assert message in line


def test_shell_completes_model_names(vswin_process):
    finished = vswin_process(
        program=(
            "bash",
            "-c",
            f"COMP_WORDS='vswin predict --model swin-l' "
            f"COMP_CWORD=3 _VSWIN_COMPLETE=complete_bash {VSWIN}",
        )
    )
    assert finished.stdout.split() == ["swin-l-k400", "swin-l-k700"]


def test_closed_pipe_is_no_traceback(vswin_process):
    command = f"{VSWIN} labels swin-b-k600 | head -n 1"
    finished = vswin_process(program=("bash", "-c", command))
    assert (finished.stdout, finished.stderr) == ("0\tabseiling\n", "")
