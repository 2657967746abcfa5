"""The environment of a run: streams, home folder, network, other settings."""

import fcntl
import json
import os
import pty
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import zipfile
from functools import partial
from pathlib import Path

import pytest
from clips import encode, numbered_frames
from command import VSWIN
from waiting import wait_until

from vswin_cli.cli.app import run


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    return encode(tmp_path_factory.mktemp("clip") / "clip.mp4", numbered_frames(20))


@pytest.fixture
def predict(vswin, clip, small_model):
    """The fastest complete run."""
    return partial(vswin, "predict", clip, "--model", small_model, "--views", "fast")


@pytest.fixture
def predict_in_shell(clip, small_model, cache):
    """Do the same in a shell: `predict_in_shell("2>&-")`."""

    def run(redirections="", *, more=(), **environment):
        arguments = ["predict", clip, "--model", small_model, "--views", "fast", *more]
        return subprocess.run(
            ["bash", "-c", f'"$@" {redirections}', "-", VSWIN, *map(str, arguments)],
            capture_output=True,
            text=True,
            env={**os.environ, "VSWIN_CACHE": str(cache), **environment},
        )

    return run


def shell(command):
    return subprocess.run(["bash", "-c", command], capture_output=True, text=True)


def assert_full_disk_is_told(finished):
    assert finished.returncode == 1
    [line] = finished.stderr.splitlines()
    assert line.startswith("error: cannot write the results: No space left on device")


@pytest.mark.parametrize("output_format", ["table", "json", "jsonl", "csv"])
def test_full_disk_under_stdout_is_one_line(predict, output_format):
    assert_full_disk_is_told(predict("--format", output_format, stdout=Path("/dev/full")))


@pytest.mark.slow
def test_process_on_a_full_disk_ends_with_that_line(predict_in_shell):
    assert_full_disk_is_told(predict_in_shell(">/dev/full", more=["--format", "jsonl"]))


@pytest.mark.parametrize("command", ["models", "labels swin-b-k600", "--help", "--version"])
def test_light_commands_say_that_the_disk_is_full(vswin, command):
    assert_full_disk_is_told(vswin(*command.split(), stdout=Path("/dev/full")))


@pytest.mark.parametrize("output_format", ["table", "json", "jsonl", "csv"])
def test_any_encoding_of_stdout_will_do(predict, output_format):
    finished = predict("--format", output_format, PYTHONIOENCODING="ascii")
    assert (finished.returncode, finished.stderr) == (0, "")
    if output_format == "table":
        assert r" \xb7 1\xd71 view" in finished.stdout.splitlines()[-1]


@pytest.mark.parametrize("output_format", ["table", "csv"])
def test_names_are_listed_in_any_encoding(vswin, clip, tmp_path, output_format):
    name = "日本語.mp4"
    (tmp_path / name).symlink_to(clip)
    for command in (["embed", name], ["search", "--query", "0", "--format", output_format]):
        features = ["-o", "f.npz"] if command[0] == "embed" else ["f.npz"]
        finished = vswin(*command, *features, PYTHONIOENCODING="latin-1")
        assert finished.returncode == 0
        assert "Traceback" not in finished.stderr


@pytest.mark.slow
def test_process_whose_output_is_ascii_prints_any_name(predict_in_shell):
    finished = predict_in_shell(more=["é.mp4"], PYTHONIOENCODING="ascii")
    assert r"cannot read \xe9.mp4" in finished.stderr
    assert r" \xb7 1\xd71 view" in finished.stdout.splitlines()[-1]


@pytest.mark.slow
def test_closed_streams_are_no_traceback(predict_in_shell):
    assert shell(f"{VSWIN} models >&-").returncode == 0
    finished = predict_in_shell(">&-")
    assert (finished.returncode, finished.stderr) == (0, "")


@pytest.mark.slow
def test_errors_stay_out_of_the_results_if_stderr_is_closed(predict_in_shell):
    finished = predict_in_shell("2>&-", more=["missing.mp4", "--format", "json"])
    assert finished.returncode == 1
    good, bad = json.loads(finished.stdout)
    assert (good["error"], bad["error"]["kind"]) == (None, "missing")


@pytest.mark.slow
def test_home_stays_as_it_is_with_its_settings_of_keras_and_no_name_is_looked_up(
    clip, small_model, tmp_path
):
    cache = tmp_path / "cache"
    code = (
        "import socket, sys\n"
        "def refuse(*arguments): print('looked up', *arguments)\n"
        "socket.getaddrinfo = refuse\n"
        "from vswin_cli.cli.app import run\n"
        "sys.exit(run(sys.argv[1:]))\n"
    )
    arguments = ["predict", clip, "--model", small_model, "--views", "fast"]
    settings = json.dumps({"image_data_format": "channels_first", "floatx": "bfloat16"})
    used, empty = tmp_path / "used", tmp_path / "empty"
    (used / ".keras").mkdir(parents=True)
    (used / ".keras" / "keras.json").write_text(settings)
    empty.mkdir()
    # Keras, which would also write into an empty home, is for a graph that is not in the cache.
    for home, variables in ((used, {"KERAS_BACKEND": "nonsense"}), (empty, {})):
        finished = subprocess.run(
            [sys.executable, "-c", code, *arguments],
            capture_output=True,
            text=True,
            env={**os.environ, "VSWIN_CACHE": str(cache), "HOME": str(home), **variables},
        )
        assert (finished.returncode, finished.stderr) == (0, "")
        assert "looked up" not in finished.stdout
    assert [path.name for path in used.rglob("*")] == [".keras", "keras.json"]
    assert (used / ".keras" / "keras.json").read_text() == settings
    assert list(empty.iterdir()) == []


