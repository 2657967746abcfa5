"""Stores that fail, and objects that change: retried, or recorded with the reason."""

import json
from collections import Counter
from types import SimpleNamespace

import numpy as np
import pytest
from clips import encode

pytestmark = pytest.mark.slow


@pytest.fixture
def requests(store, monkeypatch):
    """Count requests by method and path, without long waits between retries."""
    monkeypatch.setattr("botocore.retryhandler.random", SimpleNamespace(random=lambda: 0.0))
    for module in ("worker", "folder"):
        monkeypatch.setattr(f"vswin_cli.shards.{module}._PAUSE_SECONDS", 0.01)
    counted = Counter()

    def failing(answers):
        """Ask `answers(method, path, number of the request)` for a status."""

        def rule(method, path):
            counted[method, path] += 1
            return answers(method, path, counted[method, path])

        store.rule = rule

    counted.failing = failing
    return counted


def large_video(tmp_path, num_frames):
    """Make a video that needs several requests."""
    noise = np.random.default_rng(num_frames).integers(0, 256, (num_frames, 240, 320, 3), np.uint8)
    options = {"preset": "ultrafast", "crf": "10"}
    return encode(tmp_path / "large.mp4", noise, options=options).read_bytes()


def by_name(bucket):
    rows = bucket.rows()
    assert len({row["video"] for row in rows}) == len(rows)
    return {row["video"]: row for row in rows}


def test_inputs_that_fail_are_tried_again_and_recorded(vswin, bucket, requests, tmp_path):
    bucket.put_samples("static", "zoom_in", "zoom_out")
    large = large_video(tmp_path, 40)
    for name in ("vanishes", "changes"):
        bucket.put(f"in/{name}.mp4", large)
    changed = large_video(tmp_path, 60)

    def answers(method, path, number):
        if path.endswith("zoom_in.mp4") or (path.endswith("zoom_out.mp4") and number < 3):
            return 503
        if (method, number) == ("GET", 2):
            if path.endswith("vanishes.mp4"):
                bucket.client.delete_object(Bucket=bucket.name, Key="in/vanishes.mp4")
            if path.endswith("changes.mp4"):
                bucket.put("in/changes.mp4", changed)
        return None

    requests.failing(answers)
    command = ["label", bucket.address("in/"), "-o", bucket.address("out/")]
    run = vswin(*command)
    assert run.returncode == 1
    assert "5 videos done, 2 failed" in run.stderr
    assert run.stderr.count("zoom_in.mp4: failed: ") == 1
    rows = by_name(bucket)
    assert {name: row["error_kind"] for name, row in rows.items()} == {
        "a/static.mp4": None,
        "a/zoom_in.mp4": "unreachable",
        "a/zoom_out.mp4": None,
        "changes.mp4": None,
        "vanishes.mp4": "missing",
    }
    assert "its server answers 503" in rows["a/zoom_in.mp4"]["error_message"]
    assert rows["changes.mp4"]["num_frames"] == 60
    assert requests["HEAD", f"/{bucket.name}/in/a/zoom_in.mp4"] == 2 * 3

    requests.failing(lambda method, path, number: None)
    assert vswin(*command).returncode == 0
    rows = by_name(bucket)
    assert {row["error_kind"] for row in rows.values()} == {None}
    assert len(rows) == 4


def test_an_output_that_fails_for_good_is_told_and_continued(vswin, bucket, requests, monkeypatch):
    monkeypatch.setattr("vswin_cli.shards.folder._TRIES", 2)
    bucket.put_samples("static", "zoom_in")

    def answers(method, path, number):
        return 503 if method == "PUT" and "/out/part-" in path else None

    requests.failing(answers)
    command = ["label", bucket.address("in/"), "-o", bucket.address("out/")]
    run = vswin(*command)
    assert run.returncode == 1
    assert run.stderr.startswith(f"error: cannot write {bucket.address('out/part-')}")
    assert run.stderr.endswith("its server answers 503; check the address and the connection\n")
    assert run.stderr.count("\n") == 1
    assert "out/_SUCCESS.json" not in bucket.list()
    requests.failing(lambda *request: 503 if request[0] != "GET" and request[2] % 4 else None)
    assert vswin(*command).returncode == 0
    assert by_name(bucket).keys() == {"a/static.mp4", "a/zoom_in.mp4"}
    assert json.loads(bucket.get("out/_SUCCESS.json"))["num_ok"] == 2
