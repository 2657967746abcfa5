"""The commands as users run them, with files of the published size."""

import json
import os
import pty
import re
import select
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from misbehaving_server import MisbehavingServer, answering, serving
from reference import write_checkpoint
from waiting import wait_for_line

from vswin_cli.cli.app import run
from vswin_cli.cli.downloads import fetch_all
from vswin_cli.cli.options import complete_model
from vswin_cli.system.files import temporary_path
from vswin_cli.weights.cache import locked, weights_file
from vswin_cli.weights.fetch import Fetching
from vswin_cli.weights.watch import DownloadWatcher
from vswin_cli.zoo.catalog import find_model
from vswin_cli.zoo.models import PUBLISHED_MODELS

TINY = find_model("swin-t-k400")


def test_download_prints_the_path_and_says_the_rest_on_stderr(tiny, tiny_server, capfd):
    assert run(["download-weights", "swin-t-k400", "--mirror", tiny_server.mirror]) == 0
    out, err = capfd.readouterr()
    assert out == f"{tiny.path}\n"
    first, second = err.splitlines()
    assert first == f"swin-t-k400: downloading {tiny.published.name} (113 MB)"
    assert re.fullmatch(r"swin-t-k400: downloaded in \S+ s, verified in \S+ s", second)
    assert run(["download-weights", "swin-t-k400", "--mirror", tiny_server.mirror]) == 0
    out, err = capfd.readouterr()
    assert (out, err) == (f"{tiny.path}\n", "swin-t-k400: already downloaded\n")


@pytest.mark.parametrize("terminal", ["xterm", "dumb"])
def test_a_terminal_shows_nothing_more_without_a_download(
    here, tiny_server, monkeypatch, capfd, terminal
):
    monkeypatch.setenv("FORCE_COLOR", "1")  # for Rich, this is a terminal
    monkeypatch.setenv("TERM", terminal)
    assert run(["download-weights", "swin-t-k400", "--mirror", tiny_server.mirror]) == 0
    assert capfd.readouterr().err == "swin-t-k400: already downloaded\n"


@pytest.mark.slow
def test_stderr_that_cannot_be_written_does_not_stop_a_download(tiny, tiny_server, vswin):
    tiny_server.script = [serving(cut_after=10_000_000)]
    command = [sys.executable, "-m", "vswin_cli", "download-weights", "swin-t-k400"]
    with Path("/dev/full").open("w") as full:
        process = subprocess.run(
            [*command, "--mirror", tiny_server.mirror], stdout=subprocess.PIPE, stderr=full
        )
    assert (process.returncode, process.stdout.decode()) == (0, f"{tiny.path}\n")
    assert tiny.path.read_bytes() == tiny_server.content


def test_interrupt_while_the_downloads_start_stops_them(tiny, tiny_server, monkeypatch):
    tiny_server.bytes_per_second = 5e6
    start, started = threading.Thread.start, []

    def interrupted(thread):
        start(thread)
        if thread._target.__name__ == "work":
            started.append(thread)
            raise KeyboardInterrupt

    monkeypatch.setattr(threading.Thread, "start", interrupted)
    with pytest.raises(KeyboardInterrupt):
        fetch_all([tiny], Fetching(tiny_server.mirror))
    started[0].join(5)
    assert not started[0].is_alive()


def test_one_failure_does_not_stop_the_others(tiny, tiny_server, capfd):
    code = run(
        ["download-weights", "swin-b-k600", "swin-t-k400", "--mirror", tiny_server.mirror, "-j1"]
    )
    out, err = capfd.readouterr()
    assert code == 1
    assert out == f"{tiny.path}\n"
    assert re.search(r"^error: cannot get the weights of swin-b-k600: .*353,850,608", err, re.M)


def test_no_model_means_all_classifiers(cache, server, capfd):
    server.always = answering(404)
    assert run(["download-weights", "--mirror", server.mirror]) == 1
    paths = {path for path, _ in server.requests}
    assert paths == {f"/folder/{model.classifier_file.name}" for model in PUBLISHED_MODELS}
    assert run(["download-weights", "--mirror", server.mirror, "--no-head", "--jobs", "6"]) == 1
    assert len(server.requests) == 12
    assert capfd.readouterr().err.count("HTTP 404") == 12


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["swin-t-k4000"], "did you mean swin-t-k400"),
        (["swin-t-k400", "--mirror", "ftp://host"], "give the address of a folder"),
        (["swin-t-k400", "--sha256", "12"], "64 hexadecimal digits"),
        (["--sha256", "f" * 64], "give one MODEL"),
        (["swin-t-k400", "--jobs", "0"], "--jobs"),
        (["swin-t-k400", "--timeout", "inf"], "--timeout"),
        (["swin-t-k400", "--timeout", "1e12"], "--timeout"),
    ],
)
def test_wrong_usage(cache, capfd, arguments, message):
    assert run(["download-weights", *arguments]) == 2
    assert message in capfd.readouterr().err
    assert not cache.exists()


