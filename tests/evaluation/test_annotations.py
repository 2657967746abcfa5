"""Every format of annotations, with its files."""

import json
from pathlib import Path

import pytest

from vswin_cli.errors import UsageError
from vswin_cli.evaluation.annotations import AnnotationFormat, read_annotations, recognise
from vswin_cli.evaluation.label_names import LabelNames
from vswin_cli.evaluation.matching import match
from vswin_cli.evaluation.rows import NoMatchError
from vswin_cli.evaluation.video_files import VideoFiles
from vswin_cli.zoo.labels import KINETICS600, SOMETHING_SOMETHING_V2, read_labels

LABELS = ("abseiling", "air drumming", "playing chess (fast)")


@pytest.fixture
def make(tmp_path):
    """Write files by name into `videos`."""

    def made(*names):
        for name in names:
            path = tmp_path / "videos" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"\0")

    return made


@pytest.fixture
def matched(tmp_path):
    """Match annotations, with detected format, and the files in `videos`."""

    def made(text, form, labels=LABELS, path_column=None, label_column=None):
        annotations = tmp_path / "annotations.txt"
        annotations.write_text(text, encoding="utf-8", errors="surrogateescape")
        assert recognise(annotations, path_column, label_column) == form
        rows = read_annotations(annotations, form, path_column, label_column)
        return match(rows, LabelNames(labels), VideoFiles(tmp_path / "videos"))

    return made


def refused(matched):
    return [(row.place, row.video, row.kind) for row in matched.unmatched]


@pytest.mark.parametrize("separator", [" ", "\t", ",", ";", "  ", ", "])
def test_list_has_paths_with_spaces_and_any_delimiter(make, matched, separator):
    make("a b/one two.mp4", "3 4.mp4", "5.webm", "x, y.mp4")
    lines = ["a b/one two.mp4 0", "3 4.mp4 1", "./5.webm 2", "x, y.mp4 1"]
    text = "\r\n".join(separator.join(line.rsplit(" ", 1)) for line in lines)
    found = matched(f"\n{text}  \n\n", AnnotationFormat.LIST)
    assert found.truth == {"a b/one two.mp4": 0, "3 4.mp4": 1, "5.webm": 2, "x, y.mp4": 1}
    assert refused(found) == []
    assert found.found[0].num_bytes == 1


def test_comments_of_a_list_are_no_rows(make, matched):
    make("#1.mp4", "b.mp4")
    found = matched("# path index\n#1.mp4 0\n# 2 more\nb.mp4 1\n", AnnotationFormat.LIST)
    assert found.truth == {"#1.mp4": 0, "b.mp4": 1}
    assert found.num_rows == 2


def test_rows_of_a_list_that_match_nothing_are_kept_with_the_reason(make, matched):
    make("a.mp4", "b.mp4")
    text = "a.mp4 0\nb.mp4 3\nnone.mp4 1\nno index\na.mp4 0\n./a.mp4 1\n"
    found = matched(text + f"b.mp4 2\na.mp4 {'9' * 5000}\n", AnnotationFormat.LIST)
    assert found.truth == {"a.mp4": 0, "b.mp4": 2}
    assert refused(found) == [
        (2, "b.mp4", "no_label"),
        (3, "none.mp4", "no_file"),
        (4, "no index", "malformed"),
        (5, "a.mp4", "repeated"),
        (6, "./a.mp4", "repeated"),
        (8, "a.mp4", "no_label"),
    ]
    messages = [row.message for row in found.unmatched]
    assert "0 to 2" in messages[0]
    assert messages[3:5] == [
        "row 1 has this file, with the same label",
        "row 1 has this file, with another label",
    ]
    assert found.num_rows == 8


def test_names_that_are_not_utf_8_are_found(tmp_path, make, matched):
    name = b"caf\xe9.mp4".decode("utf-8", "surrogateescape")
    make(name)
    assert matched(f"{name} 1\n", AnnotationFormat.LIST).truth == {name: 1}


