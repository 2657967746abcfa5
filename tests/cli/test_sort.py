"""`vswin sort`: first a list, then links, copies or moved files; nothing is replaced."""

import json

import pytest

from vswin_cli.api.sorting import folder_name
from vswin_cli.cli.app import run
from vswin_cli.results import Failure, Prediction, ScoredLabel, Setup

SETUP = Setup("swin-n-motion", "official", "openvino", "float32")
VIDEOS = {
    "a/x.mp4": ("pan left", 0.95),
    "b/x.mp4": ("pan left", 0.5),
    "y.mp4": ("../zoom/in", 0.8),
    "gone.mp4": ("static", 0.9),
}


@pytest.fixture
def labels(tmp_path):
    """The records of four videos, one of them deleted since, and one that failed."""
    folder = tmp_path / "videos"
    records = []
    for name, (label, probability) in VIDEOS.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if name != "gone.mp4":
            path.write_text(name)
        scored = (ScoredLabel(1, label, 0, probability),)
        found = Prediction(name, SETUP, 9, ((0,),), 1, 1, 1, scored, 0.1)
        records.append({**found.to_dict(), "path": str(path), "bytes": len(name)})
    failed = Failure("bad.mp4", SETUP, "no_frames", "no frame", 0.1)
    records.append({**failed.to_dict(), "path": str(folder / "bad.mp4")})
    about = {"bytes": 1, "modified": None, "settings": {}}
    lines = [json.dumps({**about, **record}) for record in records]
    path = tmp_path / "labels.jsonl"
    path.write_text("".join(f"{line}\n" for line in lines))
    return path


def sorted_by(labels, *options):
    into = labels.parent / "sorted"
    code = run(["sort", str(labels), "--by", "label", "--into", str(into), *options])
    files = sorted(path for path in into.rglob("*") if not path.is_dir() or path.is_symlink())
    return code, {str(path.relative_to(into)): path for path in files}


PLACES = {
    "pan left/x.mp4": "a/x.mp4",
    "pan left/x-2.mp4": "b/x.mp4",
    "_zoom_in/y.mp4": "y.mp4",
}


def test_without_being_told_it_lists_what_it_would_do(labels, capsys):
    code, files = sorted_by(labels)
    out, err = capsys.readouterr()
    assert (code, files, (labels.parent / "sorted").exists()) == (0, {}, False)
    into, videos = labels.parent / "sorted", labels.parent / "videos"
    assert set(out.splitlines()) == {
        f"{videos / source} → {into / target}" for target, source in PLACES.items()
    }
    assert err.splitlines() == [
        "left out: 1 no longer there",
        "left out: 1 failed",
        f"3 videos in 2 folders of {into}; nothing has been done yet; "
        "choose --do link, copy or move",
    ]


@pytest.mark.parametrize("deed", ["link", "copy", "move"])
def test_each_deed_puts_the_videos_into_folders_of_their_labels(labels, deed, capsys):
    code, files = sorted_by(labels, "--do", deed)
    assert code == 0
    assert {name: path.read_text() for name, path in files.items()} == PLACES
    assert all(path.is_symlink() == (deed == "link") for path in files.values())
    for source in PLACES.values():
        assert (labels.parent / "videos" / source).exists() == (deed != "move")
    assert len(capsys.readouterr().out.splitlines()) == 3


@pytest.mark.parametrize("deed", ["link", "copy"])
def test_what_is_done_already_is_no_error(labels, deed):
    first = sorted_by(labels, "--do", deed)
    assert (first[0], sorted_by(labels, "--do", deed)) == (0, first)
    if deed == "link":
        link = labels.parent / "sorted/_zoom_in/y.mp4"
        link.unlink()
        link.symlink_to("../../videos/y.mp4")  # Windows too reads a link in another form
        assert sorted_by(labels, "--do", deed) == first


def test_a_relative_link_leads_to_the_same_file_from_its_new_place(labels):
    link = labels.parent / "videos/y.mp4"
    link.rename(labels.parent / "videos/real.mp4")
    link.symlink_to("real.mp4")
    code, files = sorted_by(labels, "--do", "move")
    assert (code, files["_zoom_in/y.mp4"].read_text(), link.is_symlink()) == (0, "y.mp4", False)


@pytest.mark.parametrize("link", ["a.mp4", "z.mp4"])  # before and after its file in the records
def test_a_link_and_its_file_are_moved_as_a_link_and_a_file(labels, link):
    [record] = [line for line in labels.read_text().splitlines() if '"y.mp4"' in line]
    other = record.replace("y.mp4", link).replace("../zoom/in", "static")
    both = [other, record] if link < "y" else [record, other]
    labels.write_text("".join(f"{line}\n" for line in both))
    videos = labels.parent / "videos"
    (videos / link).symlink_to("y.mp4")
    code, files = sorted_by(labels, "--do", "move")
    assert (code, files.keys()) == (0, {"_zoom_in/y.mp4", f"static/{link}"})
    assert {path.read_text() for path in files.values()} == {"y.mp4"}
    assert [path.is_symlink() for path in files.values()] == [False, True]
    assert not any(
        path.is_file() or path.is_symlink() for path in (videos / "y.mp4", videos / link)
    )


