"""The file to which a run appends, and its state after a power cut."""

import json
import os
import subprocess
import sys
from contextlib import closing

import pytest

from vswin_cli.errors import OutputError, UsageError
from vswin_cli.runs.journal import Journal


def record(video, status="ok", settings=None):
    return {
        "video": video,
        "path": f"/videos/{video}",
        "predictions": [{"rank": 1, "label": "archery", "index": 3, "probability": 0.5}],
        "error": None if status == "ok" else {"kind": "empty", "message": "cannot"},
        "elapsed_seconds": 0.1,
        "status": status,
        "bytes": 10,
        "modified": None,
        "settings": settings or {"model": "m"},
        "warnings": [],
    }


def write(path, *records):
    with closing(Journal(path, resume=True)) as journal:
        for each in records:
            journal.append(each)


def test_records_are_lines_of_json_that_are_there_at_once(tmp_path):
    path = tmp_path / "out.jsonl"
    with closing(Journal(path, resume=True)) as journal:
        for name in ("a", os.fsdecode(b"caf\xe9\n"), "\U0001f3ac"):
            journal.append(record(name))
            assert json.loads(path.read_text().splitlines()[-1]) == record(name)
    with closing(Journal(path, resume=True)) as journal:
        assert list(journal.entries) == ["a", os.fsdecode(b"caf\xe9\n"), "\U0001f3ac"]
        assert [r["video"] for r in journal.records([])] == list(journal.entries)


def test_file_that_cannot_be_replaced_while_it_is_open_is_put_in_order(tmp_path, monkeypatch):
    """As on Windows: both files are closed first, and the new one is opened and locked again."""
    monkeypatch.setattr("vswin_cli.runs.journal.REPLACES_OPEN_FILES", False)
    path = tmp_path / "out.jsonl"
    with closing(Journal(path)) as journal:
        for name in "bab":
            journal.append(record(name))
        journal.put_in_order(["a", "b"])
        assert [each["video"] for each in journal.records()] == ["a", "b"]
        with pytest.raises(UsageError, match="another run"):
            Journal(path)
    assert path.read_text().count("\n") == 2


@pytest.mark.parametrize("num_lost", [1, 2, 50, 150])
def test_torn_last_line_is_cut_away_and_written_again(tmp_path, num_lost):
    path = tmp_path / "out.jsonl"
    write(path, record("a"), record("b"))
    whole = path.read_bytes()
    path.write_bytes(whole[:-num_lost])
    with closing(Journal(path, resume=True)) as journal:
        assert list(journal.entries) == ["a"]
        journal.append(record("b"))
    assert path.read_bytes() == whole


@pytest.mark.parametrize("tail", [b"\0" * 4096, b'{"video": "b", "pre', b'{"video": "b"}\n', b"{"])
@pytest.mark.parametrize("num_whole", [0, 2])
def test_what_a_power_cut_leaves_is_no_record(tmp_path, tail, num_whole):
    path = tmp_path / "out.jsonl"
    write(path, *(record(str(number)) for number in range(num_whole)))
    whole = path.read_bytes()
    path.write_bytes(whole + tail)
    with closing(Journal(path, resume=True)) as journal:
        assert len(journal.entries) == num_whole
    assert path.read_bytes() == whole


@pytest.mark.parametrize(
    "content",
    [
        b"some notes",
        b"a\nb\n",
        b"[]\n",
        b'{"other": 1}\n{"x": 2}\n',
        # Lines of predict, and records that lack parts.
        b'{"video": "a", "error": null, "predictions": []}\n' * 2,
        json.dumps({**record("a"), "predictions": [1]}).encode() + b"\n" + b"{}\n",
        json.dumps({**record("a"), "video": ["a"]}).encode() + b"\n" + b"{}\n",
        json.dumps({k: v for k, v in record("a").items() if k != "elapsed_seconds"}).encode()
        + b"\n{}\n",
    ],
)
def test_another_file_is_refused_and_left_alone(tmp_path, content):
    path = tmp_path / "out.jsonl"
    path.write_bytes(content)
    with pytest.raises(UsageError, match="not an output of"):
        Journal(path, resume=True)
    assert path.read_bytes() == content
    Journal(path, resume=False).close()
    assert path.read_bytes() == b""


def test_who_only_reads_another_file_is_told_what_to_name(tmp_path):
    (tmp_path / "notes.txt").write_bytes(b"a\nb\n")
    with pytest.raises(UsageError, match=r"give the \.jsonl file that it wrote"):
        Journal(tmp_path / "notes.txt", resume=True, read_only=True)


@pytest.mark.parametrize("damage", [b"damaged\n", b"\xff\n", b"[" * 100_000 + b"\n", b"null\n"])
def test_damaged_lines_are_set_aside_and_the_others_kept(tmp_path, damage):
    path = tmp_path / "out.jsonl"
    write(path, record("a"), record("b"), record("c"))
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(lines[0] + damage + lines[2])
    with closing(Journal(path, read_only=True)) as journal:
        assert list(journal.entries) == ["a", "c"]
    with closing(Journal(path)) as journal:
        assert (list(journal.entries), journal.num_damaged) == (["a", "c"], 1)
        assert journal.damaged_path.read_bytes() == damage
    assert path.read_bytes() == lines[0] + lines[2]
    with closing(Journal(path)) as journal:
        assert journal.num_damaged == 0
    assert (tmp_path / "out.jsonl.damaged").read_bytes() == damage


