"""`vswin label` and `vswin embed` into a folder of shards, on this machine."""

import json
import shutil
import signal
import subprocess
from collections import Counter

import pyarrow.parquet as pq
import pytest
from clips import encode, numbered_frames
from command import SAMPLES, VSWIN, surroundings
from waiting import wait_until

import vswin_cli
from vswin_cli.api.model import VideoModel
from vswin_cli.api.options import EngineOptions, ViewOptions
from vswin_cli.api.runs import no_video
from vswin_cli.api.shards import label_shards
from vswin_cli.errors import UsageError
from vswin_cli.formats.record_files import read_records
from vswin_cli.runs.options import RunOptions
from vswin_cli.runs.videos import Found, Selection
from vswin_cli.runs.worker_process import WorkerProcess
from vswin_cli.shards.options import ShardOptions
from vswin_cli.shards.shard import shards_of

NAMES = ("pan_left", "pan_right", "static")


@pytest.fixture
def videos(tmp_path):
    folder = tmp_path / "videos"
    (folder / "inner").mkdir(parents=True)
    for name in NAMES:
        shutil.copy(SAMPLES / f"{name}.mp4", folder / "inner" / f"{name}.mp4")
    (folder / "empty.mp4").touch()
    return folder


def rows(folder):
    records = [r for shard in sorted(folder.glob("part-*")) for r in read_records(shard)]
    return {record["video"]: record for record in records}, len(records)


def counts(folder):
    return json.loads((folder / "_SUCCESS.json").read_text())


@pytest.mark.slow
def test_shards_hold_the_records_of_a_run_into_one_file(vswin, videos, tmp_path):
    vswin("label", videos, "-o", "labels.parquet", "-q")
    run = vswin("label", videos, "-o", "out/", "--shard-size", 2)
    assert run.returncode == 1, run.stderr
    assert "error: empty.mp4: failed: " in run.stderr
    assert "labelled  3" in run.stdout
    expected = {r["video"]: r for r in read_records(tmp_path / "labels.parquet")}
    found, num_rows = rows(tmp_path / "out")
    assert found.keys() == expected.keys()
    assert num_rows == 4
    for name, record in found.items():
        same = [key for key in record if key != "elapsed_seconds"]
        assert [record[key] for key in same] == [expected[name][key] for key in same]
    assert counts(tmp_path / "out")["failures"] == {"empty": 1}


def test_processes_that_decode_outlive_their_shard(vswin, videos, monkeypatch):
    started = []

    class Counted(WorkerProcess):
        def __init__(self, *how):
            started.append(how)
            super().__init__(*how)

    monkeypatch.setattr("vswin_cli.runs.pool.WorkerProcess", Counted)
    run = vswin("label", videos, "-o", "out/", "--shard-size", 1, "--workers", 1)
    assert run.stderr.count("part-") == 4
    assert len(started) == 1


def test_a_shard_that_is_there_is_done_unless_its_failures_are_tried_again(vswin, videos, tmp_path):
    vswin("label", videos, "-o", "out/", "--shard-size", 2)
    before = {path.name: path.stat().st_ino for path in (tmp_path / "out").glob("part-*")}
    again = vswin("label", videos, "-o", "out/")
    assert f"shards already done  {len(before)}" in again.stdout
    assert "labelled             3" in again.stdout
    assert {p.name: p.stat().st_ino for p in (tmp_path / "out").glob("part-*")} == before
    retried = vswin("label", videos, "-o", "out/", "--retry-failed")
    assert f"shards already done  {len(before) - 1}" in retried.stdout


def test_a_video_more_changes_few_shards_and_leaves_none_twice(vswin, videos, tmp_path):
    vswin("label", videos, "-o", "out/", "--shard-size", 2)
    shutil.copy(SAMPLES / "tilt_up.mp4", videos / "zz.mp4")
    (videos / "empty.mp4").unlink()
    plan = vswin("label", videos, "-o", "out/", "--dry-run").stdout
    run = vswin("label", videos, "-o", "out/")
    assert run.returncode == 0
    found, num_rows = rows(tmp_path / "out")
    assert set(found) == {*(f"inner/{name}.mp4" for name in NAMES), "zz.mp4"}
    assert num_rows == 4
    assert plan.startswith("4 videos in ")


