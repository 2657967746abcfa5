"""`vswin bench` as users run it, with the bundled model."""

import json
from functools import partial

import pytest
from command import SAMPLES

from vswin_cli.engines.registry import load_engine

SAMPLE = SAMPLES / "static.mp4"


@pytest.fixture
def bench(vswin, monkeypatch):
    def loaded(model, weights_file, _content, **options):
        return load_engine(model, weights_file, **options)

    monkeypatch.setattr("command._kept_engine", loaded)  # one that computes equal views, too
    return partial(vswin, "bench")


@pytest.mark.slow
def test_json_holds_measurements_that_agree_with_each_other(bench):
    finished = bench("--format", "json", "--rounds", "5", "--video", SAMPLE)
    assert (finished.returncode, finished.stderr) == (0, "")
    record = json.loads(finished.stdout)
    assert (record["model"], record["backend"]) == ("swin-n-motion", "openvino")
    view = record["milliseconds_per_view"]
    assert 0 < view["fastest"] <= view["median"] <= view["slowest"]
    assert record["views_per_second"] == pytest.approx(1000 / view["median"])
    least_milliseconds = 1000 * record["gflop_per_view"] / record["matrix_gflop_per_second"]
    assert record["ratio_to_matrix_products"] == pytest.approx(view["median"] / least_milliseconds)
    assert record["ratio_to_matrix_products"] > 1
    assert record["start_seconds"] > view["median"] / 1000
    video = record["video"]
    assert video["num_frames"] == 72
    assert video["frames_per_second"] == pytest.approx(72 / video["reading_seconds"])


@pytest.mark.slow
def test_table_fits_80_columns_and_follows_the_options(bench):
    finished = bench("--rounds", "1", "--threads", "1", "--precision", "bfloat16")
    assert (finished.returncode, finished.stderr) == (0, "")
    lines = finished.stdout.splitlines()
    assert all(len(line) <= 80 and line == line.rstrip() for line in lines)
    assert any(line.startswith("computed by") and line.endswith(", 1 thread") for line in lines)


def test_video_that_cannot_be_read_is_one_line(bench, tmp_path):
    finished = bench("--video", tmp_path / "none.mp4")
    assert (finished.returncode, finished.stdout) == (1, "")
    [line] = finished.stderr.splitlines()
    assert line.startswith("error: cannot read")
    assert "no such file" in line
