"""Pipes and devices in place of files: refused at once."""

import os

import pytest
from foreign import SMALL

from vswin_cli.cli.app import run
from vswin_cli.conversion.checkpoint_file import open_checkpoint
from vswin_cli.errors import CheckpointError, UsageError
from vswin_cli.evaluation.rows import read_rows
from vswin_cli.features.files import open_features
from vswin_cli.network.checkpoint import read_checkpoint
from vswin_cli.runs.videos import Selection, find_videos
from vswin_cli.zoo.labels import read_label_file
from vswin_cli.zoo.model_file import read_model_file


def _open_checkpoint(path):
    with open_checkpoint(path):
        pass


def _make_report(path):
    assert run(["report", str(path), "--output", str(path.with_name("page.html"))]) == 2
    raise UsageError("not a file: as the command said")


READERS = {
    "weights.h5": lambda path: read_checkpoint(path, SMALL, None),
    "checkpoint.pth": _open_checkpoint,
    "model.toml": read_model_file,
    "labels.txt": read_label_file,
    "annotations.csv": read_rows,
    "list.txt": lambda path: find_videos([f"@{path}"], Selection()),
    "features.npz": open_features,
    "labels.jsonl": _make_report,
}


@pytest.mark.parametrize("name", READERS)
@pytest.mark.parametrize("make", [os.mkfifo, lambda path: path.symlink_to("/dev/zero")])
@pytest.mark.timeout(60)
def test_pipe_or_device_in_place_of_a_file_is_refused_at_once(tmp_path, name, make):
    make(tmp_path / name)
    with pytest.raises((CheckpointError, UsageError), match=r"not a file|no file"):
        READERS[name](tmp_path / name)
