"""The commands as users run them, with files of the published size."""

import json
import os
import pty
import re
import select
import shutil
import subprocess
import sys
import time

import pytest
from misbehaving_server import MisbehavingServer, answering, serving
from reference import write_checkpoint

from vswin_cli.cli.app import run
from vswin_cli.cli.needed_weights import find_or_fetch
from vswin_cli.cli.options import complete_model
from vswin_cli.errors import CheckpointError, DownloadError, WeightsNotFoundError
from vswin_cli.weights.cache import weights_file
from vswin_cli.weights.pins import file_sha256
from vswin_cli.zoo.models import PUBLISHED_MODELS, find_model

TINY = find_model("swin-t-k400")


@pytest.fixture
def cache(tmp_path, monkeypatch):
    folder = tmp_path / "cache"
    monkeypatch.setenv("VSWIN_CACHE", str(folder))
    return folder


@pytest.fixture
def tiny(cache):
    return weights_file(TINY)


@pytest.fixture
def here(tiny, tiny_file):
    tiny.folder.mkdir()
    os.link(tiny_file, tiny.path) if _same_disk(tiny_file, tiny) else shutil.copy(
        tiny_file, tiny.path
    )
    return tiny


def _same_disk(path, target):
    return path.stat().st_dev == target.folder.stat().st_dev


def test_download_prints_the_path_and_says_the_rest_on_stderr(tiny, tiny_server, capfd):
    assert run(["download-weights", "swin-t-k400", "--mirror", tiny_server.mirror]) == 0
    out, err = capfd.readouterr()
    assert out == f"{tiny.path}\n"
    first, second = err.splitlines()
    assert first == f"swin-t-k400: downloading {tiny.published.name} (113 MB)"
    assert re.fullmatch(r"swin-t-k400: downloaded in \S+ s, verified in \S+ s", second)
    assert run(["download-weights", "swin-t-k400", "--mirror", tiny_server.mirror]) == 0
    out, err = capfd.readouterr()
    assert (out, err) == (f"{tiny.path}\n", "swin-t-k400: here already, whole\n")


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
    assert run(["download-weights", "--mirror", server.mirror, "--no-top", "--jobs", "6"]) == 1
    assert len(server.requests) == 12
    assert capfd.readouterr().err.count("HTTP 404") == 12


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["swin-t-k4000"], "did you mean swin-t-k400"),
        (["swin-t-k400", "--mirror", "ftp://host"], "give the address of a folder"),
        (["swin-t-k400", "--sha256", "12"], "64 hexadecimal digits"),
        (["--sha256", "f" * 64], "name one MODEL"),
        (["swin-t-k400", "--jobs", "0"], "--jobs"),
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


def test_terminal_is_asked_before_all_are_downloaded(here, server):
    server.always = answering(404)
    arguments = ["download-weights", "--mirror", server.mirror]
    code, screen = _on_a_terminal(arguments, b"n\n", {})
    assert code == 0
    assert "Download 1.6 GB?" in screen
    assert re.search(r"swin-t-k400 +113 MB +here already", screen)
    assert "1729 MB" in screen
    assert server.requests == []
    code, screen = _on_a_terminal([*arguments, "--yes"], b"", {})
    assert code == 1
    assert "Download" not in screen
    assert len(server.requests) == 5


