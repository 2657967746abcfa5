"""`--batch-size` sets how many views are computed at once, and nothing else."""

import json

import pytest
from command import SAMPLES


@pytest.mark.slow
def test_batch_size_changes_no_result(vswin, tmp_path):
    (tmp_path / "vswin.toml").write_text("batch-size = 3\n")
    predict = ("predict", SAMPLES / "pan_left.mp4", "--clips", "1", "--format", "json")
    runs = [vswin(*predict, "--batch-size", "1"), vswin(*predict)]
    assert [run.returncode for run in runs] == [0, 0], runs[1].stderr
    one, three = (json.loads(run.stdout)[0]["predictions"] for run in runs)
    for alone, shared in zip(one, three, strict=True):
        assert alone["label"] == shared["label"]
        assert alone["probability"] == pytest.approx(shared["probability"], abs=1e-5)


@pytest.mark.parametrize("size", ["0", "-1", "many", "1.5", "2000"])
def test_batch_size_is_auto_or_a_number(vswin, size):
    run = vswin("label", str(SAMPLES), "-o", "x.jsonl", "--batch-size", size)
    assert run.returncode == 2
    assert f"'{size}' is neither auto nor a number from 1 to 1024" in run.stderr
