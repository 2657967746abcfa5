"""Files for other programs, opened with their readers."""

import io
import json

import pytest

from vswin_cli.cli.app import run
from vswin_cli.evaluation.annotations import AnnotationFormat, read_annotations, recognise
from vswin_cli.formats import programs
from vswin_cli.formats.registry import RECORD_FORMATS, format_named
from vswin_cli.formats.writer import open_writer
from vswin_cli.results import Failure, Prediction, ScoredLabel, Setup, VideoProperties

SETUP = Setup("swin-t-k400", "official", "openvino", "float32")
INTERFACE = """
<View>
  <Video name="video" value="$video"/>
  <Choices name="label" toName="video"><Choice value="yoga"/><Choice value="zumba"/></Choices>
</View>
"""


def prediction(video, label="yoga"):
    return Prediction(
        video, SETUP, 64, ((0, 2),), 3, 3, 3, (ScoredLabel(1, label, 398, 0.75),), 1.0,
        properties=VideoProperties(duration_seconds=2.5),
    )  # fmt: skip


FAILURE = Failure("bad.mp4", SETUP, "no_frames", "cannot read bad.mp4: no frame", 0.5)
RESULTS = [prediction("a/xyz.mp4"), prediction("abc_000012_000022.mp4", "zumba"), FAILURE]


def written(name, results=RESULTS):
    stream = io.StringIO(newline="")
    with open_writer(format_named(name), stream, top_k=1) as writer:
        for result in results:
            writer.write(result.to_dict())
    return stream.getvalue()


def test_kinetics_rows_are_annotations_of_that_dataset(tmp_path):
    path = tmp_path / "rows.csv"
    path.write_text(written("kinetics", [*RESULTS, prediction("-AbC_000001_000009.mp4")]))
    assert path.read_text().splitlines() == [
        "label,youtube_id,time_start,time_end,split",
        "yoga,xyz,0,2.5,predicted",
        "zumba,abc,12,22,predicted",
        "yoga,-AbC,1,9,predicted",
    ]
    assert recognise(path) is AnnotationFormat.KINETICS
    rows = read_annotations(path, AnnotationFormat.KINETICS)
    assert [row.problem for row in rows] == [None] * 3
    assert rows[2].video == "-AbC_000001_000009"


def test_label_studio_takes_the_tasks_and_their_predictions():
    tasks = json.loads(written("label-studio"))
    assert [task["data"]["video"] for task in tasks] == [
        "/data/local-files/?d=a/xyz.mp4",
        "/data/local-files/?d=abc_000012_000022.mp4",
        "/data/local-files/?d=bad.mp4",
    ]
    assert "predictions" not in tasks[2]
    assert tasks[0]["predictions"][0]["score"] == 0.75
    sdk = pytest.importorskip("label_studio_sdk.label_interface")
    interface = sdk.LabelInterface(INTERFACE)
    for task in tasks[:2]:
        [predicted] = task["predictions"]
        assert interface.validate_prediction(predicted)


def test_label_studio_of_no_video_is_an_empty_list():
    assert json.loads(written("label-studio", [])) == []


def test_a_format_is_added_by_one_file(tmp_path, monkeypatch):
    (tmp_path / "mine.py").write_text(
        "from vswin_cli.formats.format import Format\n"
        "from vswin_cli.formats.writer import RecordWriter\n"
        "FORMAT = Format('mine', f'{__name__}:Mine', '.txt')\n"
        "class Mine(RecordWriter):\n"
        "    def write(self, record):\n"
        "        self.stream.write(record['video'] + '\\n')\n"
    )
    monkeypatch.setattr(programs, "__path__", [*programs.__path__, str(tmp_path)])
    formats = programs.program_formats()
    assert [each.name for each in formats] == [
        "cvat",
        "fiftyone",
        "kinetics",
        "label-studio",
        "mine",
    ]
    stream = io.StringIO()
    with open_writer(formats[-1], stream, top_k=1) as writer:
        writer.write(FAILURE.to_dict())
    assert stream.getvalue() == "bad.mp4\n"


def test_names_of_formats_are_one_list(capsys):
    names = [each.name for each in RECORD_FORMATS]
    assert len(set(names)) == len(names)
    assert run(["label", "--help"]) == 0
    text = " ".join(capsys.readouterr().out.split())
    of_files = [each.name for each in RECORD_FORMATS if each.extension]
    assert f"One of {', '.join(of_files)}." in text
    assert all(format_named(name).name == name for name in names)