def test_one_video_more_among_thousands_changes_two_shards_at_most():
    listed = [Found(f"clip{number:05}.mp4", f"/clip{number:05}.mp4") for number in range(5000)]
    before = {shard.name for shard in shards_of(listed, 64, {})}
    after = {
        shard.name for shard in shards_of([*listed[:77], Found("x", "/x"), *listed[77:]], 64, {})
    }
    assert len(before) > 5000 / 64
    assert len(after - before) <= 2


def test_other_settings_replace_nothing(vswin, videos, tmp_path):
    vswin("label", videos, "-o", "out/", "--shard-size", 2)
    before = sorted((tmp_path / "out").glob("part-*"))
    for options, named in (
        (("-k", "2"), "top_k 5 → 2"),
        (("--shard-size", "7"), "--shard-size 2 → 7"),
        (("--exclude", "empty*"), "inputs "),
    ):
        run = vswin("label", videos, "-o", "out/", *options)
        assert run.returncode == 2
        assert named in run.stderr
        assert "--no-resume" in run.stderr
        assert sorted((tmp_path / "out").glob("part-*")) == before
    assert vswin("label", videos, "-o", "out/", "--no-resume", "-k", 2).returncode == 1
    found, num_rows = rows(tmp_path / "out")
    assert len(found) == num_rows
    assert {len(record["predictions"]) for record in found.values()} == {0, 2}


@pytest.mark.parametrize("kind", ["txt", "csv", "parquet"])
def test_manifests_name_videos_and_those_that_are_missing_fail(vswin, videos, tmp_path, kind):
    paths = [str(videos / "inner" / "static.mp4"), "nowhere.mp4", str(videos / "inner/static.mp4")]
    manifest = tmp_path / f"list.{kind}"
    if kind == "parquet":
        import pyarrow as pa

        pq.write_table(pa.table({"size": [1, 2, 3], "path": paths}), manifest)
    elif kind == "csv":
        manifest.write_text("size,path\n" + "".join(f"1,{path}\n" for path in paths))
    else:
        manifest.write_text("# mine\n\n" + "\n".join(paths))
    run = vswin("label", f"@{manifest}", "-o", "out/", "--format", "jsonl")
    assert run.returncode == 1, run.stderr
    lines = [
        json.loads(line)
        for path in (tmp_path / "out").glob("part-*.jsonl")
        for line in path.read_text().splitlines()
    ]
    assert {line["video"]: line["status"] for line in lines} == {
        paths[0]: "ok",
        "nowhere.mp4": "failed",
    }
    assert len(lines) == 2


