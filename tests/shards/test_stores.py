"""Videos in an object store, and shards written to one."""

import json

import pytest


@pytest.mark.slow
def test_a_bucket_is_labelled_into_a_bucket(vswin, bucket):
    bucket.put_samples("static", "zoom_in")
    bucket.put("in/._static.mp4", b"shadow")
    bucket.put("in/note.txt", b"note")
    command = ["label", bucket.address("in/"), "-o", bucket.address("out/")]
    run = vswin(*command)
    assert run.returncode == 0, run.stderr
    assert "left out: 1 ._*" in run.stderr
    found = bucket.rows()
    assert {row["video"]: row["predictions"][0]["label"] for row in found} == {
        "a/static.mp4": "static",
        "a/zoom_in.mp4": "zoom in",
    }
    assert {row["path"] for row in found} == {
        bucket.address(f"in/a/{name}.mp4") for name in ("static", "zoom_in")
    }
    assert not [key for key in bucket.list() if "_unfinished" in key]
    summary = bucket.get("out/_SUCCESS.json").decode()
    assert json.loads(summary)["num_ok"] == 2
    assert "hunter2" not in summary + run.stdout + run.stderr
    assert "shards already done  1" in vswin(*command).stdout


@pytest.mark.slow
def test_a_pattern_and_a_manifest_of_a_bucket_select_and_what_vanished_fails(vswin, bucket):
    bucket.put_samples("static", "zoom_in", "zoom_out")
    run = vswin("label", bucket.address("in/*/zoom*.mp4"), "-o", "labels.jsonl", "-q")
    assert run.returncode == 0, run.stderr
    assert "labelled  2" in vswin("label", bucket.address("in/*/zoom*.mp4"), "-o", "z/").stdout
    listed = [bucket.address("in/a/static.mp4"), bucket.address("in/a/gone.mp4")]
    manifest = bucket.put("list.txt", "\n".join(listed).encode())
    run = vswin("label", f"@{manifest}", "-o", bucket.address("out/"))
    assert run.returncode == 1
    kinds = {row["video"]: row["error_kind"] for row in bucket.rows()}
    assert kinds == {listed[0]: None, listed[1]: "missing"}


def test_a_bucket_that_is_not_there_is_told_in_one_line(vswin, bucket):
    run = vswin("label", "s3://nowhere/in/", "-o", "out/")
    assert run.returncode == 1
    assert run.stderr.startswith(
        "error: cannot list s3://nowhere/in/: nothing exists at this address"
    )
    assert run.stderr.count("\n") == 1
    bucket.put_samples("static")
    run = vswin("label", bucket.address("in/"), "-o", "s3://nowhere/out/")
    assert run.returncode == 1
    assert "s3://nowhere/out" in run.stderr
    assert run.stderr.count("\n") == 1