def test_terminal_shows_a_bar_of_80_columns(tiny, tiny_server):
    tiny_server.bytes_per_second = 100e6
    arguments = ["download-weights", "swin-t-k400", "--mirror", tiny_server.mirror]
    code, screen = _on_a_terminal(arguments, b"", {})
    assert code == 0
    assert re.search(r"swin-t-k400.*/113.1 MB.*MB/s.*0:00:0", screen)
    lines = re.split(r"[\r\n]+", re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", screen))
    assert max(len(line) for line in lines if "MB/s" in line) <= 80


def test_list_says_what_is_here(here, capfd):
    other = weights_file(find_model("swin-b-ssv2"), top=False)
    other.partial_path.write_bytes(b"x" * 35_544_871)
    weights_file(find_model("swin-b-k600")).corrupt_path.touch()
    assert run(["weights", "list"]) == 0
    out, _ = capfd.readouterr()
    assert re.search(r"^swin-t-k400 +yes +113 +yes *$", out, re.M)
    assert re.search(r"^swin-b-ssv2 +no +355 +10 % of it *$", out, re.M)
    assert re.search(r"^swin-s-k400 +yes +200 +no *$", out, re.M)
    assert "kept aside" in out
    assert str(here.folder) in out
    assert max(map(len, out.splitlines()[:8])) <= 80
    assert run(["weights", "list", "--format", "json"]) == 0
    records = json.loads(capfd.readouterr().out)
    assert [record["state"] for record in records].count("here") == 1
    assert records[0]["path"] == str(here.path)


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


def test_path_is_printed_whether_or_not_it_is_there(tiny, capfd):
    assert run(["weights", "path", "swin-t-k400"]) == 0
    out, err = capfd.readouterr()
    assert out == f"{tiny.path}\n"
    assert "not there yet" in err
    assert run(["weights", "path", "swin-t-k400", "--no-top", "--cache-dir", "/x"]) == 0
    assert capfd.readouterr().out == "/x/videoswin_tiny_kinetics400.weights.h5\n"


def test_remove_takes_all_that_belongs_to_it(here, capfd):
    here.record_path.touch()
    here.partial_path.touch()
    assert run(["weights", "remove", "swin-t-k400"]) == 0
    assert list(here.folder.iterdir()) == []
    assert run(["weights", "remove", "swin-t-k400"]) == 0
    assert "nothing to remove" in capfd.readouterr().err


def test_remove_asks_on_a_terminal(here):
    assert "[y/N]" in _on_a_terminal(["weights", "remove", "swin-t-k400"], b"n\n", {})[1]
    assert here.path.exists()
    _on_a_terminal(["weights", "remove", "swin-t-k400", "--yes"], b"", {})
    assert not here.path.exists()


def test_weights_alone_shows_its_help(capfd):
    assert run(["weights"]) == 0
    assert "verify" in capfd.readouterr().out


def test_model_names_complete():
    assert [name for name, _ in complete_model("swin-b-k4")] == ["swin-b-k400", "swin-b-k400-in22k"]


def needed(mirror=None, offline=False):
    return find_or_fetch(TINY, cache_dir=None, mirror=mirror, offline=offline)


def test_predict_downloads_what_it_needs_once(tiny, tiny_server, capfd):
    assert needed(tiny_server.mirror) == tiny.path
    out, err = capfd.readouterr()
    assert out == ""
    assert f"downloading {tiny.published.name} (113 MB)" in err
    assert needed(tiny_server.mirror) == tiny.path
    assert len(tiny_server.requests) == 1
    assert capfd.readouterr().err == ""


def test_predict_takes_a_file_of_another_size_as_it_is(tiny):
    tiny.folder.mkdir()
    write_checkpoint(tiny.path, TINY)
    assert needed(offline=True) == tiny.path


def test_predict_verifies_a_file_whose_sum_is_pinned(here, tmp_path, monkeypatch):
    sums = tmp_path / "SHA256SUMS"
    monkeypatch.setenv("VSWIN_SHA256SUMS", str(sums))
    sums.write_text(f"{file_sha256(here.path)}  {here.published.name}\n")
    assert needed(offline=True) == here.path
    sums.write_text(f"{'f' * 64}  {here.published.name}\n")
    with pytest.raises(CheckpointError, match="kept aside"):
        needed(offline=True)
    with pytest.raises(WeightsNotFoundError):
        needed(offline=True)


WAYS_OUT = ["--weights FILE", "--mirror URL", "VSWIN_CACHE=FOLDER"]


@pytest.mark.parametrize("setting", ["option", "1", "true"])
def test_offline_predict_names_the_ways_out(tiny, capfd, monkeypatch, setting):
    arguments = ["predict", "clip.mp4", "--model", "swin-t-k400"]
    if setting == "option":
        arguments.append("--offline")
    else:
        monkeypatch.setenv("VSWIN_OFFLINE", setting)
    assert run(arguments) == 1
    out, err = capfd.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    for part in [tiny.published.url, str(tiny.folder), *WAYS_OUT]:
        assert part in err


def test_predict_names_the_ways_out_of_a_failed_download(tiny, server, capfd, tmp_path):
    server.always = answering(404)
    options = ["--mirror", server.mirror, "--cache-dir", str(tmp_path / "other")]
    assert run(["predict", "clip.mp4", "--model", "swin-t-k400", *options]) == 1
    _, err = capfd.readouterr()
    assert "HTTP 404" in err
    for part in [
        f"{server.mirror}/{tiny.published.name}",
        str(tmp_path / "other"),
        *WAYS_OUT,
    ]:
        assert part in err


def test_predict_refuses_a_file_of_another_size(tiny, server):
    server.always = serving()  # a whole HDF5 file, of another model
    with pytest.raises(DownloadError, match="113,094,608"):
        needed(server.mirror)
    assert not tiny.path.exists()


def test_file_without_top_is_fetched_and_verified(cache, tmp_path, capfd):
    target = weights_file(TINY, top=False)
    content = write_checkpoint(tmp_path / "own.h5", TINY, top=False).read_bytes()
    content += bytes(target.published.num_bytes - len(content))
    with MisbehavingServer(content) as server:
        arguments = ["swin-t-k400", "--no-top"]
        assert run(["download-weights", *arguments, "--mirror", server.mirror]) == 0
    assert target.path.read_bytes() == content
    assert run(["weights", "verify", *arguments]) == 0
    assert "swin-t-k400 without top: whole" in capfd.readouterr().out
    assert run(["weights", "list"]) == 0
    assert re.search(r"^swin-t-k400 +no +112 +yes", capfd.readouterr().out, re.M)
    assert run(["weights", "remove", *arguments]) == 0
    assert not target.path.exists()
