"""The splits of clips: no group in two splits, every class in each."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from vswin_cli.errors import UsageError
from vswin_cli.evaluation.annotations import AnnotationFormat, read_annotations
from vswin_cli.evaluation.video_files import VideoFiles
from vswin_cli.runs.videos import Found
from vswin_cli.training.checks import contradictions, warnings_about
from vswin_cli.training.examples import SPLITS, TEST, TRAIN, VALIDATION, Example, Examples, join
from vswin_cli.training.options import direction_in
from vswin_cli.training.outputs import write_split
from vswin_cli.training.splits import assign_splits


def example(number, label, split="", group=""):
    return Example(Found(f"{number}.mp4", f"/{number}.mp4"), (label,), split, group)


def sides_of(examples, key):
    sides = {}
    for each in examples:
        sides.setdefault(key(each), set()).add(each.split)
    return sides


@pytest.mark.parametrize("seed", range(5))
def test_group_is_on_one_side_and_classes_are_shared_out(seed):
    examples = [example(n, n % 3, group=f"scene {n // 7}") for n in range(210)]
    found, notes = assign_splits(examples, [], 3, seed)
    assert all(len(sides) == 1 for sides in sides_of(found, lambda each: each.group).values())
    counts = Counter((each.split, each.labels[0]) for each in found)
    for label in range(3):
        assert abs(counts[TRAIN, label] - 49) <= 6
        assert counts[VALIDATION, label] >= 5
        assert counts[TEST, label] >= 5
    assert "stratified" in notes[0]


def test_clips_that_show_the_same_are_on_one_side():
    examples = [example(n, 0 if n < 40 else 1) for n in range(80)]
    alike = [(n, n + 1) for n in range(0, 80, 2)]
    found, _ = assign_splits(examples, alike, 2, 0)
    assert all(found[one].split == found[other].split for one, other in alike)
    assert {each.split for each in found} == set(SPLITS)


def test_small_class_trains_first():
    examples = [example(n, 0) for n in range(50)] + [example(50, 1)]
    found, _ = assign_splits(examples, [], 2, 3)
    assert found[-1].split == TRAIN


def test_group_that_is_in_the_test_leaves_training():
    examples = [example(n, n % 2, TRAIN, f"scene {n}") for n in range(40)]
    examples += [example(40, 0, TEST, "scene 3"), example(41, 1, TEST, "new")]
    found, notes = assign_splits(examples, [], 2, 0)
    assert found[3].split == ""
    assert [each.split for each in found[-2:]] == [TEST, TEST]
    assert notes[0].startswith("1 clip(s) left out")
    assert sum(each.split == VALIDATION for each in found) == 6  # taken out of training


def test_splits_of_the_annotations_stay():
    examples = [example(n, n % 2, SPLITS[n % 3]) for n in range(30)]
    found, notes = assign_splits(examples, [(0, 1)], 2, 0)
    assert [each.split for each in found] == [each.split for each in examples]
    assert notes == []


def test_table_has_splits_groups_and_segments(tmp_path: Path):
    for name in ("a.mp4", "b.mp4"):
        (tmp_path / name).write_bytes(b"x")
    listed = tmp_path / "clips.csv"
    listed.write_text(
        "path,label,split,group,start,end\n"
        "a.mp4,walk,Train,one,0,2\n"
        "a.mp4,run,Train,one,2,4.5\n"
        "b.mp4,run,val,two,,\n"
        "b.mp4,run,val,two,3,1\n"
        "b.mp4,run,holdout,two,5,6\n"
        "c.mp4,run,test,,,\n"
        "b.mp4,run,val,two,7,\n"
        "b.mp4,walk,val,two,,\n"
        "https://a.b/v.mp4?k=1,walk,train,,12345.62,12346.1\n"
        "https://a.b/v.mp4?k=1,run,train,,12345.58,12346.14\n"
    )
    rows = read_annotations(listed, AnnotationFormat.CSV)
    found = join(rows, VideoFiles(tmp_path), multi_label=False)
    assert [(e.found.video, e.labels, e.split, e.group) for e in found.examples] == [
        ("a.mp4#t=0,2", (1,), TRAIN, "one"),
        ("a.mp4#t=2,4.5", (0,), TRAIN, "one"),
        ("b.mp4", (0,), VALIDATION, "two"),
        ("https://a.b/v.mp4?…#t=12345.62,12346.1", (1,), TRAIN, ""),
        ("https://a.b/v.mp4?…#t=12345.58,12346.14", (0,), TRAIN, ""),
    ]
    assert found.examples[-1].found.segment == (12345.58, 12346.14)
    kinds = ["malformed", "malformed", "no_file", "malformed", "repeated"]
    assert [row.kind for row in found.unmatched] == kinds
    assert "from 7 has no end" in found.unmatched[3].message
    assert "row 4 has this file and another label, run, which" in found.unmatched[4].message


def test_written_splits_are_read_as_the_same_classes_and_splits(tmp_path: Path):
    listed = tmp_path / "clips.csv"
    lines = [f"{n}.mp4,{n % 11},{SPLITS[n % 3]},scene {n}" for n in range(33)]
    lines += ["33.mp4,2,train,scene 2"]  # whose other clip is in the test split
    for number in range(34):
        (tmp_path / f"{number}.mp4").write_bytes(b"x")
    listed.write_text("path,label,split,group\n" + "\n".join(lines) + "\n")
    found = join(
        read_annotations(listed, AnnotationFormat.CSV), VideoFiles(tmp_path), multi_label=False
    )
    examples, _ = assign_splits(found.examples, [], 11, 0)
    found = replace(found, examples=examples)
    write_split(tmp_path / "split.csv", found)
    assert "33.mp4,class 2,left out,scene 2" in (tmp_path / "split.csv").read_text()
    rows = read_annotations(tmp_path / "split.csv", AnnotationFormat.CSV)
    again = join(rows, VideoFiles(tmp_path), multi_label=False)
    assert again.labels == found.labels == tuple(f"class {n}" for n in range(11))
    assert again.unmatched == []
    assert [(e.found.path, e.labels, e.split) for e in again.examples] == [
        (e.found.path, e.labels, e.split) for e in examples[:-1]
    ]


def test_addresses_with_one_name_are_refused(tmp_path: Path):
    listed = tmp_path / "clips.csv"
    listed.write_text("path,label\nhttps://a.b/v?id=1,walk\nhttps://a.b/v?id=2,run\n")
    rows = read_annotations(listed, AnnotationFormat.CSV)
    with pytest.raises(UsageError, match="2 addresses differ only in their secrets"):
        join(rows, VideoFiles(tmp_path), multi_label=False)


@pytest.mark.parametrize(
    ("train", "validation", "more"),
    [
        ("train", "val", ()),
        ("Train", "Validation", ()),
        ("training", "dev", ("annotations/readme.txt",)),
        ("train", "val", ("more/walk/d.mp4",)),
    ],
)
def test_folder_of_splits_holds_those_of_the_classes(train, validation, more, tmp_path: Path):
    for name in (f"{train}/walk/a.mp4", f"{train}/run/b.mp4", f"{validation}/run/c.mp4", *more):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_bytes(b"x")
    rows = read_annotations(tmp_path, AnnotationFormat.FOLDER)
    found = join(rows, VideoFiles(tmp_path), multi_label=False)
    assert found.labels == ("run", "walk")
    assert {(e.found.video, e.labels, e.split) for e in found.examples} == {
        (f"{train}/walk/a.mp4", (1,), TRAIN),
        (f"{train}/run/b.mp4", (0,), TRAIN),
        (f"{validation}/run/c.mp4", (0,), VALIDATION),
    }
    assert len(found.unmatched) == len(more)


def test_classes_may_have_names_of_splits(tmp_path: Path):
    for name in ("train/a.mp4", "bus/b.mp4", "test/c.mp4"):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_bytes(b"x")
    rows = read_annotations(tmp_path, AnnotationFormat.FOLDER)
    assert [row.label for row in rows] == ["bus", "test", "train"]


def test_rows_of_a_video_add_up_to_its_labels(tmp_path: Path):
    (tmp_path / "a.mp4").write_bytes(b"x")
    listed = tmp_path / "clips.csv"
    listed.write_text("path,label\na.mp4,rain\na.mp4,wind|night\n")
    rows = read_annotations(listed, AnnotationFormat.CSV)
    found = join(rows, VideoFiles(tmp_path), multi_label=True)
    assert found.labels == ("night", "rain", "wind")
    assert [each.labels for each in found.examples] == [(0, 1, 2)]


def test_list_of_several_indices_per_video_is_read(tmp_path: Path):
    (tmp_path / "a.mp4").write_bytes(b"x")
    (tmp_path / "b.mp4").write_bytes(b"x")
    listed = tmp_path / "clips.txt"
    listed.write_text("a.mp4 3 10\nb.mp4 10\n")
    rows = read_annotations(listed, AnnotationFormat.LIST, multi_label=True)
    found = join(rows, VideoFiles(tmp_path), multi_label=True)
    assert found.labels == ("class 3", "class 10")
    assert [each.labels for each in found.examples] == [(0, 1), (1,)]


@pytest.mark.parametrize(
    ("splits", "message"),
    [
        ((TRAIN, TEST, VALIDATION), "no clip to train on: rain"),
        ((TRAIN, TRAIN, ""), r"to validate on \(1 left out, because their group or file is in the"),
    ],
)
def test_class_without_clips_to_train_or_validate_on_is_told(splits, message):
    examples = [example(n, n % 2, split) for n, split in enumerate(splits)]
    with pytest.raises(UsageError, match=message):
        warnings_about(Examples(examples, ("sun", "rain")), multi_label=False)


@pytest.mark.parametrize(
    ("splits", "labels", "words"),
    [
        ((TRAIN, VALIDATION), ("sun", "rain"), "no test clip: the accuracy will be that of the"),
        (SPLITS, ("Rain", "rain"), "Rain, rain differ only in case"),
    ],
)
def test_misleading_accuracy_and_names_are_told(splits, labels, words):
    count = len(splits)
    examples = [example(n, n // count % 2, splits[n % count]) for n in range(24)]
    found = warnings_about(Examples(examples, labels), multi_label=False)
    assert any(line.startswith(words) for line in found)


def test_clips_with_the_same_content_and_other_labels_are_told():
    examples = Examples([example(n, n % 2, TRAIN) for n in range(4)], ("sun", "rain"))
    assert contradictions(examples, [(0, 2), (0, 1)]) == [
        "0.mp4 and 1.mp4 show the same, but have different labels"
    ]


@pytest.mark.parametrize("seed", range(3))
def test_all_combinations_of_labels_are_in_every_split(seed):
    labels = [(0,), (1,), (0, 1), ()]
    examples = [replace(example(n, 0), labels=labels[n % 4]) for n in range(40)]
    found, _ = assign_splits(examples, [], 2, seed)
    for own in labels:
        assert {each.split for each in found if each.labels == own} == set(SPLITS)


def test_clips_without_a_split_are_told():
    examples = [example(n, n % 2, ("", *SPLITS)[n // 2 % 4]) for n in range(40)]
    found, notes = assign_splits(examples, [], 2, 0)
    assert found[0].split == TRAIN
    assert notes == ["10 clip(s) without a split in the annotations: train"]


def test_few_clips_are_told_with_what_accuracy_means():
    examples = [example(n, n % 2, SPLITS[n % 3]) for n in range(24)]
    few, rough = warnings_about(Examples(examples, ("sun", "rain")), multi_label=False)
    assert few.startswith("few clips to train on: sun 4, rain 4")
    assert "each is 25 points of its accuracy" in rough


@pytest.mark.parametrize(
    ("labels", "word"),
    [
        (["rolls left", "bounces"], "left"),
        (["walk", "PutIn_box"], "in"),
        (["turn_counterclockwise", "x"], "counterclockwise"),
        (["moving upwards"], "upwards"),
        (["anti-clock-wise", "x"], "clockwise"),
        (["turnleft", "turnright"], "left"),
        (["spin_L2R", "x"], "l"),
        (["LeftTURN"], "left"),
        (["leftmost"], "leftmost"),
        (["eastbound"], "eastbound"),
        (["nach rechts"], "rechts"),
        (["à gauche"], "gauche"),
        (["gira a la izquierda"], "izquierda"),
        (["Поворот налево"], "налево"),
        (["向左转"], "左"),
        (["training", "cupcake", "shift", "upright"], None),
        (["bright light", "inside", "outdoor", "cleft", "for sale"], None),
    ],
)
def test_directions_are_found_in_names(labels, word):
    found = direction_in(labels)
    assert (found and found[1]) == word