def test_unusable_sums_file_is_wrong_usage(cache, capfd, monkeypatch, tmp_path):
    monkeypatch.setenv("VSWIN_SHA256SUMS", str(tmp_path / "missing"))
    assert run(["download-weights", "swin-t-k400"]) == 2
    assert "VSWIN_SHA256SUMS" in capfd.readouterr().err


def _on_a_terminal(arguments, answer, environment):
    """Run on a terminal of 80 columns, type an answer, and return the exit code and the screen."""
    leader, follower = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "vswin_cli", *arguments],
        stdin=follower,
        stdout=follower,
        stderr=follower,
        env={**os.environ, **environment, "TERM": "xterm", "COLUMNS": "80"},
    )
    os.close(follower)
    screen, deadline, asked = b"", time.monotonic() + 30, False
    while time.monotonic() < deadline:
        if select.select([leader], [], [], 0.1)[0]:
            try:
                screen += os.read(leader, 65536)
            except OSError:  # the terminal's other end is closed
                break
            if not asked and b"]:" in screen:
                asked = True
                os.write(leader, answer)
    os.close(leader)
    return process.wait(timeout=30), screen.decode()


@pytest.mark.slow
def test_terminal_is_asked_before_all_are_downloaded(here, server):
    server.always = answering(404)
    arguments = ["download-weights", "--mirror", server.mirror]
    code, screen = _on_a_terminal(arguments, b"n\n", {})
    assert code == 1
    assert "Download 1.6 GB?" in screen
    assert re.search(r"swin-t-k400 +113 MB +here already", screen)
    assert "1729 MB" in screen
    assert server.requests == []
    code, screen = _on_a_terminal([*arguments, "--yes"], b"", {})
    assert code == 1
    assert "Download" not in screen
    assert len(server.requests) == 5


