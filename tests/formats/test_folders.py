"""Formats that are folders: datasets of FiftyOne and files for CVAT, read as they read them."""

import base64
import io
import json
import os
import shutil
import subprocess
import sys
import zlib
from importlib.util import find_spec
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from command import SAMPLES

from vswin_cli.formats.registry import format_named
from vswin_cli.formats.writer import open_writer
from vswin_cli.results import Failure, Prediction, ScoredLabel, Setup, VideoProperties
from vswin_cli.system.files import replacing_in
from vswin_cli.timeline.formats import timeline_format

SETUP = Setup("swin-t-k400", "official", "openvino", "float32")
ODD = os.fsdecode(b"/videos/caf\xe9.mp4")
# FiftyOne needs other versions of libraries than this environment has.
FIFTYONE_PYTHON = os.environ.get("VSWIN_TEST_FIFTYONE_PYTHON") or (
    sys.executable if find_spec("fiftyone") else None
)
LOADING = """
import json, sys
import fiftyone as fo
fo.config.database_validation = False
labels, films = (fo.Dataset.from_dir(path, fo.types.FiftyOneDataset) for path in sys.argv[1:3])
first = labels.match_tags("failed", bool=False).first()
embeddings = labels.exists("embedding").values("embedding")
told = {
    "count": len(labels),
    "failed": labels.match_tags("failed").values("error"),
    "prediction": [first.prediction.label, first.prediction.confidence],
    "predictions": labels.values("predictions.classifications.label"),
    "embeddings": [vector.tolist() for vector in embeddings],
    "frames": first.metadata.total_frame_count,
    "segments": films.values("segments.detections.label"),
    "clips": [clip.support for clip in films.to_clips("segments")],
    "seconds": films.first().segments.detections[0].to_timestamps(films.first()),
}
labels.merge_samples(films)
told["merged"] = [len(labels), len(labels.exists("segments"))]
print(json.dumps(told))
"""


def labelled(video="/videos/a/xyz.mp4", scores=(("yoga", 0.75), ("zumba", 0.25)), **more):
    labels = [ScoredLabel(n + 1, label, n, p) for n, (label, p) in enumerate(scores)]
    found = Prediction(
        video.removeprefix("/videos/"), SETUP, 64, ((0, 2),), 3, 3, 3, tuple(labels), 1.0,
        properties=VideoProperties(320, 240, 2.5, 25.6),
    )  # fmt: skip
    return {**found.to_dict(), "path": video, "bytes": 99, **more}


def failed(video="/videos/bad.mp4", *, is_skipped=False):
    result = Failure(video, SETUP, "no_frames", f"cannot read {video}", 0.5, is_skipped)
    return {**result.to_dict(), "path": video, "bytes": 3}


VECTOR = np.array([0.5, -2], np.float32)
RECORDS = [labelled(embedding=VECTOR), labelled(ODD), failed(), failed("s.mp4", is_skipped=True)]
SEGMENT = {"label": "pan left", "probability": 0.5, "start_frame": 0, "end_frame": 32}
FILM = {**labelled(), "segments": [SEGMENT, {**SEGMENT, "start_frame": 32, "end_frame": 64}]}


def written(chosen, folder, records):
    with replacing_in(folder) as path, open_writer(chosen, path, top_k=5) as writer:
        for record in records:
            writer.write(record)
    return folder


def datasets(folder):
    return (
        written(format_named("fiftyone"), folder / "labels", RECORDS),
        written(timeline_format("fiftyone"), folder / "films", [FILM]),
    )


def described(fields):
    return {field["name"]: described(field["fields"]) for field in fields}


def test_every_key_of_fiftyones_samples_is_declared(tmp_path):
    for folder in datasets(tmp_path):
        samples = json.loads((folder / "samples.json").read_text())["samples"]
        metadata = json.loads((folder / "metadata.json").read_text())
        fields = described(metadata["sample_fields"])
        assert metadata["info"] == {"model": "swin-t-k400", "protocol": "official"}
        identities = []
        for sample in samples:
            identities += [sample.pop("_id")["$oid"]]
            assert sample.keys() <= fields.keys()
            assert 0 <= sample["_rand"] < 1
            assert (sample["metadata"] or {}).keys() <= {"_cls", *fields["metadata"]}
            for name, lists in (("predictions", "classifications"), ("segments", "detections")):
                for label in sample.get(name, {}).get(lists, []):
                    identities += [label.pop("_id")["$oid"]]
                    assert label.keys() <= {"_cls", *fields[name][lists]}
        assert len(set(identities)) == len(identities)


def test_fiftyones_samples_say_what_the_records_do(tmp_path):
    folder, films = datasets(tmp_path)
    samples = json.loads((folder / "samples.json").read_text())["samples"]
    assert [sample["filepath"] for sample in samples] == [
        "/videos/a/xyz.mp4", "/videos/caf\\xe9.mp4", "/videos/bad.mp4",
    ]  # fmt: skip
    assert samples[0]["prediction"]["confidence"] == 0.75
    packed = base64.b64decode(samples[0]["embedding"]["$binary"]["base64"])
    np.testing.assert_array_equal(np.load(io.BytesIO(zlib.decompress(packed))), VECTOR)
    assert samples[1]["embedding"] is None
    assert (samples[2]["tags"], samples[2]["prediction"]) == (["failed"], None)
    [film] = json.loads((films / "samples.json").read_text())["samples"]
    assert [each["support"] for each in film["segments"]["detections"]] == [[1, 32], [33, 64]]


