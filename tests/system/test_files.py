"""Files replaced as a whole, as seen by readers, after failures and after power cuts."""

import os
import sys
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from vswin_cli.system.files import replacing, temporary_path


def test_file_is_replaced_at_once_and_passes_its_mode_on(tmp_path):
    path = tmp_path / "labels.csv"
    path.write_text("old")
    path.chmod(0o640)
    with replacing(path) as temporary:
        temporary.write_text("new")
        assert path.read_text() == "old"
    assert path.read_text() == "new"
    assert path.stat().st_mode & 0o777 == (0o640 if sys.platform != "win32" else 0o666)
    assert list(tmp_path.iterdir()) == [path]


def test_failure_leaves_what_was_there_and_nothing_else(tmp_path):
    path = tmp_path / "labels.csv"
    path.write_text("old")
    with suppress(NotADirectoryError), replacing(path) as temporary:
        temporary.write_text("ne")
        temporary.rmdir()  # fails
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_what_a_killed_process_left_is_replaced(tmp_path):
    path = tmp_path / "labels.csv"
    temporary_path(path).write_text("torn, and longer")
    with replacing(path) as temporary:
        temporary.write_text("new")
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("links", [True, False])
def test_what_appears_meanwhile_is_kept_unless_it_may_go(tmp_path, monkeypatch, links):
    if not links:  # as on exFAT
        monkeypatch.setattr(os, "link", lambda *paths: (_ for _ in ()).throw(OSError(1, "none")))
    path = tmp_path / "mine.toml"
    with ExitStack() as stack:
        stack.enter_context(replacing(path, overwrite=False)).write_text("new")
        path.write_text("another's")
        with pytest.raises(FileExistsError):
            stack.close()
    assert path.read_text() == "another's"
    assert list(tmp_path.iterdir()) == [path]
    path.unlink()
    with replacing(path, overwrite=False) as temporary:
        temporary.write_text("new")
    assert path.read_text() == "new"


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux names open files")
def test_content_is_on_the_disk_before_it_has_its_name_and_the_name_after(tmp_path, monkeypatch):
    path = tmp_path / "labels.csv"
    fsync, synced = os.fsync, []

    def noting(descriptor):
        fsync(descriptor)
        synced.append((Path(f"/proc/self/fd/{descriptor}").readlink(), path.exists()))

    monkeypatch.setattr(os, "fsync", noting)
    with replacing(path) as temporary:
        temporary.write_text("new")
    assert synced == [(temporary, False), (tmp_path, True)]