LONG = "a" * 300


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--weights", LONG], "cannot read weights"),
        (["--output", LONG], "cannot write"),
        (["--clips", "1001"], "--clips"),
        (["--backend", "foo"], "Invalid value for '--backend': 'foo' is not one of"),
        (["--weights", "/non\nexist\x1b[31m"], r"/non\nexist\x1b[31m"),
    ],
)
def test_odd_arguments_are_one_plain_line(predict, more, message):
    finished = predict(*more)
    assert finished.returncode in (1, 2)
    [line] = finished.stderr.splitlines()
    assert message in line
    assert line.isprintable()


def test_signal_leaves_nothing_in_the_folder_for_temporary_files(clip, cache, tmp_path):
    environment = {**os.environ, "VSWIN_CACHE": str(cache), "TMPDIR": str(tmp_path)}
    command = [VSWIN, "label", clip, "-o", "-", "--format", "csv"]
    streams = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(command, env=environment, **streams) as running:
        wait_until(lambda: any(tmp_path.glob("*/*")), 60)
        running.terminate()
    assert running.returncode in (130, 128 + signal.SIGTERM)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("name", "exit_code"), [("SIGINT", 130), ("SIGTERM", 143)])
def test_signal_that_a_library_turns_into_its_own_error_ends_the_command(name, exit_code):
    """As the import of OpenVINO does."""
    code = f"""if True:
        import signal
        from vswin_cli import __main__
        from vswin_cli.cli import app

        def run(arguments):
            try:
                signal.raise_signal(signal.{name})
            except BaseException as error:
                raise ImportError("initialization failed") from error

        app.run = run
        __main__.main()
    """
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (ended.returncode, ended.stderr) == (exit_code, "")


@pytest.mark.parametrize("command", ["label {clip} -o -", "report a.csv", "convert a.keras"])
def test_no_folder_for_temporary_files_is_one_line(clip, tmp_path, monkeypatch, capsys, command):
    (tmp_path / "a.csv").write_text("video\n")
    with zipfile.ZipFile(tmp_path / "a.keras", "w") as archive:
        archive.writestr("model.weights.h5", b"weights")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.setattr(tempfile, "_candidate_tempdir_list", lambda: ["/proc"])
    assert run(command.format(clip=clip).split()) == 1
    [line] = capsys.readouterr().err.splitlines()
    assert "set TMPDIR to " in line


@pytest.mark.slow
def test_odd_names_of_videos_fail_alone_and_are_told_as_given(predict_in_shell):
    names = [LONG, "http://127.0.0.1:1/a.mp4", "new\nline.mp4"]
    finished = predict_in_shell(more=[*names, "--format", "jsonl", "--output", "/dev/stdout"])
    assert finished.returncode == 1
    good, *bad = map(json.loads, finished.stdout.splitlines())
    assert good["error"] is None
    assert [record["video"] for record in bad] == names
    kinds = [record["error"]["kind"] for record in bad]
    assert kinds == ["unreadable", "unreachable", "missing"]
    assert "read http://127.0.0.1:1/a.mp4:" in bad[1]["error"]["message"]
    assert r"new\nline.mp4" in bad[2]["error"]["message"]


def test_elongated_frames_are_refused_before_they_fill_the_memory(predict, tmp_path):
    frames = numbered_frames(3, 2, 4096)
    path = encode(tmp_path / "ribbon.mkv", frames, "ffv1", pixel_format="bgr0")
    finished = predict(path)
    assert finished.returncode == 1
    assert "4096×2 are too elongated" in finished.stderr


def on_a_terminal(*command):
    """Return the output of a command on a terminal with 80 columns."""
    reading, terminal = pty.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    environment = {k: v for k, v in os.environ.items() if k != "COLUMNS"} | {"TERM": "dumb"}
    with subprocess.Popen(command, stdout=terminal, env=environment):
        os.close(terminal)
        shown = b""
        try:
            while chunk := os.read(reading, 65536):
                shown += chunk
        except OSError:  # the other end was closed
            pass
    os.close(reading)
    return shown.decode().replace("\r\n", "\n").splitlines()


def test_table_of_models_fits_80_columns_whole():
    lines = on_a_terminal(VSWIN, "models")
    assert all(len(line) <= 80 for line in lines)
    assert "…" not in "".join(lines)
    [tiny] = [line.split() for line in lines if line.split()[:1] == ["swin-t-k400"]]
    assert tiny[-2:] in (["113", "yes"], ["113", "no"])
