from pathlib import Path

from vswin_cli.system.cache_folder import cache_folder
from vswin_cli.weights.cache import weights_file
from vswin_cli.zoo.models import PUBLISHED_MODELS


def test_folder_is_the_chosen_one_then_the_variable_then_the_platforms(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_folder() == tmp_path / "xdg" / "vswin"
    monkeypatch.setenv("VSWIN_CACHE", str(tmp_path / "variable"))
    assert cache_folder() == tmp_path / "variable"
    assert cache_folder(tmp_path / "chosen") == tmp_path / "chosen"
    monkeypatch.setenv("VSWIN_CACHE", "")
    assert cache_folder() == tmp_path / "xdg" / "vswin"


def test_folder_is_absolute(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert cache_folder(Path("weights")) == tmp_path / "weights"
    monkeypatch.setenv("VSWIN_CACHE", "~/weights")
    assert cache_folder() == tmp_path / "home" / "weights"


def test_no_two_published_files_have_one_place():
    paths = {
        weights_file(model, head=head).path for model in PUBLISHED_MODELS for head in (True, False)
    }
    assert len(paths) == 2 * len(PUBLISHED_MODELS)
