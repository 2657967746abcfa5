"""An export is at its path whole, or not at all, whatever ends it and whoever else writes there."""

import re
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest
from waiting import wait_until

import vswin_cli as vswin
from vswin_cli.cli.app import run
from vswin_cli.errors import OutputError
from vswin_cli.export import exporting, openvino_graph
from vswin_cli.export.readme import write_readme
from vswin_cli.system.lent_folder import lent_folder

MODEL = "swin-n-motion"


@pytest.mark.parametrize(
    ("error", "raised"),
    [
        (KeyboardInterrupt(), KeyboardInterrupt),
        (RuntimeError("no\nsense"), OutputError),
        (OSError(28, "No space left on device"), OutputError),
    ],
)
def test_an_export_that_stops_leaves_what_was_there(tmp_path, monkeypatch, error, raised):
    path = tmp_path / "m.xml"
    path.write_text("mine")

    def stopping(request, written):
        written.write_text("half of it")
        raise error

    monkeypatch.setattr(openvino_graph, "write", stopping)
    with pytest.raises(raised) as caught:
        vswin.export_model(MODEL, path, format="openvino", overwrite=True)
    assert "\n" not in str(caught.value)
    assert [each.name for each in tmp_path.iterdir()] == ["m.xml"]
    assert path.read_text() == "mine"


def test_a_full_disk_is_told_where_a_library_does_not(tmp_path, monkeypatch):
    def failing(request, written):
        raise RuntimeError("basic_ios::clear: iostream error")

    monkeypatch.setattr(openvino_graph, "write", failing)
    monkeypatch.setattr(exporting.shutil, "disk_usage", lambda folder: SimpleNamespace(free=9000))
    with pytest.raises(OutputError, match=r"there is no room for \d\.\d MB in /"):
        vswin.export_model(MODEL, tmp_path / "m.xml", format="openvino")


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_an_export_at_once_and_nothing_stays(number, tmp_path):
    code = """
import sys, time
from vswin_cli.cli.app import run
from vswin_cli.export import openvino_graph

def write(request, path):
    path.write_text("half of it")
    while True:
        try:
            time.sleep(60)
        except KeyboardInterrupt:  # as native code does not hear of it
            pass

openvino_graph.write = write
sys.exit(run(["export", "swin-n-motion", "--format", "openvino", "--output", sys.argv[1]]))
"""
    path = tmp_path / "m.xml"
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(path)], stderr=subprocess.PIPE, text=True
    )
    wait_until(lambda: list(tmp_path.glob(".m.xml.tmp/files/m.xml")))
    process.send_signal(number)
    _, err = process.communicate(timeout=10)
    assert (process.returncode, err) == (130, "interrupted\n")
    assert not list(tmp_path.iterdir())


def test_one_process_at_a_time_exports_to_a_path(tmp_path, capfd):
    path = tmp_path / "m.xml"
    with lent_folder(path) as folder:
        (folder / "m.xml").write_text("half of it")
        assert run(["export", MODEL, "--format", "openvino", "--output", str(path)]) == 2
        assert (
            f"cannot write {path}: another process writes to it; wait for it"
            in capfd.readouterr().err
        )
        assert (folder / "m.xml").read_text() == "half of it"
    assert not list(tmp_path.iterdir())


def test_exports_into_one_folder_share_its_readme(tmp_path):
    names = [f"{letter}.xml" for letter in "abcdefgh"]
    with ThreadPoolExecutor(len(names)) as threads:
        list(threads.map(lambda name: write_readme(tmp_path, name, f"\n## {name}\n"), names))
    assert [each.name for each in tmp_path.iterdir()] == ["README.md"]
    text = (tmp_path / "README.md").read_text()
    assert text.startswith("# Models exported by vswin\n\n<!-- vswin export: ")
    assert sorted(re.findall(r"^## (.*)$", text, re.M)) == names


def test_no_old_graph_stands_with_new_numbers_even_for_a_moment(tmp_path, monkeypatch):
    made, path = tmp_path / "made", tmp_path / "m.xml"
    made.mkdir()
    for folder, text in ((tmp_path, "old"), (made, "new")):
        for name in ("m.xml", "m.bin"):
            (folder / name).write_text(text)
    monkeypatch.setattr(exporting, "replace", stopped_at("m.xml"))
    with pytest.raises(KeyboardInterrupt):
        exporting._move(made, path, overwrite=True)
    assert (path.exists(), (tmp_path / "m.bin").read_text()) == (False, "new")


def stopped_at(name):
    """Make a `replace` that is interrupted before it creates that name."""

    def replace(source, target):
        if target.name == name:
            raise KeyboardInterrupt
        source.replace(target)

    return replace


@pytest.mark.slow
def test_what_is_there_stays_unless_forced(tmp_path, capfd):
    path = tmp_path / "m.xml"
    arguments = ["export", MODEL, "--format", "openvino", "--output", str(path)]
    (tmp_path / "m.bin").write_text("mine")
    assert run(arguments) == 1
    assert "m.bin already exists" in capfd.readouterr().err
    assert {each.name for each in tmp_path.iterdir()} == {"m.bin"}
    (tmp_path / "README.md").write_text("# About me\n")
    assert run([*arguments, "--force"]) == 0
    assert (tmp_path / "README.md").read_text() == "# About me\n"
    assert "## m.xml" in (tmp_path / "m.xml.README.md").read_text()


def test_a_readme_that_cannot_be_written_is_told_and_the_export_kept(smallest_model, tmp_path):
    (tmp_path / "README.md").write_text("# About me\n")
    (tmp_path / "m.xml.README.md").mkdir()
    path = tmp_path / "m.xml"
    with pytest.raises(OutputError, match=r"m\.xml is complete, but the README\.md next to it can"):
        vswin.export_model(str(smallest_model), path, format="openvino")
    assert path.stat().st_size


@pytest.mark.slow
def test_a_readme_has_a_section_per_file(smallest_model, tmp_path):
    for name in ("a.xml", "b.xml", "a.xml"):
        vswin.export_model(str(smallest_model), tmp_path / name, format="openvino", overwrite=True)
    text = (tmp_path / "README.md").read_text()
    assert re.findall(r"^## (.*)$", text, re.M) == ["b.xml", "a.xml"]
    assert text.count("```python") == 2
