"""Each format is read back by another program or its library."""

import csv
import io
import json
from xml.etree import ElementTree as ET
from xml.sax.saxutils import quoteattr

import av
import opentimelineio as otio
import pympi
import pytest
import srt
import webvtt

from vswin_cli.errors import UsageError
from vswin_cli.formats.writer import open_writer
from vswin_cli.results import Setup
from vswin_cli.timeline.formats import timeline_format, timeline_formats
from vswin_cli.timeline.outputs import film_paths
from vswin_cli.timeline.result import failed_record


def segment(start, end, label, shot, rate=25, **more):
    return {
        "start_seconds": start, "end_seconds": end,
        "start_frame": round(start * rate), "end_frame": round(end * rate),
        "label": label, "index": 3, "probability": 0.75, "shot": shot, **more,
    }  # fmt: skip


SEGMENTS = [
    segment(0, 3.2, "pan left", 0),
    segment(3.2, 8, "<b>&", 0),
    segment(3661.04, 3700, "=static, \"so\"", 1),
]  # fmt: skip
RECORD = {
    "video": "films/ä b.mp4", "status": "ok", "error": None, "model": "swin-n-motion",
    "num_frames": 92500, "width": 640, "height": 360, "duration_seconds": 3700.0,
    "frames_per_second": 25.0, "segments": SEGMENTS, "num_windows": 9, "backend": "openvino",
    "precision": "float32", "elapsed_seconds": 1.5, "warnings": [],
    "shots": [
        {"start_seconds": 0.0, "end_seconds": 8.0, "start_frame": 0, "end_frame": 200},
        {"start_seconds": 8.0, "end_seconds": 3700.0, "start_frame": 200, "end_frame": 92500},
    ],
}  # fmt: skip
ODD = {**RECORD, "video": "b\udce4d\x01.mp4", "segments": SEGMENTS[:1]}


def written(name, *records):
    stream = io.StringIO()
    with open_writer(timeline_format(name), stream, top_k=1) as writer:
        for record in records:
            writer.write(record)
    return stream.getvalue()


def test_csv_has_a_row_per_segment_and_no_formulas():
    rows = list(csv.DictReader(io.StringIO(written("csv", RECORD, RECORD))))
    assert len(rows) == 6
    assert rows[0] == {
        "video": "films/ä b.mp4", "label": "pan left", "start": "0.000", "end": "3.200",
        "probability": "0.7500",
    }  # fmt: skip
    assert rows[2]["label"] == '\'=static, "so"'


def test_subtitles_of_both_kinds_show_each_segment():
    subtitles = list(srt.parse(written("srt", RECORD)))
    assert [each.content for each in subtitles][:2] == ["pan left 0.75", "<\u2060b>& 0.75"]
    assert subtitles[2].start.total_seconds() == 3661.04
    captions = webvtt.from_string(written("vtt", RECORD)).captions
    assert [caption.start_in_seconds for caption in captions][:2] == [0, 3]
    assert captions[2].start == "01:01:01.040"
    assert captions[1].raw_text == "&lt;b&gt;&amp; 0.75"


@pytest.mark.parametrize("name", ["srt", "vtt"])
def test_players_show_labels_as_they_are(name, tmp_path):
    """Read with FFmpeg's subtitle decoders, which mpv and others use."""
    labels = {
        "a <b>bold</b> & Q&A": "a <b>bold</b> & Q&A",
        "00:01 --> 00:02": "00:01 --> 00:02",
        "&lt;i&gt; &amp;": "&lt;i&gt; &amp;",
        "one\n\ntwo\r\n\u2028NOTE": r"one\n\ntwo\r\n\u2028NOTE",
        "\u202eturned\u2067": r"\u202eturned\u2067",
        "\u0645\u06cc\u200c\u0631\u0648\u062f \U0001f468\u200d\U0001f33e": None,
    }
    segments = [segment(n, n + 1, label, 0) for n, label in enumerate(labels)]
    path = tmp_path / f"f.{name}"
    path.write_text(written(name, {**RECORD, "segments": segments}), encoding="utf-8")
    with av.open(str(path)) as container:
        [stream] = container.streams.subtitles
        sets = [each for packet in container.demux(stream) for each in packet.decode()]
    shown = [each.dialogue.decode().replace("\u2060", "") for each in sets]
    assert shown == [f"{right or label} 0.75" for label, right in labels.items()]
    parse = srt.parse if name == "srt" else webvtt.from_string
    assert len(list(parse(path.read_text(encoding="utf-8")))) == len(labels)


def read_by_elan(path, record):
    path.write_text(written("elan", record), encoding="utf-8")
    return pympi.Eaf(str(path))


def test_elan_reads_the_tiers(tmp_path):
    for record in (RECORD, ODD):
        eaf = read_by_elan(tmp_path / "f.eaf", record)
        annotations = eaf.get_annotation_data_for_tier("swin-n-motion")
        assert sorted(annotations)[0][:3] == (0, 3200, "pan left")
        assert len(annotations) == len(record["segments"])


