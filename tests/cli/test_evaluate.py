"""`vswin evaluate` as users run it: the bundled model, real videos, a killed process."""

import csv
import json
import shutil
import subprocess
from functools import partial

import pytest
from command import SAMPLES, VSWIN, surroundings
from processes import children, is_running
from waiting import wait_until

REPORT = ["confused.csv", "failed.csv", "index.html", "metrics.json", "per_class.csv"]


@pytest.fixture
def environment(cache):
    return surroundings(cache)


@pytest.fixture
def evaluate(vswin):
    return partial(vswin, "evaluate")


@pytest.fixture
def folders(tmp_path):
    """The sample videos, each in a folder with the name of its class."""
    root = tmp_path / "set"
    for sample in SAMPLES.glob("*.mp4"):
        (root / sample.stem).mkdir(parents=True)
        shutil.copy(sample, root / sample.stem)
    return root


def read(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.mark.slow
def test_sample_videos_are_all_right_by_two_protocols_in_one_pass(evaluate, folders, tmp_path):
    command = ["set", "-o", "r.jsonl", "--report", "rep", "--protocol", "official,mmaction2"]
    finished = evaluate(*command)
    assert finished.returncode == 0, finished.stderr
    metrics = json.loads((tmp_path / "rep" / "metrics.json").read_text())
    assert metrics["evaluated"] == metrics["rows"] == 9
    assert [protocol["protocol"] for protocol in metrics["protocols"]] == ["official", "mmaction2"]
    for protocol in metrics["protocols"]:
        assert protocol["top1"]["value"] == protocol["mean_class_accuracy"]["value"] == 1
        assert [row["views"] for row in protocol["by_views"]][-2:] == ["12", "4×1"]
    assert finished.stderr.startswith("9 rows (folder): 9 matched\n9 videos found: 9 new\n")
    assert "official 4×3   top-1              100.0          70.1 – 100.0" in finished.stdout
    tables = [
        line for line in finished.stdout.splitlines() if not line.startswith("swin-n-motion is")
    ]
    assert all(len(line) <= 90 for line in tables)

    again = evaluate(*command)
    assert "9 skipped, already done" in again.stderr
    assert again.returncode == 0
    shutil.move(tmp_path / "set" / "static", tmp_path / "set" / "pan_left" / "deeper")
    moved = evaluate(*command)
    assert "1 new" in moved.stderr
    assert "mistaken" in moved.stdout
    assert "data:image/jpeg" in (tmp_path / "rep" / "index.html").read_text()
    evaluate(*command, "--no-strips")
    assert "data:image/jpeg" not in (tmp_path / "rep" / "index.html").read_text()


@pytest.mark.slow
def test_each_protocol_is_computed_as_if_alone(evaluate, vswin, folders, tmp_path):
    labels = tmp_path / "labels.csv"
    labels.write_text(
        "path,label\nset/tilt_up/tilt_up.mp4,tilt up\nset/static/static.mp4,zoom in\n"
    )
    official = evaluate("labels.csv", "-o", "official.jsonl", "--top-k", "9")
    mmaction2 = evaluate("labels.csv", "-o", "mmaction2.jsonl", "--protocol", "mmaction2")
    both = evaluate("labels.csv", "-o", "both.jsonl", "--protocol", "official,mmaction2")
    assert official.returncode == mmaction2.returncode == both.returncode == 0, both.stderr
    alone = [read(tmp_path / f"{name}.jsonl") for name in ("official", "mmaction2")]
    for number, record in enumerate(read(tmp_path / "both.jsonl")):
        assert record["outcomes"] == [records[number]["outcomes"][0] for records in alone]
    videos = [record["video"] for record in alone[0]]
    assert vswin("predict", *videos, "-o", "p.jsonl", "--top-k", "9").returncode == 0
    for record, predicted in zip(alone[0], read(tmp_path / "p.jsonl"), strict=True):
        assert record["predictions"] == predicted["predictions"]
        assert record["clips"] == predicted["clips"]
        ranked = [label["label"] for label in predicted["predictions"]]
        assert record["outcomes"][0]["true_rank"] == 1 + ranked.index(record["true_label"])


@pytest.mark.slow
def test_fifty_missing_files_are_reported_as_such(evaluate, folders, tmp_path):
    lines = ["set/static/static.mp4 0", "set/pan_left/pan_left.mp4 2", "set/empty.mp4 1"]
    lines += [f"gone/{number}.mp4 {number % 9}" for number in range(50)]
    (tmp_path / "list.txt").write_text("\n".join(lines))
    (tmp_path / "set" / "empty.mp4").touch()
    finished = evaluate("list.txt", "-o", "r.jsonl", "--report", "rep")
    assert finished.returncode == 1
    assert "53 rows (list): 3 matched, 50 no such file" in finished.stderr
    assert "not evaluated, no such file: 50\n  row 4: no file gone/0.mp4 in" in finished.stdout
    assert "failed, empty: 1\n  set/empty.mp4\n" in finished.stdout
    metrics = json.loads((tmp_path / "rep" / "metrics.json").read_text())
    assert metrics["unmatched"] == {"total": 50, "no_file": 50}
    assert metrics["failed"] == {"total": 1, "empty": 1}
    [protocol] = metrics["protocols"]
    assert protocol["top1"]["value"] == 0.5  # among the two that can be read
    for path in (tmp_path / "r.unmatched.csv", tmp_path / "rep" / "unmatched.csv"):
        with path.open() as stream:
            rows = list(csv.DictReader(stream))
        assert [row["video"] for row in rows] == [f"gone/{number}.mp4" for number in range(50)]
        assert {row["kind"] for row in rows} == {"no_file"}
    with (tmp_path / "rep" / "confused.csv").open() as stream:
        assert [row["true_label"] for row in csv.DictReader(stream)] == ["pan right"]

    changed = (tmp_path / "list.txt").read_text().replace("pan_left.mp4 2", "pan_left.mp4 1")
    (tmp_path / "list.txt").write_text(changed)
    corrected = evaluate("list.txt", "-o", "r.jsonl", "--report", "rep")
    assert "3 videos found: 1 of another class, 2 skipped" in corrected.stderr
    metrics = json.loads((tmp_path / "rep" / "metrics.json").read_text())
    assert metrics["protocols"][0]["top1"]["value"] == 1

    checked = evaluate("list.txt", "-o", "other.jsonl", "--dry-run")
    assert checked.returncode == 1
    assert checked.stdout.startswith("set/static/static.mp4\t0\n")
    assert not (tmp_path / "other.jsonl").exists()


@pytest.mark.slow
def test_run_that_is_killed_and_resumed_gives_the_same_report(
    evaluate, environment, folders, tmp_path
):
    """SIGKILL ends the process after some records and before the last."""
    for folder in folders.iterdir():
        shutil.copy(SAMPLES / f"{folder.name}.mp4", folder / "copy.mp4")
    shutil.copy(SAMPLES / "static.mp4", folders / "zoom_in" / "wrong.mp4")
    (folders / "zoom_in" / "empty.mp4").touch()

    def command(name):
        return ["set", "-o", f"{name}.jsonl", "--report", name, "--no-strips", "--views", "fast"]

    output = tmp_path / "killed.jsonl"
    running = subprocess.Popen(
        [VSWIN, "evaluate", *command("killed")],
        cwd=tmp_path,
        env=environment,
        stderr=subprocess.DEVNULL,
    )
    wait_until(lambda: output.exists() and output.read_bytes().count(b"\n") >= 4, 120)
    workers = children(running.pid)
    running.kill()
    running.wait()
    wait_until(lambda: not any(map(is_running, workers)))
    num_before = len(read(output))
    assert 4 <= num_before < 20
    assert not (tmp_path / "killed").exists()
    for name, summary in (("killed", f"{num_before} skipped"), ("whole", "20 new")):
        finished = evaluate(*command(name))
        assert finished.returncode == 1  # one video is empty
        assert summary in finished.stderr
    for name in REPORT:
        assert (tmp_path / "killed" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
    metrics = json.loads((tmp_path / "whole" / "metrics.json").read_text())
    assert metrics["protocols"][0]["top1"]["value"] == 18 / 19


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["none.txt", "-o", "r.jsonl"], "cannot read the annotations none.txt"),
        (["words.txt", "-o", "r.jsonl"], "unknown format of words.txt"),
        (
            ["list.txt", "-o", "r.txt"],
            "must end in .json, .jsonl, .csv, .parquet, .cvat or .fiftyone",
        ),
        (["list.txt", "-o", "r.jsonl", "--videos", "none"], "--videos none is not a folder"),
        (
            ["list.txt", "-o", "r.jsonl", "--protocol", "official,none"],
            "'none' is not one of official",
        ),
        (["list.txt", "-o", "r.jsonl", "--protocol", "uniform,uniform"], "has a protocol twice"),
        (["list.txt", "-o", "r.jsonl", "--report", "list.txt"], "--report list.txt is a file"),
        (["r.unmatched.csv", "-o", "r.jsonl"], "--output would overwrite r.unmatched.csv"),
        (["r.unmatched.csv", "-o", "x.jsonl", "--report", "rep"], "--report would overwrite"),
        (["list.txt", "-o", "words.txt.jsonl", "--top-k", "10"], "the 9 classes"),
        (["list.txt", "-o", "r.jsonl", "--annotation-format", "kinetics"], "has no column label"),
        (["list.txt", "-o", "r.jsonl", "--label-column", "x"], "has no column"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_wrong_usage_is_one_line_and_exit_code_2(evaluate, tmp_path, arguments, message):
    (tmp_path / "words.txt").write_text("just\nsome words\n")
    (tmp_path / "list.txt").write_text("a.mp4 0\n")
    (tmp_path / "rep").mkdir()
    (tmp_path / "rep" / "unmatched.csv").write_text("path,label\na.mp4,static\n")
    (tmp_path / "r.unmatched.csv").symlink_to("rep/unmatched.csv")
    finished = evaluate(*arguments)
    assert (finished.returncode, finished.stdout) == (2, "")
    [line] = finished.stderr.splitlines()
    assert line.startswith("error: ")
    assert message in line
