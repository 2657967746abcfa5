"""The place of the cache, also without a home folder."""

import pytest

from vswin_cli.system import cache_folder as module
from vswin_cli.system.cache_folder import cache_folder, is_passing

pwd = pytest.importorskip("pwd")


def test_without_a_home_there_is_a_folder_that_passes_and_one_warning(monkeypatch, caplog):
    def nobody(uid):
        raise KeyError(uid)

    for name in ("HOME", "VSWIN_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(pwd, "getpwuid", nobody)
    module._passing_folder.cache_clear()
    folder = cache_folder()
    assert folder.is_dir()
    assert cache_folder() == folder
    assert is_passing(folder)
    [record] = caplog.records
    assert "has no home folder" in record.getMessage()
    monkeypatch.setenv("VSWIN_CACHE", "~/x")
    assert cache_folder().name == "x"
    module._passing_folder.cache_clear()
    module._kept.pop().cleanup()