@pytest.mark.parametrize(
    "odd",
    [
        {"warnings": [1]},
        {"settings": "s"},
        {"predictions": [{"rank": 1, "label": 5, "index": 3, "probability": 0.5}]},
        {"error": {"kind": "empty"}},
        {"clips": [["a"]]},
        {"features": [2**80, 1, 1]},
        {"modified": "yesterday"},
        {"bytes": -1},
    ],
)
def test_records_with_odd_parts_are_damaged_ones(tmp_path, odd):
    path = tmp_path / "out.jsonl"
    write(path, record("a"))
    with path.open("ab") as file:
        file.write(json.dumps({**record("b"), **odd}).encode() + b"\n")
    with closing(Journal(path)) as journal:
        assert (list(journal.entries), journal.num_damaged) == (["a"], 1)


HOLDING = """
import sys, time
from pathlib import Path
from vswin_cli.runs.journal import Journal
journal = Journal(Path(sys.argv[1]))
print("open", flush=True)
sys.stdin.read()
"""


def test_two_processes_never_write_to_one_journal_whatever_they_call_it(tmp_path):
    path = tmp_path / "out.jsonl"
    write(path, record("a"))
    (tmp_path / "hard.jsonl").hardlink_to(path)
    (tmp_path / "link.jsonl").symlink_to(path)
    command = [sys.executable, "-c", HOLDING, path]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, **pipes) as holding:
        assert holding.stdout.readline() == b"open\n"
        for other in tmp_path.iterdir():  # a separate lock file could be removed
            if other.suffix != ".jsonl":
                other.unlink()
        for name in ("out.jsonl", "hard.jsonl", "link.jsonl"):
            for resume in (True, False):
                with pytest.raises(UsageError, match="another run"):
                    Journal(tmp_path / name, resume=resume)
        holding.communicate()
    with closing(Journal(path)) as journal:
        assert list(journal.entries) == ["a"]
        journal.append(record("0"))
        journal.put_in_order(["0", "a"])  # another file from now on
        with pytest.raises(UsageError, match="another run"):
            Journal(path)


@pytest.mark.parametrize("is_replaced", [False, True])
def test_journal_that_is_removed_is_told_at_once_and_loses_nothing(tmp_path, is_replaced):
    path = tmp_path / "out.jsonl"
    with closing(Journal(path)) as journal:
        journal.append(record("a"))
        path.unlink()
        if is_replaced:
            path.write_text("notes")
        with pytest.raises(OutputError, match=r"removed or replaced .* the records of 2 videos"):
            journal.append(record("b"))
    assert path.exists() == is_replaced
    [kept] = tmp_path.glob("out.rescued-*.jsonl")
    with closing(Journal(kept)) as journal:
        assert list(journal.entries) == ["a", "b"]


def test_journal_that_something_else_cuts_or_writes_to_is_told_before_it_is_relied_on(tmp_path):
    path = tmp_path / "out.jsonl"
    write(path, record("b"), record("a"))
    whole = path.read_bytes()
    with closing(Journal(path)) as journal:
        os.truncate(path, 10)  # as by `> out.jsonl`
        for use in (lambda: journal.append(record("c")), journal.check):
            with pytest.raises(OutputError, match="changed by another program"):
                use()
        path.write_bytes(whole[:50] + b"!" + whole[51:])
        for videos in ("a", "b"), ("b", "a"):
            with pytest.raises(OutputError, match="changed by another program"):
                journal.put_in_order(videos)
    assert path.read_bytes() == whole[:50] + b"!" + whole[51:]


def test_order_is_that_of_the_videos_and_the_last_record_holds(tmp_path):
    path = tmp_path / "out.jsonl"
    link = tmp_path / "link.jsonl"
    link.symlink_to("out.jsonl")
    with closing(Journal(link, resume=True)) as journal:
        for each in (record("old"), record("b", "failed"), record("a"), record("b")):
            journal.append(each)
        journal.put_in_order(["a", "b", "c"])
        assert [r["video"] for r in journal.records([])] == ["a", "b", "old"]
        journal.append(record("c"))
    assert link.is_symlink()
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [(line["video"], line["status"]) for line in lines] == [
        ("a", "ok"),
        ("b", "ok"),
        ("old", "ok"),
        ("c", "ok"),
    ]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["link.jsonl", "out.jsonl"]


def test_full_disk_is_an_error_of_the_output(tmp_path, monkeypatch):
    with closing(Journal(tmp_path / "out.jsonl", resume=True)) as journal:
        monkeypatch.setattr(
            os, "fsync", lambda descriptor: (_ for _ in ()).throw(OSError(28, "full"))
        )
        with pytest.raises(OutputError, match="full"):
            journal.append(record("a"))
        journal.check()  # no other program has written to it
    with pytest.raises(OutputError, match="choose another"):
        Journal(tmp_path / "none" / "out.jsonl", resume=True)
