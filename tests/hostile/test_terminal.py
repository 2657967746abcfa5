"""Names from strangers cannot control the terminal."""

import io
import json
import re
import sys

import numpy as np
import pytest
from foreign import save_zip
from rich.console import Console

from vswin_cli.cli.app import run
from vswin_cli.cli.display import RunDisplay
from vswin_cli.results import Prediction, ScoredLabel, Setup
from vswin_cli.runs.videos import Found

VALUES = np.arange(12, dtype=np.float32)

NASTY = "\x1b]0;owned\x07\x1b[2J\x9b31m\u202egpj.exe"


def assert_harmless(text):
    assert all(character.isprintable() or character in "\n\t" for character in text), repr(text)


def test_reason_of_a_server_cannot_control_the_terminal(server, tmp_path, capsys):
    def refusing(handler):
        handler.send_response(403, "\x1b]0;owned\x07\x1b[2J\x9b31m")
        handler.end_headers()
        handler.hang_up()

    server.always = refusing
    command = ["download-weights", "swin-t-k400", "--mirror", server.mirror]
    assert run([*command, "--cache-dir", str(tmp_path)]) == 1
    shown = capsys.readouterr()
    assert "HTTP 403" in shown.err
    assert_harmless(shown.out + shown.err)


def test_keys_of_a_checkpoint_cannot_control_the_terminal(tmp_path, capsys):
    path = save_zip(tmp_path / f"{NASTY.replace('/', '')}.pth", {NASTY: VALUES})
    assert run(["convert", str(path)]) == 1
    shown = capsys.readouterr()
    assert "contains no Video Swin" in shown.err
    assert_harmless(shown.out + shown.err)


def test_labels_cannot_control_the_terminal(model_file, capsys, monkeypatch):
    text = model_file.read_text()
    model_file.write_text(text.replace('"a",', json.dumps("a\u202eb") + ","))
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    assert run(["labels", str(model_file)]) == 0
    shown = capsys.readouterr()
    assert "202e" in shown.out
    assert_harmless(shown.out + shown.err)


@pytest.mark.parametrize(
    "command",
    ["cache info", "weights list", "weights path swin-t-k400", "weights remove swin-t-k400"],
)
def test_folders_cannot_control_the_terminal(tmp_path, capsys, monkeypatch, command):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    folder = tmp_path / NASTY
    (folder / "graphs" / NASTY).mkdir(parents=True)
    (folder / "graphs" / NASTY / "digests.json").touch()
    assert run([*command.split(), "--cache-dir", str(folder)]) == 0
    shown = capsys.readouterr()
    assert "202e" in shown.out + shown.err
    assert_harmless(re.sub(r"\x1b\[\d*m", "", shown.out + shown.err))


def test_labels_of_a_run_that_lasts_cannot_control_the_terminal():
    setup = Setup("theirs", "official", "openvino", "float32")
    answer = (ScoredLabel(1, NASTY, 0, 0.9),)
    display = RunDisplay(quiet=False, verbose=False)
    display.on_result(
        Found(NASTY, NASTY), Prediction(NASTY, setup, 9, ((0,),), 1, 1, 1, answer, 0.1), ()
    )
    console = Console(file=io.StringIO(), width=80)
    console.print(display._picture())
    assert "202e" in console.file.getvalue()
    assert_harmless(console.file.getvalue())