@pytest.mark.slow
def test_terminal_shows_a_bar_of_80_columns(tiny, tiny_server):
    tiny_server.bytes_per_second = 100e6
    arguments = ["download-weights", "swin-t-k400", "--mirror", tiny_server.mirror]
    code, screen = _on_a_terminal(arguments, b"", {})
    assert code == 0
    assert re.search(r"swin-t-k400.*/113.1 MB.*MB/s.*0:00:0", screen)
    lines = re.split(r"[\r\n]+", re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", screen))
    assert max(len(line) for line in lines if "MB/s" in line) <= 80


def test_list_says_what_is_here(here, capfd):
    other = weights_file(find_model("swin-b-ssv2"), head=False)
    other.partial_path.write_bytes(b"x" * 35_544_871)
    weights_file(find_model("swin-b-k600")).corrupt_path.touch()
    assert run(["weights", "list"]) == 0
    out, _ = capfd.readouterr()
    assert re.search(r"^swin-t-k400 +yes +113 +yes *$", out, re.M)
    assert re.search(r"^swin-b-ssv2 +no +355 +10 % of it *$", out, re.M)
    assert re.search(r"^swin-s-k400 +yes +200 +no *$", out, re.M)
    assert "set aside" in out
    assert str(here.folder) in out
    assert max(map(len, out.splitlines()[:8])) <= 80
    assert run(["weights", "list", "--format", "json"]) == 0
    records = json.loads(capfd.readouterr().out)
    assert [record["state"] for record in records].count("here") == 1
    assert records[0]["path"] == str(here.path)


@pytest.mark.slow
def test_verify_records_and_then_compares(here, capfd):
    assert run(["weights", "verify"]) == 0
    assert "recorded now" in capfd.readouterr().out
    assert run(["weights", "verify", "swin-t-k400"]) == 0
    assert "as recorded" in capfd.readouterr().out
    content = bytearray(here.path.read_bytes())
    content[60_000_000] ^= 1
    here.path.unlink()  # it may be another name of the session's file
    here.path.write_bytes(content)
    assert run(["weights", "verify"]) == 1
    out, err = capfd.readouterr()
    assert out == ""
    assert f"error: swin-t-k400: {here.published.name} has changed" in err
    assert not here.path.exists()
    assert here.corrupt_path.exists()


def test_verify_names_what_is_not_here(cache, capfd):
    assert run(["weights", "verify"]) == 0
    assert "no weights to verify" in capfd.readouterr().err
    assert run(["weights", "verify", "swin-t-k400"]) == 1
    assert f"is not in {cache}" in capfd.readouterr().err


def test_verify_says_when_it_cannot_record(here, capfd):
    with locked(here, DownloadWatcher()):  # as while another process replaces the file
        assert run(["weights", "verify"]) == 0
    assert "not recorded" in capfd.readouterr().out
    assert not here.record_path.exists()


@pytest.mark.parametrize(
    "arguments", [["list"], ["verify"], ["remove", "swin-t-k400"]], ids=" ".join
)
def test_folder_that_is_a_file_is_named(cache, capfd, arguments):
    cache.write_bytes(b"")
    assert run(["weights", *arguments]) == 1
    assert f"cannot read the folder {cache}: Not a directory" in capfd.readouterr().err


def test_path_is_printed_whether_or_not_it_is_there(tiny, capfd):
    assert run(["weights", "path", "swin-t-k400"]) == 0
    out, err = capfd.readouterr()
    assert out == f"{tiny.path}\n"
    assert "not downloaded yet" in err
    assert run(["weights", "path", "swin-t-k400", "--no-head", "--cache-dir", "/x"]) == 0
    assert capfd.readouterr().out == "/x/videoswin_tiny_kinetics400.weights.h5\n"


def test_remove_takes_all_that_belongs_to_it(here, capfd):
    for suffix in [".sha256", ".part", ".part.json", ".corrupt", ".corrupt.1"]:
        here.path.with_name(here.path.name + suffix).touch()
    for path in (here.record_path, here.origin_path):  # a killed process left them
        temporary_path(path).touch()
    assert run(["weights", "remove", "swin-t-k400"]) == 0
    assert list(here.folder.iterdir()) == [here.lock_path]
    assert run(["weights", "remove", "swin-t-k400"]) == 0
    assert "nothing to remove" in capfd.readouterr().err


def test_remove_says_that_it_waits_and_counts_what_is_there_then(here, vswin, capfd):
    with locked(here, DownloadWatcher()):
        process = vswin("weights", "remove", "swin-t-k400")
        wait_for_line(process, "waiting for another process")
        assert here.path.exists()
        here.path.unlink()
        here.path.write_bytes(b"x" * 7_000_000)
    assert process.communicate(timeout=30)[1] == "swin-t-k400: removed, 7 MB\n"
    assert not here.path.exists()


def test_remove_asks_on_a_terminal(here):
    assert "[y/N]" in _on_a_terminal(["weights", "remove", "swin-t-k400"], b"n\n", {})[1]
    assert here.path.exists()
    _on_a_terminal(["weights", "remove", "swin-t-k400", "--yes"], b"", {})
    assert not here.path.exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ["weights", "list"],
        ["weights", "verify"],
        ["weights", "path", "swin-t-k400"],
        ["weights", "remove", "swin-t-k400"],
        ["download-weights", "swin-t-k400"],
        ["predict", "x.mp4", "--model", "swin-t-k400"],
    ],
    ids=" ".join,
)
def test_folder_that_cannot_be_looked_into_is_named(capfd, tmp_path, arguments):
    folder = tmp_path / ("x" * 300)
    assert run([*arguments, "--cache-dir", str(folder)]) == 1
    _, err = capfd.readouterr()
    assert f"cannot read the folder {folder}: File name too long; choose another folder" in err
    assert err.count("\n") == 1


def test_weights_alone_shows_its_help(capfd):
    assert run(["weights"]) == 0
    assert "verify" in capfd.readouterr().out


def test_model_names_complete():
    assert [name for name, _ in complete_model("swin-l")] == ["swin-l-k400", "swin-l-k700"]


@pytest.mark.slow
def test_file_without_a_head_is_fetched_and_verified(cache, tmp_path, capfd):
    target = weights_file(TINY, head=False)
    content = write_checkpoint(tmp_path / "own.h5", TINY, head=False).read_bytes()
    content += bytes(target.published.num_bytes - len(content))
    with MisbehavingServer(content) as server:
        arguments = ["swin-t-k400", "--no-head"]
        assert run(["download-weights", *arguments, "--mirror", server.mirror]) == 0
    assert target.path.read_bytes() == content
    assert run(["weights", "verify", *arguments]) == 0
    assert "swin-t-k400 without a head: sound" in capfd.readouterr().out
    assert run(["weights", "list"]) == 0
    assert re.search(r"^swin-t-k400 +no +112 +yes", capfd.readouterr().out, re.M)
    assert run(["weights", "remove", *arguments]) == 0
    assert not target.path.exists()
