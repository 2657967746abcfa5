"""A folder next to a path belongs to one process at a time, and holds nothing from those before."""

import subprocess
import sys

import pytest

from vswin_cli.system.lent_folder import lent_folder


def test_what_a_killed_process_has_left_goes_with_the_next(tmp_path):
    path = tmp_path / "model"
    code = """
import os, pathlib, sys
from vswin_cli.system.lent_folder import lent_folder
with lent_folder(pathlib.Path(sys.argv[1])) as folder:
    (folder / "model").write_text("half of it")
    os._exit(9)
"""
    killed = subprocess.run([sys.executable, "-c", code, str(path)])
    assert killed.returncode == 9
    assert [each.name for each in tmp_path.iterdir()] == [".model.tmp"]
    with lent_folder(path) as folder:
        assert not list(folder.iterdir())
    assert not list(tmp_path.iterdir())


def test_a_second_process_is_refused(tmp_path):
    path = tmp_path / "model"
    with lent_folder(path), pytest.raises(BlockingIOError) as refused, lent_folder(path):
        pass
    assert refused.value.filename == str(path)
