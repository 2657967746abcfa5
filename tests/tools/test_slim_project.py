"""`vswin-slim` differs from vswin only by TensorFlow."""

import importlib.metadata
import tomllib

import slim_project

from vswin_cli.system import extras


def test_slim_project_lacks_tensorflow_and_nothing_else(tmp_path):
    slim_project.make(tmp_path / "slim")
    slim = tomllib.loads((tmp_path / "slim" / "pyproject.toml").read_text())["project"]
    whole = tomllib.loads((slim_project.ROOT / "pyproject.toml").read_text())["project"]
    assert slim["name"] == "vswin-slim"
    assert set(whole["dependencies"]) - set(slim["dependencies"]) == set(
        slim["optional-dependencies"].pop("tensorflow")
    )
    assert set(slim["dependencies"]) <= set(whole["dependencies"])
    assert slim["optional-dependencies"].keys() == whole["optional-dependencies"].keys()
    assert (tmp_path / "slim" / "vswin_cli" / "py.typed").is_file()


def test_commands_to_install_name_the_distribution_that_is_there(monkeypatch):
    assert extras.pip_command("onnx", "tensorflow") == "pip install 'vswin[onnx]' tensorflow"
    monkeypatch.setattr(importlib.metadata, "version", lambda name: "0.2.0")
    assert extras.pip_command("onnx") == "pip install 'vswin-slim[onnx]'"
    assert extras.pip_command(None, "tensorflow") == "pip install tensorflow"
