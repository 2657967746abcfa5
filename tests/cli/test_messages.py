"""One-line messages: the problem and the advice; counts, and what is left out."""

import json
import shutil
import sys

import pytest
from clips import cut, encode, numbered_frames
from command import SAMPLES

from vswin_cli.cli.app import run

ENCRYPTED = {
    "encryption_scheme": "cenc-aes-ctr",
    "encryption_key": "76a6c65c5ea762046bd749a2e632ccbb",
    "encryption_kid": "a7e61c373e219033c21091fa607bf3b8",
}


@pytest.fixture
def clip(tmp_path, monkeypatch):
    """A video with its index at the end, in the current folder."""
    monkeypatch.chdir(tmp_path)
    return encode(tmp_path / "clip.mp4", numbered_frames(60))


def test_a_folder_is_for_label(clip, capsys):
    assert run(["predict", "."]) == 1
    assert "it is a folder; give a video, or use `vswin label`" in capsys.readouterr().err


def test_weights_given_as_a_model_are_told(clip, tmp_path, capsys):
    (tmp_path / "mine.weights.h5").write_bytes(b"x")
    assert run(["predict", "clip.mp4", "--model", "mine.weights.h5"]) == 2
    assert "use --weights for it, or give the .toml" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda path: cut(path, 0.5), "it is cut off: its index is missing"),
        (
            lambda path: encode(path, numbered_frames(60), container_options=ENCRYPTED),
            "it is encrypted; decrypt it first",
        ),
    ],
    ids=["cut off", "encrypted"],
)
def test_what_is_wrong_with_a_file_is_named(clip, vswin, change, message):
    change(clip)
    finished = vswin("predict", "clip.mp4")
    assert (finished.returncode, message in finished.stderr) == (1, True)


def test_a_mistyped_path_of_a_list_is_recorded_until_it_is_corrected(clip, vswin, tmp_path):
    shutil.copy(SAMPLES / "static.mp4", tmp_path / "a.mp4")
    listed, output = tmp_path / "list.txt", tmp_path / "out.jsonl"
    listed.write_text("a.mp4\nmistyped.mp4\n")
    assert vswin("label", "@list.txt", "-o", "out.jsonl").returncode == 1
    listed.write_text("a.mp4\n")
    assert vswin("label", "@list.txt", "-o", "out.jsonl").returncode == 0
    assert [json.loads(line)["video"] for line in output.read_text().splitlines()] == ["a.mp4"]


def test_damage_is_counted_in_the_summary(clip, vswin, tmp_path):
    content = bytearray((SAMPLES / "static.mp4").read_bytes())
    clip.write_bytes(content[: 2 * len(content) // 3])
    finished = vswin("label", "clip.mp4", "-o", "out.jsonl")
    assert "with warnings  1\n" in finished.stdout
    [record] = map(json.loads, (tmp_path / "out.jsonl").read_text().splitlines())
    assert "cut off" in record["warnings"][0]
    assert vswin("label", "clip.mp4", "-o", "q.jsonl", "-q").stderr == ""


@pytest.mark.parametrize(
    ("variables", "shown"), [({}, "\x1b[31merror:\x1b[0m"), ({"NO_COLOR": "1"}, "error:")]
)
def test_errors_are_red_on_a_terminal(capsys, monkeypatch, variables, shown):
    for name, value in {"TERM": "xterm", **variables}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    assert run(["predict"]) == 2
    assert capsys.readouterr().err.startswith(f"{shown} Missing argument")