def test_a_file_that_a_linked_folder_has_too_is_moved_once(labels):
    [record] = [line for line in labels.read_text().splitlines() if '"a/x.mp4"' in line]
    labels.write_text(record.replace("a/x.mp4", "again/x.mp4") + "\n" + record + "\n")
    (labels.parent / "videos/again").symlink_to("a")
    code, files = sorted_by(labels, "--do", "move")
    assert (code, files.keys()) == (0, {"pan left/x.mp4", "pan left/x-2.mp4"})
    assert [path.is_symlink() for path in files.values()] == [True, False]
    assert {path.read_text() for path in files.values()} == {"a/x.mp4"}


def test_records_alone_do_not_decide_what_moves(labels, tmp_path, capsys):
    outside = tmp_path / "outside"
    outside.mkdir()
    lines = labels.read_text()
    labels = outside / "labels.jsonl"
    labels.write_text(lines)
    assert sorted_by(labels, "--do", "move") == (0, {})
    assert f"left out: 3 not in {outside}; give their folder" in capsys.readouterr().err
    (tmp_path / "videos/y.mp4").write_text("longer than before")
    code, files = sorted_by(labels, "--do", "move", "--videos", str(tmp_path / "videos"))
    assert (code, len(files)) == (0, 2)
    assert "left out: 1 changed since they were labelled" in capsys.readouterr().err


def test_no_two_labels_share_a_folder_and_skipped_ones_are_told_apart(labels, capsys):
    text = labels.read_text().replace('"../zoom/in"', '"pan:left"').replace("pan left", "pan/left")
    labels.write_text(text.replace('"status": "failed"', '"status": "skipped"'))
    assert set(sorted_by(labels, "--do", "link")[1]) == {
        "pan_left/x.mp4", "pan_left/x-2.mp4", "pan_left-2/y.mp4",
    }  # fmt: skip
    assert "left out: 1 skipped" in capsys.readouterr().err


@pytest.mark.parametrize("deed", ["link", "copy", "move"])
def test_what_is_there_is_not_replaced(labels, deed, capsys):
    there = labels.parent / "sorted/_zoom_in/y.mp4"
    there.parent.mkdir(parents=True)
    there.write_text("mine")
    code, files = sorted_by(labels, "--do", deed)
    assert (code, len(files), there.read_text()) == (1, 3, "mine")
    assert (labels.parent / "videos/y.mp4").read_text() == "y.mp4"
    assert f"{there} already exists" in capsys.readouterr().err


def test_by_probability_and_only_the_probable_ones(labels, capsys):
    into = labels.parent / "tenths"
    arguments = ["sort", str(labels), "--by", "probability", "--into", str(into), "--do", "link"]
    assert run([*arguments, "--min-probability", "0.6"]) == 0
    assert sorted(path.name for path in into.iterdir()) == ["0.8", "0.9"]
    assert "left out: 1 less probable than 0.6" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("label", "name"),
    [
        ("yoga", "yoga"),
        ("..", "_"),
        ("", "_"),
        ("a/b\\c", "a_b_c"),
        ("\x1b[31m", "_[31m"),
        ("ü" * 300, "ü" * 60),
    ],
)
def test_a_label_becomes_the_name_of_one_folder(label, name):
    assert folder_name(label) == name


def test_wrong_usage(labels, capsys):
    assert run(["sort", str(labels), "--into", str(labels)]) == 2
    assert "is a file" in capsys.readouterr().err
    assert run(["sort", "none.jsonl", "--into", "x"]) == 2
    assert "no file none.jsonl" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("long.csv", "video,status\n" + "x" * 200_000, "line 2: field larger than"),
        ("kinetics.csv", "label,youtube_id,time_start,time_end,split\n", "--format kinetics"),
        ("list.json", "[1,2]", "not a list of records"),
        ("object.json", '{"a":1}', "not a list of records"),
        ("empty.csv", "video\nx.mp4\n", "it has no"),
        ("deep.json", "[" * 100_000, "is not an output of `vswin label`"),
        ("shape.json", '[{"video": 1, "status": 2, "elapsed_seconds": 1, "predictions": 3, '
         '"warnings": 4}]', "is not an output of `vswin label`"),
    ],
)  # fmt: skip
def test_what_are_no_records_is_one_line(tmp_path, capsys, name, content, message):
    path = tmp_path / name
    path.write_text(content)
    for command in (["sort", str(path), "--into", "x"], ["report", str(path)]):
        assert run(command) == 2
        err = capsys.readouterr().err
        assert message in err
        assert err.count("\n") == 1


def test_a_table_that_excel_has_saved_is_read(labels, capsys):
    lines = ["sep=;", "video;path;status;elapsed_seconds;warnings;label_1;probability_1;index_1"]
    lines.append(f"x.mp4;{labels.parent}/videos/a/x.mp4;ok;1;;pan left;0.9;0")
    path = labels.with_name("excel.csv")
    path.write_text("\r\n".join(lines) + "\r\n", encoding="utf-8-sig")
    assert run(["sort", str(path), "--into", str(labels.parent / "sorted")]) == 0
    assert "1 video in 1 folder" in capsys.readouterr().err
