"""The files that a run takes, and their names."""

import io
import os
import sys
from collections import Counter

import pytest
from clips import encode, numbered_frames

from vswin_cli.errors import UsageError
from vswin_cli.runs.inputs import each_video
from vswin_cli.runs.videos import Selection, find_videos


def touch(folder, *names):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"?")


def names(*paths, selection=None, **options):
    return [found.video for found in find_videos(paths, selection or Selection(), **options)]


def test_names_are_relative_to_the_one_folder_and_in_order(tmp_path):
    touch(tmp_path, "b/x.mp4", "a/x.mp4", "a.mkv", "a/b/c.MOV", "readme.txt", "Z.webm")
    assert names(str(tmp_path)) == ["Z.webm", "a/b/c.MOV", "a/x.mp4", "a.mkv", "b/x.mp4"]


def test_several_folders_keep_their_names(tmp_path, monkeypatch):
    touch(tmp_path, "a/x.mp4", "b/x.mp4")
    monkeypatch.chdir(tmp_path)
    assert names("b", "a/", "b/x.mp4") == ["b/x.mp4", "a/x.mp4"]


def test_hidden_and_own_files_are_left_out(tmp_path):
    touch(tmp_path, ".hidden.mp4", ".folder/x.mp4", "out.mp4", "x.mp4")
    own = str(tmp_path / "out.mp4")
    assert names(str(tmp_path), is_own=lambda path: path == own) == ["x.mp4"]
    assert names(str(tmp_path / ".hidden.mp4")) == [str(tmp_path / ".hidden.mp4")]


def test_content_is_tried_where_the_name_says_nothing(tmp_path):
    for container, codec in (("mp4", "libx264"), ("matroska", "libx264"), ("avi", "mpeg4")):
        encode(tmp_path / container, numbered_frames(3), codec, container_format=container)
    encode(tmp_path / "stream.dat", numbered_frames(30), container_format="mpegts")
    (tmp_path / "code.ts").write_text("export const video = 1;\n" * 50)
    (tmp_path / "text").write_text("text")
    (tmp_path / "one packet").write_bytes(b"G".ljust(188))
    (tmp_path / "song.m4a").write_bytes(b"\0\0\0\x20ftypM4A \0\0\0\0")
    (tmp_path / "photo").write_bytes(b"\0\0\0\x20ftypheic\0\0\0\0")
    os.mkfifo(tmp_path / "fifo")
    assert names(str(tmp_path)) == ["avi", "matroska", "mp4", "stream.dat"]


def test_globs_and_depth_select(tmp_path):
    touch(tmp_path, "train/a.mp4", "train/b.mov", "test/a.mp4", "c.mp4")
    folder = str(tmp_path)
    assert names(folder, selection=Selection(recursive=False)) == ["c.mp4"]
    assert names(folder, selection=Selection(include=("train/*",))) == [
        "train/a.mp4",
        "train/b.mov",
    ]
    assert names(folder, selection=Selection(include=("*.mp4",), exclude=("test/*", "c.*"))) == [
        "train/a.mp4"
    ]


def test_links_are_followed_but_not_in_circles(tmp_path):
    touch(tmp_path, "videos/a/x.mp4", "elsewhere/y.mp4")
    videos = tmp_path / "videos"
    (videos / "a" / "up").symlink_to("..")
    (videos / "again").symlink_to("a")
    (videos / "far").symlink_to(tmp_path / "elsewhere")
    (videos / "far again").symlink_to(tmp_path / "elsewhere")
    (videos / "self.mp4").symlink_to("self.mp4")
    (videos / "alias.mp4").symlink_to("a/x.mp4")
    assert names(str(videos)) == ["a/x.mp4", "alias.mp4", "far/y.mp4", "self.mp4"]


def test_links_lose_no_file_whatever_their_order(tmp_path):
    touch(tmp_path, "disk/sub/x.mp4", "disk/y.mp4", "videos/.kept/z.mp4", "w.mp4")
    videos = tmp_path / "videos"
    (videos / "1 inner").symlink_to(tmp_path / "disk" / "sub")
    (videos / "2 outer").symlink_to(tmp_path / "disk")
    (videos / "3 hidden").symlink_to(".kept")
    (videos / "4 up").symlink_to(tmp_path)
    assert names(str(videos)) == ["1 inner/x.mp4", "2 outer/y.mp4", "3 hidden/z.mp4"]
    assert names(str(videos), selection=Selection(recursive=False)) == []