@pytest.mark.skipif(FIFTYONE_PYTHON is None, reason="fiftyone is not installed")
@pytest.mark.slow
def test_fiftyone_loads_labels_segments_and_embeddings(tmp_path):
    # Its database needs a separate folder.
    done = subprocess.run(
        [FIFTYONE_PYTHON, "-c", LOADING, *map(str, datasets(tmp_path))],
        env={"HOME": str(tmp_path), "PATH": os.environ["PATH"], "FIFTYONE_DO_NOT_TRACK": "1"},
        capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == {
        "count": 3,
        "failed": ["cannot read /videos/bad.mp4"],
        "prediction": ["yoga", 0.75],
        "predictions": [["yoga", "zumba"], ["yoga", "zumba"], []],
        "embeddings": [[0.5, -2]],
        "frames": 64,
        "segments": [["pan left", "pan left"]],
        "clips": [[1, 32], [33, 64]],
        "seconds": pytest.approx([0, 1.23], abs=0.01),
        "merged": [3, 1],
    }


def test_no_sample_is_a_dataset_too(tmp_path):
    folder = written(format_named("fiftyone"), tmp_path / "none", [])
    assert json.loads((folder / "samples.json").read_text()) == {"samples": []}


def test_cvat_gets_a_file_per_labelled_video_with_a_track_as_long_as_it(tmp_path):
    records = [*RECORDS, labelled("../a/xyz.mp4", [("a<b", 1.0)])]
    folder = written(format_named("cvat"), tmp_path / "cvat", records)
    files = {str(path.relative_to(folder)): path for path in folder.rglob("*.xml")}
    assert files.keys() == {"a/xyz.mp4.xml", "a/xyz.mp4-2.xml", os.fsdecode(b"caf\xe9.mp4.xml")}
    root = ET.fromstring(files["a/xyz.mp4.xml"].read_text())
    [track] = root.findall("track")
    assert (track.get("label"), root.findtext("meta/task/size")) == ("yoga", "64")
    assert [box.get("frame") for box in track] == ["0", "63"]
    assert {box.get("outside") for box in track} == {"0"}
    assert ET.fromstring(files["a/xyz.mp4-2.xml"].read_text()).find("track").get("label") == "a<b"


def test_a_folder_is_whole_or_as_it_was(tmp_path):
    folder = written(format_named("fiftyone"), tmp_path / "d", [])
    (folder / "mine.txt").write_text("mine")
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    with pytest.raises(KeyError):
        written(format_named("fiftyone"), folder, [labelled(), {}])
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    written(format_named("fiftyone"), folder, [labelled()])
    assert (folder / "mine.txt").read_text() == "mine"
    assert "yoga" in (folder / "samples.json").read_text()
    assert [path.name for path in tmp_path.iterdir()] == ["d"]


@pytest.fixture
def videos(tmp_path):
    (tmp_path / "videos").mkdir()
    shutil.copy(SAMPLES / "pan_left.mp4", tmp_path / "videos")
    return tmp_path


@pytest.mark.slow
def test_a_run_into_a_folder_continues_and_brings_features(vswin, videos):
    command = "label", "videos", "-o", "out.fiftyone", "--clips", "1", "--crops", "1"
    first = vswin(*command, "--embeddings", "f.npz")
    assert first.returncode == 0, first.stderr
    samples = (videos / "out.fiftyone/samples.json").read_text()
    [sample] = json.loads(samples)["samples"]
    assert sample["filepath"] == str(videos / "videos/pan_left.mp4")
    assert sample["embedding"]
    again = vswin(*command, "--embeddings", "f.npz")
    assert "1 video found: 1 skipped" in again.stderr
    assert (videos / "out.fiftyone/samples.json").read_text() == samples
    sorted_ = vswin("sort", "out.fiftyone", "--into", "by")
    assert sorted_.stdout.endswith("by/pan left/pan_left.mp4\n")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["label", "videos", "-o", "-", "--format", "cvat"],
            "cvat writes a folder; set its path with",
        ),
        (["label", "videos", "-o", "videos", "--format", "cvat"], "but not its journal"),
        (["label", "videos", "-o", "f.txt", "--format", "cvat"], "f.txt is a file"),
        (["label", "videos", "-o", "x.cvat", "--cluster", "local"], "--output, not x.cvat"),
        (["predict", "videos/pan_left.mp4", "--format", "fiftyone"], "writes a folder; use `vswin"),
        (
            ["timeline", "videos", "--format", "fiftyone"],
            "fiftyone writes a folder; set its path with",
        ),
        (["timeline", "live.ts", "--live", "--format", "fiftyone"], "not for streams"),
    ],
)
def test_what_cannot_be_a_folder_is_refused(vswin, videos, arguments, message):
    (videos / "f.txt").touch()
    refused = vswin(*arguments)
    assert (refused.returncode, message in refused.stderr) == (2, True), refused.stderr
    assert refused.stderr.count("\n") == 1
