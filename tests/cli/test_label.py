"""`vswin label` as users run it: real files, real weights files, killed processes."""

import json
import os
import pty
import shutil
import signal
import subprocess
import time

import pytest
from clips import encode
from command import VSWIN, surroundings
from processes import children, is_running
from reference import video
from waiting import wait_until


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    path = tmp_path_factory.mktemp("clip") / "clip.mp4"
    return encode(path, video(70, 96, 128), pixel_format="yuv420p")


@pytest.fixture
def folder(clip, tmp_path):
    """Three clips and an empty file, nested."""
    for name in ("a/x.mp4", "b/x.mp4", "b/y.mp4"):
        (tmp_path / "videos" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(clip, tmp_path / "videos" / name)
    (tmp_path / "videos" / "empty.mp4").touch()
    return tmp_path / "videos"


@pytest.fixture
def command(small_model):
    """The arguments of `vswin label videos` with the small model and its pseudo-random weights."""

    def made(*arguments):
        model = ["--model", small_model, "--clips", "1", "--crops", "1"]
        return ["label", "videos", "--workers", "1", *model, *arguments]

    return made


@pytest.fixture
def environment(cache):
    return surroundings(cache, COLUMNS="100")


@pytest.fixture
def label(vswin, command):
    """Run `vswin label videos` in the folder above the videos."""
    return lambda *arguments: vswin(*command(*arguments), COLUMNS="100")


def read(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.mark.slow
def test_folder_is_labelled_like_predict_then_skipped(label, folder, vswin, small_model):
    finished = label("--output", "out.jsonl")
    assert finished.returncode == 1
    records = read(folder.parent / "out.jsonl")
    assert [record["video"] for record in records] == ["a/x.mp4", "b/x.mp4", "b/y.mp4", "empty.mp4"]
    assert [record["status"] for record in records] == ["ok", "ok", "ok", "failed"]
    lines = finished.stderr.splitlines()
    assert lines[0] == "4 videos found: 4 new"
    assert len(lines) == 5
    assert any("empty.mp4: failed, empty: the file is empty" in line for line in lines)
    assert "labelled" in finished.stdout
    assert finished.stdout.splitlines()[-1] == "output: out.jsonl"

    options = ["--model", small_model, "--clips", "1", "--crops", "1", "--format", "jsonl"]
    predicted = vswin("predict", folder / "a" / "x.mp4", *options)
    prediction = json.loads(predicted.stdout)
    assert list(records[0]) == [*prediction, "path", "bytes", "modified", "settings"]
    for key in prediction.keys() - {"video", "elapsed_seconds"}:
        assert records[0][key] == prediction[key]

    (folder / "empty.mp4").unlink()
    shutil.copy(folder / "a" / "x.mp4", folder / "new.mp4")
    again = label("--output", "out.jsonl", "--quiet")
    assert (again.returncode, again.stdout, again.stderr) == (0, "", "")
    once_more = label("--output", "out.jsonl")
    assert "4 videos found: 4 skipped, already done with the same settings" in once_more.stderr
    fewer = label("--output", "out.jsonl", "--top-k", "2")
    assert "4 skipped" in fewer.stderr


def test_dry_run_lists_and_estimates_and_writes_nothing(label, folder):
    finished = label("--output", "out.jsonl", "--dry-run", "--exclude", "b/*")
    assert (finished.returncode, finished.stderr) == (0, "")
    lines = finished.stdout.splitlines()
    assert lines[:3] == ["a/x.mp4", "empty.mp4", "2 videos found: 2 new"]
    assert any("this command" in line and "nano" in line for line in lines)
    assert any("swin-b-k600" in line for line in lines)
    assert list(folder.parent.iterdir()) == [folder]


def test_missing_paths_of_a_list_are_counted_apart(label, folder):
    (folder.parent / "list.txt").write_text("videos/a/x.mp4\ngone.mp4\n")
    finished = label("@list.txt", "--output", "out.jsonl", "--dry-run", "--exclude", "*")
    found = "1 video found: 1 new; 1 listed path missing"
    assert finished.stdout.splitlines()[:3] == ["videos/a/x.mp4", "gone.mp4: no such file", found]
    assert "missing" not in label("--output", "out.jsonl", "--dry-run").stdout


def interruptible(command, environment, folder, **streams):
    """Start a run over forty clips, and wait for its first record."""
    for number in range(40):
        shutil.copy(folder / "a" / "x.mp4", folder / f"{number}.mp4")
    output = folder.parent / "out.jsonl"
    running = subprocess.Popen(
        [VSWIN, *command("--output", "out.jsonl")], cwd=folder.parent, env=environment, **streams
    )
    wait_until(lambda: output.exists() and output.stat().st_size, 120)
    return running, output


@pytest.mark.slow
def test_ctrl_c_finishes_what_is_in_flight_and_says_how_to_go_on(command, environment, folder):
    running, output = interruptible(
        command, environment, folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    workers = children(running.pid)
    running.send_signal(signal.SIGINT)
    stdout, stderr = running.communicate()
    assert running.returncode == 130
    assert "continue with: vswin label videos --workers 1 --model " in stderr
    assert "not yet done" in stdout
    assert workers
    assert not any(map(is_running, workers))
    records = read(output)
    assert 1 <= len(records) < 30
    assert all(record["status"] == "ok" for record in records[:1])


@pytest.mark.slow
def test_second_ctrl_c_leaves_at_once_and_a_terminal_sees_a_display(command, environment, folder):
    reading, terminal = pty.openpty()
    running, output = interruptible(
        command,
        {**environment, "TERM": "xterm"},
        folder,
        stdout=terminal,
        stderr=terminal,
    )
    os.close(terminal)
    workers = children(running.pid)
    for worker in workers:
        os.kill(worker, signal.SIGSTOP)  # so that the videos in progress do not finish soon
    running.send_signal(signal.SIGINT)
    time.sleep(0.3)
    running.send_signal(signal.SIGINT)
    start = time.monotonic()
    shown = b""
    while True:
        try:
            shown += os.read(reading, 65536)
        except OSError:
            break
    os.close(reading)
    assert running.wait() == 130
    assert time.monotonic() - start < 5
    assert b"/44" in shown
    assert b"videos/min" in shown
    wait_until(lambda: not any(map(is_running, workers)))
    assert all(record["status"] == "ok" for record in read(output)[:1])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--output", "out.txt"], "must end in .json, .jsonl, .csv, .parquet, .cvat or .fiftyone"),
        (["--output", "out.jsonl", "--top-k", "401"], "400 classes"),
        (["--output", "out.jsonl", "--workers", "0"], "--workers"),
        ([], "--output"),
        (["--output", "none/out.jsonl"], "make it first"),
        (["vdieos", "--output", "out.jsonl"], "no file or folder vdieos; check the path"),
        (["@none.txt", "--output", "out.jsonl"], "cannot read the list none.txt"),
        (["--output", "notes.jsonl"], "not an output of vswin"),
    ],
    ids=" ".join,
)
def test_wrong_usage_is_one_line_and_exit_code_2(label, folder, arguments, message):
    (folder.parent / "notes.jsonl").write_text("my notes\nmore\n")
    finished = label(*arguments)
    assert (finished.returncode, finished.stdout) == (2, "")
    [line] = finished.stderr.splitlines()
    assert line.startswith("error: ")
    assert message in line
    assert (folder.parent / "notes.jsonl").read_text() == "my notes\nmore\n"


def motion_run(folder, environment, output, *options, **streams):
    """Start a run of the bundled model over sixty short clips, and wait for its first record."""
    videos = folder / "many"
    videos.mkdir()
    for number in range(60):
        shutil.copy(folder / "videos" / "a" / "x.mp4", videos / f"{number}.mp4")
    running = subprocess.Popen(
        [VSWIN, "label", "many", "-o", output.name, "--views", "fast", *options],
        cwd=folder,
        env=environment,
        **streams,
    )
    wait_until(lambda: output.exists() and output.stat().st_size, 120)
    return running


@pytest.mark.slow
def test_a_signal_is_heard_where_nobody_reads_messages(environment, folder):
    reading, writing = os.pipe()
    running = motion_run(
        folder.parent, environment, folder.parent / "out.jsonl", "-q", stderr=writing
    )
    os.close(writing)
    os.close(reading)
    running.send_signal(signal.SIGTERM)
    assert running.wait(timeout=60) == 130


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_other_signals_end_a_run_as_ctrl_c_does(environment, folder, number):
    output = folder.parent / "out.jsonl"
    reading, terminal = pty.openpty()
    running = motion_run(
        folder.parent, {**environment, "TERM": "xterm"}, output, stdout=terminal, stderr=terminal
    )
    os.close(terminal)
    workers = children(running.pid)
    running.send_signal(number)
    shown = b""
    while True:
        try:
            shown += os.read(reading, 65536)
        except OSError:
            break
    os.close(reading)
    assert running.wait() == 130
    assert b"continue with: vswin label many -o out.jsonl" in shown
    assert shown.rindex(b"\x1b[?25h") > shown.rindex(b"\x1b[?25l")  # the cursor is visible again
    assert workers
    assert not any(map(is_running, workers))
    assert 1 <= len(read(output)) < 60
    assert sorted(path.name for path in folder.parent.iterdir()) == ["many", "out.jsonl", "videos"]


@pytest.mark.slow
def test_output_that_is_removed_while_a_run_lasts_is_told_at_once(environment, folder):
    output = folder.parent / "out.jsonl"
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    running = motion_run(folder.parent, environment, output, **pipes)
    output.unlink()
    _, stderr = running.communicate()
    assert running.returncode == 1
    assert "out.jsonl was removed or replaced during the run" in stderr.splitlines()[-1]
    assert not output.exists()
    [kept] = folder.parent.glob("out.rescued-*.jsonl")
    assert 1 <= len(read(kept)) < 60


def test_folder_without_videos_says_where_it_looked(label, folder, tmp_path):
    shutil.rmtree(folder)
    (tmp_path / "videos" / "@eaDir").mkdir(parents=True)
    finished = label("--output", "out.jsonl")
    assert (finished.returncode, finished.stdout) == (1, "")
    assert finished.stderr.startswith("error: no video in videos; left out: @eaDir; check the path")
    assert not (tmp_path / "out.jsonl").exists()


@pytest.mark.slow
def test_few_open_files_are_one_line(folder, environment):
    for number in (8, 12):
        command = f"ulimit -n {number}; exec {VSWIN} label videos -o few.jsonl -q"
        finished = subprocess.run(
            ["bash", "-c", command],
            cwd=folder.parent,
            env=environment,
            capture_output=True,
            text=True,
        )
        assert finished.returncode == 1
        [line] = finished.stderr.splitlines()
        assert line.startswith("error: ")
        assert "ulimit -n" in line