@pytest.mark.slow
def test_a_stopped_run_keeps_what_it_computed_and_continues(cache, tmp_path):
    folder = tmp_path / "videos"
    folder.mkdir()
    clip = encode(tmp_path / "clip.mp4", numbered_frames(100))
    for number in range(30):
        shutil.copy(clip, folder / f"{number:02}.mp4")
    command = [VSWIN, "label", folder, "-o", "out/", "--views", "fast"]
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    environment = surroundings(cache, TMPDIR=str(scratch))
    options = {"cwd": tmp_path, "env": environment, "text": True}
    process = subprocess.Popen(
        [*command, "-v"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options
    )
    wait_until(lambda: _num_kept(scratch) > 2, 120)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    assert "continue with: vswin label" in errors
    assert not list((tmp_path / "out").glob("part-*"))
    (kept,) = (tmp_path / "out" / "_unfinished").glob("part-*.journal.jsonl")
    num_kept = len(kept.read_text().splitlines())
    run = subprocess.run(command, capture_output=True, **options)
    assert run.returncode == 0
    assert f"{30 - num_kept} videos in " in run.stdout
    assert rows(tmp_path / "out")[1] == 30
    assert not list((tmp_path / "out" / "_unfinished").iterdir())


def _num_kept(scratch):
    journals = scratch.glob("vswin-*/part-*.journal.jsonl")
    return max((len(path.read_text().splitlines()) for path in journals), default=0)


def test_a_shard_that_workers_die_at_is_recorded(videos, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    model = VideoModel(EngineOptions(), ViewOptions(), head=True)
    sharded = label_shards(
        model, ["videos"], "out/", selection=Selection(), run=RunOptions(), shards=ShardOptions()
    )
    (shard,) = shards_of(sharded.run.videos(), 512, sharded.run.settings)
    sharded.run.folder.make()
    assert sharded._given_up(shard, "out of memory").failures == {"crashed": 4}
    found, num_rows = rows(tmp_path / "out")
    assert num_rows == 4
    assert "died: out of memory; run again" in found["inner/static.mp4"]["error_message"]


@pytest.mark.slow
def test_programs_label_into_shards_with_the_model_that_they_have(videos, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    model = vswin_cli.load_model()
    monkeypatch.setattr("vswin_cli.api.model.load_engine", None)  # it is loaded
    totals = model.label("videos", "out/", shard_size=2)
    assert (totals.report.num_ok, dict(totals.report.failures)) == (3, {"empty": 1})
    assert rows(tmp_path / "out")[1] == 4
    with pytest.raises(UsageError, match="need an output file"):
        model.label("videos", "out/", sidecar="json")
    with pytest.raises(UsageError, match="need an output folder"):
        model.label("videos", "out.jsonl", shard_size=2)


def test_features_come_in_shards_too(vswin, videos, tmp_path):
    vswin("embed", videos, "-o", "features.parquet", "-q")
    run = vswin("embed", videos, "-o", "out/", "--shard-size", 2)
    assert run.returncode == 1
    assert "embedded  3" in run.stdout
    one = pq.read_table(tmp_path / "features.parquet").to_pylist()
    many = [r for p in (tmp_path / "out").glob("part-*") for r in pq.read_table(p).to_pylist()]
    assert sorted(many, key=lambda r: r["video"]) == sorted(one, key=lambda r: r["video"])
    assert counts(tmp_path / "out")["failures"] == {"empty": 1}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("-o", "out.jsonl", "--shard-size", "3"), "--shard-size needs a folder of parquet"),
        (("-o", "out/", "--report", "page.html"), "--report needs an --output file"),
        (("-o", "out/", "--gpus", "1"), "is for workers of a cluster; use --cluster too"),
        (("-o", "out/", "--format", "csv"), "shards are parquet or jsonl"),
    ],
)
def test_options_of_the_other_kind_of_output_are_told(vswin, videos, options, message):
    run = vswin("label", videos, *options)
    assert run.returncode == 2
    assert message in run.stderr


@pytest.mark.slow
def test_folders_of_shards_are_read_as_one(vswin, videos, tmp_path):
    shutil.copy(videos / "inner" / "static.mp4", videos / "twin.mp4")
    vswin("label", videos, "-o", "labels/", "--shard-size", 2, "-q")
    vswin("embed", videos, "-o", "features/", "--shard-size", 2, "-q")
    page = vswin("report", "labels/", "--no-strips")
    assert page.returncode == 0, page.stderr
    html = (tmp_path / "report.html").read_text()
    assert all(f"inner/{name}.mp4" in html for name in NAMES)
    search = ("search", "features/", "--query", "inner/pan_left.mp4", "--labels", "labels/")
    found = vswin(*search, "--format", "json", "-q")
    assert {row["video"]: row["label"] for row in json.loads(found.stdout)} == {
        "inner/pan_right.mp4": "pan right",
        "inner/static.mp4": "static",
        "twin.mp4": "static",
    }
    shutil.copy(SAMPLES / "zoom_in.mp4", tmp_path / "new.mp4")
    found = vswin("search", "features/", "--query", "new.mp4", "--format", "json", "-q")
    assert found.returncode == 0, found.stderr
    assert len(json.loads(found.stdout)) == 4
    alike = vswin("duplicates", "features/", "--format", "json", "-q")
    assert {row["video"] for row in json.loads(alike.stdout)} == {"inner/static.mp4", "twin.mp4"}


def test_options_of_workers_need_a_cluster(vswin, videos):
    run = vswin("label", videos, "-o", "out/", "--gpus", 1)
    assert run.returncode == 2
    assert "--gpus is for workers of a cluster" in run.stderr


def test_secrets_of_places_without_videos_are_not_told():
    said = str(no_video(["s3://key:secret@bucket/x/"], Counter()))
    assert said.startswith("no video in s3://bucket/x/; check")


def test_features_of_another_format_are_refused_as_shards(vswin, videos):
    run = vswin("embed", videos, "-o", "out/", "--format", "npz")
    assert run.returncode == 2
    assert "--format npz needs an --output file" in run.stderr
