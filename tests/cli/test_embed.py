"""`vswin embed`, `search`, `duplicates` and `label --embeddings`, as users run them."""

import json
import os
import shutil
import subprocess
import time

import numpy as np
import pytest
from command import SAMPLES, VSWIN, surroundings

from vswin_cli.zoo.catalog import find_model


@pytest.fixture
def folder(tmp_path):
    """Four videos, two of them the same, and an empty file."""
    (tmp_path / "videos" / "in").mkdir(parents=True)
    for name in ("pan_left", "static", "zoom_in"):
        shutil.copy(SAMPLES / f"{name}.mp4", tmp_path / "videos" / f"{name}.mp4")
    odd = tmp_path / "videos" / "in" / os.fsdecode(b"caf\xe9 pan.mp4")
    shutil.copy(SAMPLES / "pan_left.mp4", odd)
    (tmp_path / "videos" / "empty.mp4").touch()
    return tmp_path


@pytest.fixture
def environment(cache):
    return surroundings(cache)


def read(path):
    with np.load(path) as arrays:
        return arrays["video"].tolist(), arrays["features"]


NAMES = [b"in/caf\xe9 pan.mp4", b"pan_left.mp4", b"static.mp4", b"zoom_in.mp4"]


@pytest.mark.slow
def test_features_are_written_once_and_found_again(vswin, folder):
    embedded = vswin("embed", "videos", "-o", "f.npz")
    assert embedded.returncode == 1
    assert "empty.mp4: failed, empty" in embedded.stderr
    assert embedded.stdout.splitlines()[0].split() == ["embedded", "4"]
    names, features = read(folder / "f.npz")
    assert sorted(names) == NAMES
    assert features.shape == (4, find_model("swin-n-motion").architecture.num_features)
    np.testing.assert_array_equal(features[0], features[1])  # the same video

    again = vswin("embed", "videos", "-o", "f.npz", "--exclude", "empty.mp4")
    assert again.returncode == 0
    assert "4 videos found: 4 skipped" in again.stderr

    found = vswin("search", "f.npz", "--query", "pan_left.mp4", "--format", "json")
    neighbours = json.loads(found.stdout)
    assert [neighbour["rank"] for neighbour in neighbours] == [1, 2, 3]
    assert os.fsencode(neighbours[0]["video"]) == NAMES[0]
    assert neighbours[0]["similarity"] == pytest.approx(1)

    by_file = vswin("search", "f.npz", "--query", SAMPLES / "static.mp4", "--top-k", "1")
    assert (by_file.returncode, by_file.stderr.count("\n")) == (0, 1)
    assert "describe camera motion and not content" in by_file.stderr
    assert by_file.stdout.splitlines()[1].split() == ["1", "1.0000", "2", "static.mp4"]

    by_path = vswin("search", "f.npz", "--query", "videos/static.mp4", "--format", "csv", "-q")
    assert by_path.stdout.count("static.mp4") == by_path.stderr.count("\n") == 0
    (folder / "link.mp4").symlink_to("videos/static.mp4")
    by_link = vswin("search", "f.npz", "--query", "link.mp4", "--format", "csv", "-q")
    assert by_link.stdout == by_path.stdout
    (folder / "alone").mkdir()
    shutil.copy(folder / "f.npz", folder / "alone")  # without its journal
    alone = vswin("search", "alone/f.npz", "--query", "videos/static.mp4", "--format", "csv", "-q")
    assert alone.stdout == by_path.stdout

    alike = vswin("duplicates", "f.npz", "--format", "csv")
    rows = [line.split(",") for line in alike.stdout.splitlines()]
    assert rows[0] == ["group", "similarity", "row", "video"]
    assert [row[0::2] for row in rows[1:]] == [["1", "0"], ["1", "1"]]


@pytest.mark.slow
def test_views_and_their_mean_agree_in_both_formats(vswin, folder):
    vswin("embed", "videos", "-o", "mean.npz", "-q")
    vswin("embed", "videos", "-o", "views.parquet", "-q", "--per-view", "--dtype", "float16")
    import pyarrow.parquet as pq

    table = pq.read_table(folder / "views.parquet").to_pylist()
    names, means = read(folder / "mean.npz")
    for name, mean in zip(names, means, strict=True):
        views = [row for row in table if row["video_bytes"] == name]
        assert sum(row["weight"] for row in views) == 12
        assert len({(row["clip"], row["crop"]) for row in views}) == len(views)
        weights = [row["weight"] for row in views]
        averaged = np.average([row["features"] for row in views], 0, weights)
        np.testing.assert_allclose(averaged, mean, atol=2e-3)


@pytest.mark.slow
def test_file_without_a_head_gives_the_same_features(vswin, folder, small_model, checkpoint):
    backbone = checkpoint("nano", head=False)
    options = ["--model", small_model, "--clips", "1", "--crops", "1", "-q"]
    videos = folder / "videos" / "static.mp4"
    for weights, output in ((checkpoint("nano"), "a.npz"), (backbone, "b.npz")):
        done = vswin("embed", videos, "-o", output, "--weights", weights, *options)
        assert (done.returncode, done.stderr) == (0, "")
    np.testing.assert_allclose(read(folder / "b.npz")[1], read(folder / "a.npz")[1], atol=1e-5)