@pytest.mark.parametrize(
    "text",
    [
        'path,label\n"a, b.mp4",air drumming\nc,abseiling\n',
        "filename;class\na, b.mp4;air drumming\nc;abseiling\n",
        "\ufeffVideo\tid\tLabel\na, b.mp4\t9\tair drumming\nc\t8\tabseiling\n",
        'label_id,name,video\n1,x,"a, b.mp4"\n0,x,c\n',
        'path,index\n"a, b.mp4",1\nc,0\n',
        '"a, b.mp4",air drumming\nc,abseiling\n',
    ],
)
def test_csv_has_a_path_and_a_name_or_an_index(make, matched, text):
    make("a, b.mp4", "deep/c.mkv")
    found = matched(text, AnnotationFormat.CSV)
    assert found.truth == {"a, b.mp4": 1, "deep/c.mkv": 0}
    assert refused(found) == []


def test_columns_of_a_csv_can_be_named(make, matched, tmp_path):
    make("a.mp4")
    text = "what,path,where\nabseiling,b.mp4,a.mp4\n"
    found = matched(text, AnnotationFormat.CSV, path_column="where", label_column="what")
    assert found.truth == {"a.mp4": 0}
    with pytest.raises(UsageError, match="nowhere: what, path, where; choose one with --"):
        matched(text, AnnotationFormat.CSV, path_column="nowhere", label_column="what")
    with pytest.raises(UsageError, match="--label-column"):
        matched(text, AnnotationFormat.CSV, path_column="where")


def test_short_rows_of_a_csv_are_kept(make, matched):
    make("a.mp4")
    found = matched("path,label\na.mp4,abseiling\nb.mp4\n,abseiling\n", AnnotationFormat.CSV)
    assert [row[2] for row in refused(found)] == ["malformed", "malformed"]
    assert [row.place for row in found.unmatched] == [3, 4]


def test_kinetics_csv_finds_files_flat_and_in_class_folders(make, matched):
    make(
        "-abc_000010_000020.mp4",
        "abseiling/de_f.mkv",
        "air_drumming/ghi_000001_000011.webm",
        "air_drumming/twice_000001_000011.mp4",
        "abseiling/twice_000001_000011.mp4",
        "one/many_000001_000011.mp4",
        "two/many_000001_000011.mp4",
    )
    rows = [
        ("abseiling", "-abc", "10", "20"),
        ("abseiling", "de_f", "3", "13"),
        ("air drumming", "ghi", "1", "11"),
        ("air drumming", "twice", "1", "11"),
        ("air drumming", "many", "1", "11"),
        ("air drumming", "gone", "1", "11"),
    ]
    text = "label,youtube_id,time_start,time_end,split\n"
    text += "".join(",".join(row) + ",validate\n" for row in rows)
    found = matched(text, AnnotationFormat.KINETICS)
    assert found.truth == {
        "-abc_000010_000020.mp4": 0,
        "abseiling/de_f.mkv#t=3,13": 0,
        "air_drumming/ghi_000001_000011.webm": 1,
        "air_drumming/twice_000001_000011.mp4": 1,
    }
    assert [(row.place, row.kind) for row in found.unmatched] == [(6, "no_file"), (7, "no_file")]
    assert "2 files match: one/many" in found.unmatched[0].message
    assert "gone_000001_000011.* or gone.*" in found.unmatched[1].message


def test_something_something_templates_lose_their_brackets(make, matched):
    labels = read_labels(SOMETHING_SOMETHING_V2)
    make("7.webm", "8.mp4", "sub/9.mp4")
    items = [
        {"id": "7", "template": "Attaching [something] to [something]", "label": "x to y"},
        {"id": 8, "template": "[Something] being deflected from [something]"},
        {"id": "9", "template": "Putting [number of] [something] onto [something]"},
        {"id": "10", "template": "Holding [something]"},
        {"id": "11"},
        {"template": "Holding [something]"},
        {"id": "7", "template": "Nothing"},
    ]
    found = matched(json.dumps(items), AnnotationFormat.SOMETHING_SOMETHING, labels)
    assert {name: labels[index] for name, index in found.truth.items()} == {
        "7.webm": "Attaching something to something",
        "8.mp4": "Something being deflected from something",
        "sub/9.mp4": "Putting number of something onto something",
    }
    kinds = [row[2] for row in refused(found)]
    assert kinds == ["no_file", "malformed", "malformed", "no_label"]