def test_segments_that_overlap_get_tiers_of_their_own_in_elan(tmp_path):
    segments = [segment(0, 5, "a", 0), segment(2, 7, "b", 0), segment(5, 9, "c", 0)]
    eaf = read_by_elan(tmp_path / "f.eaf", {**RECORD, "segments": segments})
    names = ["swin-n-motion", "swin-n-motion 2"]
    labels = [[a[2] for a in sorted(eaf.get_annotation_data_for_tier(n))] for n in names]
    assert labels == [["a", "c"], ["b"]]


def test_editors_get_a_clip_per_shot_and_a_marker_per_segment():
    for record in (RECORD, ODD):
        timeline = otio.adapters.read_from_string(written("otio", record), "otio_json")
        clips = timeline.find_clips()
        assert [clip.source_range.start_time.to_seconds() for clip in clips] == [0, 8]
        markers = [m for clip in clips for m in clip.markers]
        assert [marker.name for marker in markers] == [s["label"] for s in record["segments"]]
        assert markers[-1].marked_range.start_time.to_seconds() == pytest.approx(
            record["segments"][-1]["start_seconds"]
        )
        assert timeline.duration().to_seconds() == pytest.approx(3700)


def test_cvat_gets_a_track_per_segment_that_ends_after_its_last_frame():
    root = ET.fromstring(written("cvat", RECORD))
    assert root.findtext("version") == "1.1"
    assert {name.text for name in root.iter("name")} >= {"pan left", "<b>&"}
    tracks = root.findall("track")
    assert [track.get("label") for track in tracks] == [s["label"] for s in SEGMENTS]
    boxes = [[(b.get("frame"), b.get("outside")) for b in t.findall("box")] for t in tracks]
    assert boxes == [
        [("0", "0"), ("80", "1")], [("80", "0"), ("200", "1")], [("91526", "0"), ("92499", "0")],
    ]  # fmt: skip
    assert tracks[0].find("box").get("xbr") == "640.00"
    assert ET.fromstring(written("cvat", ODD)).find("meta/task/name").text


def test_label_studio_gets_a_task_per_film_with_frames_from_one():
    tasks = json.loads(written("label-studio", RECORD, RECORD))
    assert [task["data"]["video"] for task in tasks] == [
        "/data/local-files/?d=films/%C3%A4%20b.mp4"
    ] * 2
    result = tasks[0]["predictions"][0]["result"]
    assert result[1]["value"] == {
        "ranges": [{"start": 81, "end": 200}],
        "timelinelabels": ["<b>&"],
    }
    assert {(r["type"], r["from_name"], r["to_name"]) for r in result} == {
        ("timelinelabels", "timelineLabels", "video")
    }


def test_label_studio_takes_the_tasks():
    interface = pytest.importorskip(
        "label_studio_sdk.label_interface", reason="label_studio_sdk is not installed"
    )
    labels = "".join(f"<Label value={quoteattr(each['label'])}/>" for each in SEGMENTS)
    project = interface.LabelInterface(
        '<View><Video name="video" value="$video"/>'
        f'<TimelineLabels name="timelineLabels" toName="video">{labels}</TimelineLabels></View>'
    )
    for task in json.loads(written("label-studio", RECORD, {**RECORD, "segments": []})):
        [prediction] = task["predictions"]
        assert project.validate_task({"data": task["data"]})
        assert project.validate_prediction(prediction, return_errors=True) == []
        for region in prediction["result"]:
            del region["value"]["ranges"]
            assert project.validate_prediction(prediction, return_errors=True)


def test_a_failed_film_has_no_segments_in_any_form():
    failed = failed_record("x.mp4", Setup("m", "official", "b", "p"), "empty", "it is empty", 0.1)
    for each in timeline_formats():
        if not each.holds_one and each.is_text and not each.is_folder:
            assert "pan" not in written(each.name, failed)


def test_table_is_for_people():
    lines = written("table", RECORD).splitlines()
    assert lines[0] == "films/ä b.mp4"
    assert lines[2].split() == ["0:00.0", "0:03.2", "pan", "left", "0.7500", "0"]
    assert lines[-1].startswith("swin-n-motion · 1:01:40.0 · 3 segments · 2 shots · 9 windows")


def test_an_unknown_form_is_told_by_name():
    with pytest.raises(UsageError, match=r"--format edl is not one of table, json, jsonl"):
        timeline_format("edl")


def test_films_of_one_name_get_files_of_different_names_and_none_leaves_the_folder():
    names = ["a/x.mp4", "a/x.mov", "../../y.mp4", "https://host/z.mp4", "/"]
    paths = film_paths(names, timeline_format("srt"))
    assert list(map(str, paths.values())) == [
        "a/x.mp4.srt", "a/x.mov.srt", "y.srt", "https:/host/z.srt".replace(":", ""), "film.srt",
    ]  # fmt: skip
    for names in (["../x.mp4", "x.mp4"], ["c.mp4", "c.mkv", "c.mp4.avi"], ["a/./x", "a/x", "b"]):
        assert len(set(film_paths(names, timeline_format("srt")).values())) == len(names)
    written = {"x.srt": "x.mkv"}
    paths = film_paths(["x.mp4", "x.mkv"], timeline_format("srt"), written)
    assert list(map(str, paths.values())) == ["x.mp4.srt", "x.srt"]