@pytest.mark.slow
def test_labels_and_features_come_of_one_pass(vswin, folder):
    fast = ["videos", "--views", "fast", "-o"]
    vswin("embed", *fast, "f.npz", "-q")
    both = vswin("label", *fast, "l.jsonl", "--embeddings", "g.npz")
    assert "5 new" in both.stderr
    vswin("label", *fast, "alone.jsonl", "-q")
    assert read(folder / "g.npz")[0] == read(folder / "f.npz")[0]
    np.testing.assert_array_equal(read(folder / "g.npz")[1], read(folder / "f.npz")[1])

    def predictions(name):
        lines = map(json.loads, (folder / name).read_text().splitlines())
        return {record["video"]: record["predictions"] for record in lines}

    assert predictions("l.jsonl") == predictions("alone.jsonl")
    more = ["label", *fast, "alone.jsonl", "--embeddings", "h.npz"]
    assert "4 without features (new), 1 skipped" in vswin(*more, "--dry-run").stdout
    again = vswin(*more)
    assert "4 without features (new), 1 skipped" in again.stderr
    assert "5 videos found: 5 skipped" in vswin(*more, "--dry-run").stdout
    assert read(folder / "h.npz")[0] == read(folder / "f.npz")[0]
    found = vswin("search", "g.npz", "--query", "1", "--labels", "l.jsonl", "--format", "json")
    labels = {record["video"]: record["label"] for record in json.loads(found.stdout)}
    assert labels["static.mp4"] == "static"
    (folder / "videos" / "static.mp4").write_bytes(b"no longer a video")
    vswin("label", *fast, "l.jsonl", "--embeddings", "g.npz")
    assert b"static.mp4" not in read(folder / "g.npz")[0]
    adaptive = ["--views", "adaptive", "--embeddings", "x.npz"]
    refused = vswin("label", "videos", "-o", "x.jsonl", *adaptive)
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "--embeddings needs all views" in refused.stderr


@pytest.mark.slow
def test_killed_runs_end_like_an_undisturbed_one(vswin, folder, environment):
    for number in range(10):
        shutil.copy(SAMPLES / "pan_left.mp4", folder / "videos" / f"{number:02}.mp4")
    fast = ["-q", "--views", "fast"]
    command = ["label", "videos", "-o", "l.jsonl", "--embeddings", "f.npz", *fast]
    journal = folder / "f.npz.embedding.jsonl"
    for wanted in (2, 6):
        running = subprocess.Popen([VSWIN, *command], cwd=folder, env=environment)
        deadline = time.monotonic() + 60
        while running.poll() is None and time.monotonic() < deadline:
            if journal.exists() and journal.read_bytes().count(b"\n") >= wanted:
                break
            time.sleep(0.01)
        running.kill()
        assert running.wait() == -9
    vswin(*command)
    vswin("embed", "videos", "-o", "whole.npz", *fast)
    assert read(folder / "f.npz")[0] == read(folder / "whole.npz")[0]
    assert len(read(folder / "f.npz")[0]) == 14
    np.testing.assert_array_equal(read(folder / "f.npz")[1], read(folder / "whole.npz")[1])
    lines = (folder / "l.jsonl").read_text().splitlines()
    assert len({json.loads(line)["video"] for line in lines}) == len(lines) == 15


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["embed", "videos", "-o", "f.txt"], "must end in .npz or .parquet"),
        (["embed", "videos", "-o", "none/f.npz"], "make it first"),
        (["embed", "videos", "-o", "f.npz", "--no-head"], "has one file of weights"),
        (["search", "none.npz", "--query", "0"], "no file none.npz"),
        (["search", "notes.npz", "--query", "0"], "cannot read notes.npz"),
        (["duplicates", "notes.npz"], "cannot read notes.npz"),
        (["label", "videos", "-o", "l.jsonl", "--embeddings", "f.txt"], "--embeddings f.txt"),
        (
            ["label", "videos", "-o", "f.parquet", "--embeddings", "./videos/../f.parquet"],
            "is also the --output",
        ),
    ],
    ids=" ".join,
)
def test_wrong_usage_is_one_line_and_exit_code_2(vswin, folder, arguments, message):
    (folder / "notes.npz").write_text("my notes")
    finished = vswin(*arguments)
    assert (finished.returncode, finished.stdout) == (2, "")
    [line] = finished.stderr.splitlines()
    assert line.startswith("error: ")
    assert message in line


@pytest.mark.parametrize("weights", ["none.weights.h5", "videos/static.mp4"])
@pytest.mark.parametrize(
    "command", [["embed", "-o", "f.npz"], ["label", "-o", "l.jsonl", "--embeddings", "f.npz"]]
)
def test_weights_that_cannot_be_read_are_one_line(vswin, folder, weights, command):
    finished = vswin(*command, "videos", "--weights", weights)
    assert (finished.returncode, finished.stdout) == (1, "")
    [line] = finished.stderr.splitlines()
    assert line.startswith(f"error: cannot read weights {weights}: ")


def test_file_without_rows_can_be_searched(vswin, folder):
    vswin("embed", "videos/empty.mp4", "-o", "f.npz", "-q")
    for arguments in (["search", "--query", SAMPLES / "static.mp4"], ["duplicates"]):
        finished = vswin(arguments[0], "f.npz", *arguments[1:], "--format", "json")
        assert (finished.returncode, json.loads(finished.stdout)) == (0, [])
    finished = vswin("search", "f.npz", "--query", "0")
    assert finished.returncode == 2
    assert "the file has no rows" in finished.stderr


def test_query_must_be_something(vswin, folder):
    vswin("embed", "videos/static.mp4", "-o", "f.npz", "-q")
    rows = "rows 0 to 0"
    for query, message in (
        ("1", rows),
        ("9" * 5000, rows),
        ("none.mp4", "nor a video in the file"),
    ):
        finished = vswin("search", "f.npz", "--query", query)
        assert finished.returncode == 2
        assert message in finished.stderr
    broken = vswin("search", "f.npz", "--query", folder / "videos" / "empty.mp4")
    assert broken.returncode == 1
    assert "the file is empty" in broken.stderr