def test_what_cannot_be_a_file_is_found_so_that_it_is_reported(tmp_path):
    (tmp_path / "folder.mp4").mkdir()
    os.mkfifo(tmp_path / "fifo.mp4")
    (tmp_path / "dangling.mp4").symlink_to("nowhere")
    touch(tmp_path, "full.mp4/inside.mp4")
    (tmp_path / "list.txt").write_text(str(tmp_path / "missing.mp4"))
    found = find_videos([str(tmp_path), f"@{tmp_path / 'list.txt'}"], Selection())
    assert [os.path.relpath(f.path, tmp_path) for f in found] == [
        "dangling.mp4",
        "fifo.mp4",
        "folder.mp4",
        "full.mp4/inside.mp4",
        "missing.mp4",
    ]
    assert [f.num_bytes for f in found] == [None, None, None, 1, None]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may list every folder")
def test_folder_that_cannot_be_listed_is_a_failure(tmp_path):
    touch(tmp_path, "a/x.mp4", "b/y.mp4")
    (tmp_path / "a").chmod(0)
    first, second = find_videos([str(tmp_path)], Selection())
    (tmp_path / "a").chmod(0o700)
    assert (first.video, first.error.kind) == ("a", "permission")
    assert second.video == "b/y.mp4"


def test_lists_name_files_a_line_or_by_null_bytes(tmp_path, monkeypatch):
    touch(tmp_path, "a b.mp4", "c.mp4", os.fsdecode(b"caf\xe9.mp4"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "list.txt").write_bytes(b"c.mp4\r\na b.mp4\n\ncaf\xe9.mp4\n")
    assert names("@list.txt") == ["c.mp4", "a b.mp4", os.fsdecode(b"caf\xe9.mp4")]
    standard_input = io.TextIOWrapper(io.BytesIO(b"a\nb.mp4\0c.mp4\0"))
    monkeypatch.setattr(sys, "stdin", standard_input)
    assert names("-") == ["a\nb.mp4", "c.mp4"]
    (tmp_path / "empty.txt").touch()
    (tmp_path / "comments.txt").write_text("# none\n\n")
    (tmp_path / "open quote.csv").write_text('path\n"' + "x" * 200_000)
    for bad in ("@none.txt", "@empty.txt", "@comments.txt"):
        with pytest.raises(UsageError, match="list"):
            names(bad)
    for bad in ("@none.txt", "@empty.txt", "@comments.txt", "@open quote.csv"):
        with pytest.raises(UsageError, match="list"):
            list(each_video([bad], Selection(), Counter()))


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("\ufeffa b.mp4\r\nc.mp4\r\n".encode(), ["a b.mp4", "c.mp4"]),
        ("a b.mp4\r\ncaf\xe9.mp4\r\n".encode("utf-16"), ["a b.mp4", "caf\xe9.mp4"]),
        ("a b.mp4\r\nc.mp4\r\n".encode("utf-16-be").join([b"\xfe\xff", b""]), ["a b.mp4", "c.mp4"]),
        (b"# mine\n#1.mp4\n\nc.mp4", ["#1.mp4", "c.mp4"]),
        (b"\"a b.mp4\"\n'c.mp4' \n'd'.mp4\n 'e'", ["a b.mp4", "c.mp4", "'d'.mp4", "e"]),
        (b"sep=;\na.mp4\rb.mp4\n", ["a.mp4\rb.mp4"]),
        (b"a.mp4\rb.mp4\r", ["a.mp4", "b.mp4"]),
    ],
    ids=["UTF-8 with its mark", "UTF-16", "big-endian", "comments", "quotes", "sep=;", "Mac"],
)
def test_lists_are_text_as_any_program_writes_it(tmp_path, monkeypatch, content, expected):
    monkeypatch.chdir(tmp_path)
    touch(tmp_path, "#1.mp4")
    (tmp_path / "list.txt").write_bytes(content)
    assert names("@list.txt") == expected
    if not content.endswith(b"\r"):  # a Mac's
        taken = each_video(["@list.txt"], Selection(), Counter())
        assert [found.video for found in taken] == expected


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("a.mp4\nb.mp4\n".encode("utf-16-le"), "not UTF-8 text"),
        (b"\x7fELF\x02\x01\x01\0\0\0\0\x03\0", "not UTF-8 text"),
        (b"a.mp4\n/\n", "the root of the file system"),
        (b"a.mp4\nfolder\n", "names a folder, folder; use --folders-in-lists"),
        (b"ffconcat version 1.0\nfile a.mp4\n", "for FFmpeg"),
    ],
    ids=["UTF-16 without its mark", "binary", "root", "folder", "ffconcat"],
)
def test_lists_that_would_take_what_nobody_means_are_refused(
    tmp_path, monkeypatch, content, message
):
    monkeypatch.chdir(tmp_path)
    touch(tmp_path, "folder/x.mp4")
    (tmp_path / "list.txt").write_bytes(content)
    with pytest.raises(UsageError, match=message):
        names("@list.txt", selection=Selection(folders_in_lists="folder" not in message))
    if "folder" in message:
        found = names("@list.txt", selection=Selection(folders_in_lists=True))
        assert found == ["a.mp4", "folder/x.mp4"]


