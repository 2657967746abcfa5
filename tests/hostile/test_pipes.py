"""Pipes and devices in place of files are refused at once."""

import json
import os

import pytest
from foreign import SMALL

from vswin_cli.cli.app import run
from vswin_cli.conversion.checkpoint_file import open_checkpoint
from vswin_cli.engines.graph_cache import is_whole
from vswin_cli.errors import CheckpointError, UsageError
from vswin_cli.evaluation.rows import read_rows
from vswin_cli.features.files import open_features
from vswin_cli.network.checkpoint import read_checkpoint
from vswin_cli.pages.page import Part, write_page
from vswin_cli.runs.journal import Journal
from vswin_cli.runs.output import Output
from vswin_cli.runs.videos import Selection, find_videos
from vswin_cli.timeline.outputs import TimelineOutput
from vswin_cli.zoo.labels import read_label_file
from vswin_cli.zoo.model_file import read_model_file

RECORD = {
    "video": "a",
    "path": "/videos/a",
    "predictions": [],
    "error": None,
    "elapsed_seconds": 0.1,
    "status": "ok",
    "bytes": 10,
    "modified": None,
    "settings": {},
    "warnings": [],
}


def _open_checkpoint(path):
    with open_checkpoint(path):
        pass


def _make_report(path):
    assert run(["report", str(path), "--output", str(path.with_name("page.html"))]) == 2
    raise UsageError("not a file: as the command said")


def _open_damaged(path):
    journal = path.with_name("labels.jsonl")
    journal.write_text(f"{json.dumps(RECORD)}\ndamaged\n")
    Journal(journal).close()
    assert path.read_text() == "damaged\n"


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


def test_pipe_in_place_of_a_report_is_refused_before_the_run(tmp_path):
    os.mkfifo(tmp_path / "page.html")
    output = Output(tmp_path / "labels.jsonl")
    with pytest.raises(UsageError, match="is not a file"):
        output.refuse_report(tmp_path / "page.html")


BESIDE = {
    "labels.jsonl.damaged": _open_damaged,
    "page.2.html": lambda path: write_page(path.with_name("page.html"), "report", Part({})),
    "timelines.jsonl.files": lambda path: TimelineOutput(f"{path.parent}/", "srt")._written(),
    "digests.json": lambda path: is_whole(path.parent),
}


@pytest.mark.parametrize("name", BESIDE)
@pytest.mark.timeout(60)
def test_pipe_where_a_file_of_a_run_is_looked_for_stops_nothing(tmp_path, name):
    os.mkfifo(tmp_path / name)
    BESIDE[name](tmp_path / name)