def test_folder_with_a_folder_a_class(make, tmp_path):
    make("air_drumming/a.mp4", "Abseiling/deep/b.webm", "chess/c.mp4", "loose.mp4", "abseiling/no")
    (tmp_path / "videos" / "playing chess (fast)").mkdir()
    root = tmp_path / "videos"
    assert recognise(root) is AnnotationFormat.FOLDER
    found = match(
        read_annotations(root, AnnotationFormat.FOLDER), LabelNames(LABELS), VideoFiles(root)
    )
    assert found.truth == {"air_drumming/a.mp4": 1, "Abseiling/deep/b.webm": 0}
    assert [row[1:] for row in refused(found)] == [
        ("chess/c.mp4", "no_label"),
        ("loose.mp4", "malformed"),
        ("abseiling/", "malformed"),
        ("playing chess (fast)/", "malformed"),
    ]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("just\nsome words\n", "unknown format of"),
        ("", "unknown format of"),
        ("a,b\n1,2\n3,4\n", "unknown format of"),
        ('{"a": 1}', "is not a list of videos"),
        ('[{"id": "1"', "is not JSON"),
        ("path,label\n", "no video in"),
    ],
)
def test_what_is_no_annotations_is_refused(matched, tmp_path, text, reason):
    annotations = tmp_path / "annotations.txt"
    annotations.write_text(text)
    with pytest.raises(UsageError, match=reason):
        read_annotations(annotations, recognise(annotations))


def test_missing_annotations_are_refused(tmp_path):
    with pytest.raises(UsageError, match="no such file"):
        recognise(tmp_path / "none.txt")
    with pytest.raises(UsageError, match="needs a folder"):
        read_annotations(Path(__file__), AnnotationFormat.FOLDER)
    with pytest.raises(UsageError, match="needs a file"):
        read_annotations(tmp_path, AnnotationFormat.LIST)


def test_label_names_are_never_guessed_between_two():
    names = LabelNames(("Jump", "jump", "long jump", "High_Jump"))
    assert [names.index(name) for name in ("Jump", "jump", "LONG__JUMP", "high jump ")] == [
        0,
        1,
        2,
        3,
    ]
    with pytest.raises(NoMatchError, match="'JUMP' could be 'Jump' or 'jump'"):
        names.index("JUMP")
    with pytest.raises(NoMatchError, match="no class is called 'long jumpp'; the nearest is 'long"):
        names.index("long jumpp")
    assert names.index(3) == 3
    with pytest.raises(NoMatchError, match="no class 4: there are 0 to 3"):
        names.index(4)


def test_every_kinetics_600_name_is_found_in_the_spellings_of_the_sets():
    labels = read_labels(KINETICS600)
    names = LabelNames(labels)
    for index, label in enumerate(labels):
        for spelled in (label, label.lower(), label.replace(" ", "_")):
            assert names.index(spelled) == index


@pytest.mark.parametrize(
    ("text", "what"),
    [("a 72 1\nb/c 9 0\n", "folders of frames"), ("a.mp4 1 3\nb c.mp4 0,2\n", "several classes")],
)
def test_lists_of_another_kind_are_told_as_what_they_are(tmp_path, text, what):
    path = tmp_path / "list.txt"
    path.write_text(text)
    with pytest.raises(UsageError, match=what):
        read_annotations(path, recognise(path))


def test_indices_that_count_from_one_are_told():
    names = LabelNames(["a", "b"])
    with pytest.raises(NoMatchError, match="0 to 1; --first-index 1"):
        names.index(2)
    assert LabelNames(["a", "b"], first_index=1).index(2) == 1
    with pytest.raises(NoMatchError, match="no class 0: there are 1 to 2"):
        LabelNames(["a", "b"], first_index=1).index(0)