def test_path_that_is_not_there_is_wrong_usage_but_in_a_list_a_failure(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match=r"no file or folder vdieos; check the path"):
        names("vdieos")
    (tmp_path / "list.txt").write_text("gone.mp4\n")
    assert names("@list.txt") == ["gone.mp4"]


def test_names_with_brackets_are_paths_and_patterns_match_paths(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    touch(tmp_path, "t [1].mp4", "t 1.mp4", "v/b.mp4", "v/a.mp4", "v/x.txt", "v/.hidden.mp4")
    assert names("t [1].mp4", "./t [1].mp4") == ["t [1].mp4"]
    (tmp_path / "list.txt").write_text("t [1].mp4\n")
    assert names("@list.txt") == ["t [1].mp4"]
    assert names("v/*.mp4") == ["v/a.mp4", "v/b.mp4"]
    assert names("v/") == names("v") == ["a.mp4", "b.mp4"]
    taken = each_video(["t [1].mp4", "v/*.mp4"], Selection(), Counter())
    assert [found.video for found in taken] == ["t [1].mp4", "v/a.mp4", "v/b.mp4"]


def test_shadow_files_are_left_out_and_counted(tmp_path):
    touch(
        tmp_path, "a.mp4", "@eaDir/a.mp4/x.mp4", "#recycle/b.mp4", "._a.mp4", "b.mp4.part",
        "c.mp4.crdownload", "GL01.LRV", "in/GL02.lrv",
    )  # fmt: skip
    encode(tmp_path / "GL01.LRV", numbered_frames(3), container_format="mp4")
    skipped = Counter()
    assert names(str(tmp_path), skipped=skipped) == ["a.mp4"]
    kinds = {"@eaDir": 1, "#recycle": 1, "._*": 1, "*.part": 1, "*.crdownload": 1, "*.LRV": 2}
    assert skipped == kinds
    assert names(str(tmp_path), selection=Selection(include=("*.LRV",))) == ["GL01.LRV"]


def test_excluded_folders_are_not_even_listed(tmp_path, monkeypatch):
    touch(tmp_path, "a.mp4", "lost+found/x.mp4", "in/skip/y.mp4", "in/skip.mp4")
    listed = []

    def scandir(folder, scan=os.scandir):
        listed.append(os.path.relpath(folder, tmp_path))
        return scan(folder)

    monkeypatch.setattr(os, "scandir", scandir)
    selection = Selection(exclude=("lost+found", "in/skip/"))
    assert names(str(tmp_path), selection=selection) == ["a.mp4", "in/skip.mp4"]
    assert listed == [".", "in"]


def test_video_given_as_a_list_is_refused(tmp_path):
    video = encode(tmp_path / "clip.mp4", numbered_frames(3))
    with pytest.raises(UsageError, match="is a video, not a list"):
        names(f"@{video}")


def test_a_list_in_another_encoding_is_refused_unless_its_files_are_there(tmp_path):
    name = os.fsdecode(b"caf\xe9.mp4")
    (tmp_path / "list.txt").write_bytes(os.fsencode(tmp_path / name) + b"\n")
    with pytest.raises(UsageError, match="not UTF-8 text; save it as UTF-8"):
        find_videos([f"@{tmp_path}/list.txt"], Selection())
    (tmp_path / name).touch()
    assert len(find_videos([f"@{tmp_path}/list.txt"], Selection())) == 1
