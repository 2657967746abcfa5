"""The output of commands follows the published schemas."""

import json
import re
import tomllib
from pathlib import Path

import jsonschema
import pytest
from command import SAMPLES
from schemas import assert_valid, schema

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
def test_timelines_are_as_their_schema_says(vswin, tmp_path):
    (tmp_path / "empty.mp4").touch()
    films = SAMPLES / "pan_left.mp4", "empty.mp4"
    done = vswin("timeline", *films, "--format", "jsonl", "--probabilities", "--stride", "1")
    records = [json.loads(line) for line in done.stdout.splitlines()]
    assert [record["status"] for record in records] == ["ok", "failed"]
    for record in records:
        assert_valid(record, "timeline")
        assert record.keys() == schema("timeline")["properties"].keys()
    with pytest.raises(jsonschema.ValidationError):
        assert_valid({**records[0], "width": "wide"}, "timeline")


def test_metrics_are_as_their_schema_says(vswin, tmp_path):
    (tmp_path / "val.csv").write_text("path,label\npan_left.mp4,pan left\ngone.mp4,static\n")
    vswin("evaluate", "val.csv", "--videos", SAMPLES, "-o", "o.jsonl", "--report", "report")
    metrics = json.loads((tmp_path / "report" / "metrics.json").read_text())
    assert_valid(metrics, "metrics")
    assert metrics.keys() == schema("metrics")["properties"].keys()


def test_metrics_of_timelines_are_as_their_schema_says(vswin, tmp_path):
    (tmp_path / "true.csv").write_text("video,label,start,end\na.mp4,static,0,2\n")
    (tmp_path / "found.csv").write_text("video,label,start,end,probability\na.mp4,static,0,1,0.9\n")
    vswin("evaluate", "found.csv", "--timeline", "true.csv", "--report", "report")
    metrics = json.loads((tmp_path / "report" / "metrics.json").read_text())
    assert_valid(metrics, "timeline-metrics")
    assert metrics.keys() == schema("timeline-metrics")["properties"].keys()


def test_lists_are_as_their_schemas_say(vswin, tmp_path):
    for command, name in ((["models"], "models"), (["weights", "list"], "weights")):
        listed = json.loads(vswin(*command, "--format", "json").stdout)
        assert listed
        assert_valid(listed, name)
    for name in ("a.mp4", "b.mp4"):
        (tmp_path / name).symlink_to(SAMPLES / "static.mp4")
    vswin("embed", "a.mp4", "b.mp4", "-o", "f.npz", "--model", "swin-n-motion")
    found = json.loads(vswin("search", "f.npz", "--query", "0", "--format", "json").stdout)
    alike = vswin("duplicates", "f.npz", "--format", "json").stdout
    for records in (found, json.loads(alike)):
        assert records
        assert_valid(records, "similar")


@pytest.mark.slow
def test_measurements_are_as_their_schema_says(vswin):
    done = vswin("bench", "--rounds", "1", "--video", SAMPLES / "static.mp4", "--format", "json")
    record = json.loads(done.stdout)
    assert_valid(record, "bench")
    assert record.keys() == schema("bench")["properties"].keys()


def test_model_files_are_as_their_schema_says(small_model):
    pytest.importorskip("mkdocs", reason="MkDocs is not installed")
    from site_pages import model_file_schema

    file_schema = json.loads(model_file_schema())
    jsonschema.validate(tomllib.loads(small_model.read_text()), file_schema)
    page = (ROOT / "docs" / "reference" / "file-formats.md").read_text()
    example = re.search(r"```toml\n(name.*?)```", page, re.DOTALL)[1].replace("…", "0" * 64)
    jsonschema.validate(tomllib.loads(example), file_schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({}, file_schema)
