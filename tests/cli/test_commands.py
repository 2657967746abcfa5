"""How commands are made: one module, one name in the list, options that are declared once."""

import ast
import json
import sys
from collections import Counter
from pathlib import Path

import brightness
import pytest

import vswin_cli.cli
from vswin_cli.cli.app import COMMANDS, run

SAMPLES = Path(__file__).parents[2] / "sample_videos"
CLI = Path(vswin_cli.cli.__file__).parent


@pytest.mark.slow
def test_command_over_many_videos_is_one_short_module_and_its_name(
    monkeypatch, tmp_path, cache, capsys
):
    assert len(Path(brightness.__file__).read_text().splitlines()) <= 80
    monkeypatch.setitem(sys.modules, "vswin_cli.cli.commands.brightness", brightness)
    monkeypatch.setitem(COMMANDS, "Measure", {"brightness": "Record how bright videos are."})
    monkeypatch.setenv("VSWIN_CACHE", str(cache))
    assert run(["--help"]) == 0
    assert "brightness  Record how bright videos are." in capsys.readouterr().out
    output = tmp_path / "out.jsonl"
    arguments = ["brightness", str(SAMPLES), "-o", str(output), "--include", "pan_*"]
    assert run([*arguments, "--views", "fast", "--workers", "1"]) == 0
    records = [json.loads(line) for line in output.read_text().splitlines()]
    assert [record["video"] for record in records] == ["pan_left.mp4", "pan_right.mp4"]
    assert all(0 < record["brightness"] < 255 for record in records)
    assert run([*arguments, "--views", "fast", "--workers", "1"]) == 0
    assert "2 skipped" in capsys.readouterr().err


def test_options_of_commands_over_many_videos_are_declared_once():
    declared = Counter(
        argument.value
        for name in ("options", "commands/label", "commands/embed", "commands/evaluate")
        for node in ast.walk(ast.parse((CLI / f"{name}.py").read_text()))
        if isinstance(node, ast.Call)
        for argument in node.args
        if isinstance(argument, ast.Constant) and str(argument.value).startswith("--")
    )
    assert len(declared) > 30
    assert [option for option, count in declared.items() if count > 1] == []


@pytest.mark.parametrize("command", ["", "predict", "label", "evaluate", "weights list"])
def test_help_fits_80_columns(command, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    assert run([*command.split(), "--help"]) == 0
    assert all(len(line) <= 80 for line in capsys.readouterr().out.splitlines())
