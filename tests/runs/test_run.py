"""Whole runs over generated folders, with an engine that needs no weights."""

import csv
import errno
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import label_run
import pyarrow.parquet
import pytest
from label_clips import HARD_NAMES, break_in_every_way, make_tree
from label_run import label_folder
from processes import children, is_running
from waiting import wait_until

from vswin_cli.errors import UsageError, WeightsError
from vswin_cli.runs.output import Output

RUN = Path(__file__).parents[1] / "label_run.py"


def read(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def timeless(path):
    """Return the records without values that differ between two runs."""
    return [{**record, "elapsed_seconds": None} for record in read(path)]


@pytest.mark.slow
def test_every_good_file_is_labelled_and_every_bad_one_recorded(tmp_path):
    tree, output = tmp_path / "tree", tmp_path / "out.jsonl"
    good = make_tree(make(tree), 40)
    kinds = break_in_every_way(tree / "broken" / "folder", good[0])
    label_folder(tree, output)
    records = {record["video"]: record for record in read(output)}
    assert list(records) == sorted(records, key=lambda video: video.split("/"))
    for path in good:
        record = records.pop(str(path.relative_to(tree)))
        assert record["status"] == "ok"
        assert record["error"] is None
        assert record["bytes"] == path.stat().st_size
        assert len(record["predictions"]) == 3
    found = {Path(video).name: record["error"]["kind"] for video, record in records.items()}
    assert found == kinds
    statuses = {record["error"]["kind"]: record["status"] for record in records.values()}
    assert statuses.pop("sound_only") == "skipped"
    assert set(statuses.values()) == {"failed"}
    assert children(os.getpid()) == []


def make(folder):
    folder.mkdir()
    return folder


def test_another_folder_takes_no_records_of_the_first(tmp_path):
    first, second, output = tmp_path / "day 1", tmp_path / "day 2", tmp_path / "out.jsonl"
    make_tree(make(first), 1)
    shutil.copytree(first, second)  # same names, sizes and times
    label_folder(first, output)
    before = output.read_bytes()
    with pytest.raises(UsageError, match=r"contains .* from another folder, .*day 1"):
        label_folder(second, output)
    assert output.read_bytes() == before
    first.rename(tmp_path / "kept")
    todo, _ = label_folder(tmp_path / "kept", output)
    assert (todo.num_kept, len(todo.todo)) == (1, 0)
    (tmp_path / "link").symlink_to("kept")
    assert label_folder(tmp_path / "link", output)[0].num_kept == 1


def test_second_run_skips_what_holds(tmp_path):
    tree, output = make(tmp_path / "tree"), tmp_path / "out.jsonl"
    good = make_tree(tree, 6)
    (tree / "empty.mp4").touch()
    label_folder(tree, output)
    first = output.read_bytes()
    todo, _ = label_folder(tree, output)
    assert (len(todo.todo), todo.num_kept) == (0, 7)
    assert output.read_bytes() == first

    os.utime(good[0], (1, 1))
    with good[1].open("ab") as file:
        file.write(b"\0")
    good[2].rename(tree / "new.mp4")
    todo, _ = label_folder(tree, output, retry_failed=True)
    assert todo.reasons == {"changed": 2, "new": 1, "failed before": 1}
    assert todo.num_kept == 3
    assert len(read(output)) == 8  # deleted files keep their records


def test_finished_records_are_not_replaced_by_those_of_other_settings(tmp_path):
    tree, output = make(tmp_path / "tree"), tmp_path / "out.jsonl"
    make_tree(tree, 2)
    (tree / "empty.mp4").touch()
    label_folder(tree, output, weights="old")
    before = output.read_bytes()
    with pytest.raises(UsageError, match="2 videos with different settings: weights old → new;"):
        label_folder(tree, output, weights="new")
    assert output.read_bytes() == before
    assert label_folder(tree, output, weights="old", top_k=2)[0].num_kept == 3  # they hold more
    assert output.read_bytes() == before
    todo, _ = label_folder(tree, output, weights="old", top_k=5)
    assert todo.reasons == {"for more labels": 2, "failed before": 1}
    assert {len(record["predictions"]) for record in read(output)} == {0, 5}
    label_folder(tree, output, weights="new", resume=False)
    assert {record["settings"]["weights"] for record in read(output)} == {"new"}


@pytest.mark.slow
def test_killed_at_any_moment_the_output_is_that_of_an_undisturbed_run(tmp_path):
    tree = make(tmp_path / "tree")
    make_tree(tree, 24)
    (tree / "empty.mp4").touch()
    shutil.copy(next(tree.rglob("clip1.mp4")), tree / "segfaults.mp4")
    output = tmp_path / "killed.jsonl"
    command = [sys.executable, RUN, tree, output, "0.05"]
    for num_records in (0, 5, 16):
        with subprocess.Popen(command, stdout=subprocess.DEVNULL) as running:
            wait_until(lambda: output.exists() and children(running.pid))
            wait_until(lambda count=num_records: output.read_bytes().count(b"\n") >= count)
            workers = children(running.pid)
            running.kill()
        wait_until(lambda ended=workers: not any(map(is_running, ended)))
        lines = output.read_bytes().splitlines()
        assert len(lines) == len(set(lines)) < 26
    subprocess.run(command, check=True, capture_output=True)
    label_folder(tree, tmp_path / "whole.jsonl")
    assert timeless(tmp_path / "killed.jsonl") == timeless(tmp_path / "whole.jsonl")
    assert len(read(tmp_path / "whole.jsonl")) == 26


def test_second_run_on_one_output_is_refused(tmp_path):
    tree, output = make(tmp_path / "tree"), tmp_path / "out.jsonl"
    make_tree(tree, 1)
    (tmp_path / "link.jsonl").symlink_to(output)
    with Output(output).opened():
        for name in ("out.jsonl", "link.jsonl"):
            with pytest.raises(UsageError, match="another run"):
                label_folder(tree, tmp_path / name)
    label_folder(tree, output)
    assert len(read(output)) == 1


def test_run_stops_after_so_many_failures(tmp_path):
    tree, output = make(tmp_path / "tree"), tmp_path / "out.jsonl"
    make_tree(tree, 30)
    (tree / "a1.mp4").touch()
    (tree / "a2.mp4").touch()
    label_folder(tree, output, max_failures=2, view_seconds=0.2)
    records = read(output)
    assert 2 <= len(records) < 15
    todo, _ = label_folder(tree, output)
    assert todo.num_kept == len(records)


def test_stopping_early_is_told_though_every_video_has_a_record(tmp_path):
    tree, output = make(tmp_path / "tree"), tmp_path / "out.jsonl"
    for name in "abcdef":
        (tree / f"{name}.mp4").touch()
    label_folder(tree, output)
    _, outcome = label_folder(tree, output, retry_failed=True, max_failures=1)
    assert outcome.is_stopped
    assert outcome.num_left > 0
    _, outcome = label_folder(tree, output, retry_failed=True, max_failures=6)
    assert not outcome.is_stopped


def test_a_model_that_cannot_be_loaded_leaves_the_earlier_output(monkeypatch, tmp_path):
    tree, output = make(tmp_path / "tree"), tmp_path / "out.jsonl"
    (tree / "a.mp4").touch()
    label_folder(tree, output)
    before = output.read_bytes()

    def broken(*arguments, **options):
        raise WeightsError("damaged")

    monkeypatch.setattr(label_run, "Classifier", broken)
    with pytest.raises(WeightsError):
        label_folder(tree, output, resume=False)
    assert output.read_bytes() == before


def test_folders_that_cannot_be_listed_count_as_failures(tmp_path, monkeypatch):
    tree, output = make(tmp_path / "tree"), tmp_path / "out.jsonl"
    make_tree(tree, 1)
    for name in "abcde":
        (tree / name).mkdir()

    def scandir(folder, scan=os.scandir):
        if Path(folder).name in "abcde":  # root may list every folder
            raise PermissionError(errno.EACCES, "Permission denied")
        return scan(folder)

    monkeypatch.setattr(os, "scandir", scandir)
    label_folder(tree, output, max_failures=2)
    assert [record["error"]["kind"] for record in read(output)] == ["permission"] * 2


def test_hard_names_survive_all_three_formats(tmp_path):
    tree = make(tmp_path / "tree")
    [source] = make_tree(tree, 1)
    for name in HARD_NAMES:
        shutil.copy(source, tree / os.fsdecode(name))
        (tree / os.fsdecode(b"bad " + name)).write_bytes(b"")
    source.unlink()
    names = sorted([*HARD_NAMES, *(b"bad " + name for name in HARD_NAMES)])

    label_folder(tree, tmp_path / "out.jsonl")
    assert [os.fsencode(record["video"]) for record in read(tmp_path / "out.jsonl")] == names
    assert sum(record["status"] == "ok" for record in read(tmp_path / "out.jsonl")) == 8

    label_folder(tree, tmp_path / "out.csv")
    with (tmp_path / "out.csv").open(errors="surrogateescape", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [os.fsencode(row["video"]) for row in rows] == names

    label_folder(tree, tmp_path / "out.parquet")
    table = pyarrow.parquet.read_table(tmp_path / "out.parquet").to_pylist()
    assert [row["video_bytes"] for row in table] == names
    assert "emoji \U0001f3ac.mp4" in [row["video"] for row in table]
    for record, row, typed in zip(read(tmp_path / "out.jsonl"), rows, table, strict=True):
        assert row["status"] == typed["status"] == record["status"]
        assert int(row["bytes"]) == typed["bytes"] == record["bytes"]
        assert typed["predictions"] == record["predictions"]
        assert typed["clips"] == record["clips"]
        for prediction in record["predictions"]:
            rank = prediction["rank"]
            assert row[f"label_{rank}"] == prediction["label"]
            assert float(row[f"probability_{rank}"]) == prediction["probability"]
        assert (row["error_kind"] or None) == typed["error_kind"]


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_formats_that_cannot_be_appended_to_resume_from_a_journal(tmp_path, suffix):
    tree, output = make(tmp_path / "tree"), tmp_path / f"out{suffix}"
    make_tree(tree, 4)
    label_folder(tree, output)
    first = output.read_bytes()
    output.unlink()
    todo, _ = label_folder(tree, output)
    assert todo.num_kept == 4
    assert output.read_bytes() == first
    Path(f"{output}.journal.jsonl").unlink()
    with pytest.raises(UsageError, match="journal"):
        label_folder(tree, output)
    assert output.read_bytes() == first
    Output(output, resume=False)


def test_output_is_never_an_input(tmp_path):
    tree = make(tmp_path / "tree")
    make_tree(tree, 2)
    label_folder(tree, tree / "out.jsonl")
    label_folder(tree, tree / "out.jsonl")
    assert len(read(tree / "out.jsonl")) == 2
    with pytest.raises(UsageError, match="must end in"):
        label_folder(tree, tree / "out.mp4")
