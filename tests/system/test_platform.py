"""Code for other systems, as far as it can run on this one."""

import errno
import os
import socket
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path

import pytest
from clips import encode, numbered_frames
from command import SAMPLES
from label_decoders import decode_or_break, make_up_views

from vswin_cli.api.shards import is_shard_folder
from vswin_cli.errors import BackendError
from vswin_cli.pages.videos import local_address
from vswin_cli.runs import channels, serving, worker_process
from vswin_cli.runs.channels import AddressChannel
from vswin_cli.runs.pool import DecodingPool
from vswin_cli.runs.videos import Found, Selection, find_videos
from vswin_cli.runs.worker import Decoding, decode_views
from vswin_cli.system import files, platform
from vswin_cli.video import decord_reader
from vswin_cli.video.reading import read_video
from vswin_cli.zoo.models import SWIN_N_MOTION


def descriptor_of(path, content=b"", flags=os.O_RDWR | os.O_CREAT):
    path.write_bytes(content)
    return os.open(path, flags)


def test_reading_and_writing_at_a_place_keep_the_position_in_all_threads(tmp_path):
    descriptor = descriptor_of(tmp_path / "numbers", b"%04d" * 1000 % tuple(range(1000)))
    os.lseek(descriptor, 7, os.SEEK_SET)
    wrong = []

    def read(first):
        for number in range(first, 1000, 4):
            if platform.read_at_by_seeking(descriptor, 4, 4 * number) != b"%04d" % number:
                wrong.append(number)
            platform.write_at_by_seeking(descriptor, b"%04d" % number, 4 * number)

    threads = [threading.Thread(target=read, args=(first,)) for first in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    assert os.lseek(descriptor, 0, os.SEEK_CUR) == 7
    assert platform.read_at_by_seeking(descriptor, 10, 5000) == b""
    os.close(descriptor)


def test_lock_by_a_byte_that_no_file_has_keeps_out_others_and_no_reader(tmp_path):
    fcntl = pytest.importorskip("fcntl")
    descriptor = descriptor_of(tmp_path / "x.jsonl", b"content")

    def lock_here():  # the only call of Windows that this system lacks
        where = os.lseek(descriptor, 0, os.SEEK_CUR)
        try:
            fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, where)
        except BlockingIOError as exc:
            raise PermissionError(errno.EACCES, "in use") from exc

    platform.lock_byte(descriptor, lock_here)
    assert os.lseek(descriptor, 0, os.SEEK_CUR) == 0
    code = (
        "import fcntl, os, sys\n"
        "from vswin_cli.system.platform import lock_byte\n"
        "file = os.open(sys.argv[1], os.O_RDWR)\n"
        "def lock_here():\n"
        "    try:\n"
        "        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, os.lseek(file, 0, 1))\n"
        "    except BlockingIOError:\n"
        "        raise PermissionError\n"
        "try:\n"
        "    lock_byte(file, lock_here)\n"
        "except BlockingIOError:\n"
        "    print('locked', os.read(file, 7))\n"
    )
    words = [sys.executable, "-c", code, tmp_path / "x.jsonl"]
    assert subprocess.run(words, capture_output=True, text=True).stdout == "locked b'content'\n"
    os.close(descriptor)
    assert subprocess.run(words, capture_output=True, text=True).stdout == ""


def test_replacing_waits_for_who_has_the_file_open(tmp_path, monkeypatch):
    refusals = [PermissionError(errno.EACCES, "in use")] * 2
    rename = Path.replace

    def refuse_first(source, target):
        if refusals:
            raise refusals.pop()
        return rename(source, target)

    monkeypatch.setattr(platform, "REPLACES_OPEN_FILES", False)
    monkeypatch.setattr(Path, "replace", refuse_first)
    (tmp_path / "new").write_text("new")
    (tmp_path / "old").write_text("old")
    platform.replace(tmp_path / "new", tmp_path / "old")
    assert (tmp_path / "old").read_text() == "new"
    refusals += [PermissionError(errno.EACCES, "in use")] * 9
    monkeypatch.setattr(platform, "_REPLACING_SECONDS", (0, 0))
    (tmp_path / "new").write_text("newer")
    with pytest.raises(PermissionError):
        platform.replace(tmp_path / "new", tmp_path / "old")


def test_links_are_refused_where_no_flag_does_it(tmp_path, monkeypatch):
    monkeypatch.setattr(platform, "_NO_LINKS", 0)
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to(tmp_path / "file")
    with pytest.raises(OSError, match=os.strerror(errno.ELOOP)):
        platform.open_descriptor(tmp_path / "link", os.O_RDWR, follow_links=False)
    os.close(platform.open_descriptor(tmp_path / "file", os.O_RDWR, follow_links=False))


def test_worker_on_windows_does_not_take_its_launcher_for_a_lost_parent(monkeypatch):
    """There, the Python of a virtual environment runs as a child of a launcher."""
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setattr(os, "_exit", pytest.fail)
    platform.end_with(os.getppid() + 1)


def test_names_of_films_stay_in_the_folder_of_outputs_on_windows_too(monkeypatch):
    monkeypatch.setattr(files, "SPLITS_NAMES", r"[/\\:]")
    paths = {
        r"C:\films\a.mp4": "C/films/a.mp4",
        r"..\..\a.mp4": "a.mp4",
        "https://host:80/a.mp4": "https/host/80/a.mp4",
    }
    assert {name: str(files.path_inside(name)) for name in paths} == paths


def test_folder_of_shards_may_end_in_a_slash_on_windows_too(monkeypatch):
    monkeypatch.setattr(os, "sep", "\\")
    assert is_shard_folder("labels/")


def test_address_of_a_file_on_a_drive():
    assert platform.path_in_address("/C:/clips/a.mp4", has_drives=True) == "C:/clips/a.mp4"
    assert platform.path_in_address("/clips/a.mp4", has_drives=True) == "/clips/a.mp4"
    assert platform.path_in_address("/C:/clips/a.mp4", has_drives=False) == "/C:/clips/a.mp4"


def test_videos_on_several_drives(tmp_path, monkeypatch):
    def differ(*paths):
        raise ValueError("path is on mount 'D:', start on mount 'C:'")

    (tmp_path / "videos").mkdir()
    (tmp_path / "linked").mkdir()
    (tmp_path / "linked/a.mp4").touch()
    (tmp_path / "videos/link").symlink_to(tmp_path / "linked")
    monkeypatch.setattr(os.path, "commonpath", differ)
    monkeypatch.setattr(os.path, "relpath", differ)
    (found,) = find_videos([str(tmp_path / "videos")], Selection())
    assert found.video == "link/a.mp4"
    address = local_address(found.place, tmp_path / "page.html", (1.0, 2.0))
    assert address == f"{(tmp_path / 'videos/link/a.mp4').as_uri()}#t=1,2"


def test_decord_reads_a_copy_where_open_files_have_no_name(tmp_path, monkeypatch):
    monkeypatch.setattr(decord_reader, "name_of_open_file", platform.copied)
    path = encode(tmp_path / "100%d.mp4", numbered_frames(20))
    assert read_video(str(path), "decord", lambda number: [3], lambda frame: 0).num_frames == 20


@pytest.mark.parametrize("system", ["linux", "darwin", "win32"])
def test_name_of_an_open_file_leads_to_its_start(tmp_path, monkeypatch, system):
    """On macOS, whoever opens /dev/fd/N goes on where the file was read last."""
    monkeypatch.setattr(sys, "platform", system)
    (tmp_path / "clip.mp4").write_bytes(b"content")
    with (tmp_path / "clip.mp4").open("rb") as file:
        file.read()
        with platform.name_of_open_file(file) as name:
            assert name.startswith("/dev/fd/") == (system == "linux")
            assert Path(name).read_bytes() == b"content"


def test_pipe_without_a_reader_is_known_on_windows_too(monkeypatch):
    invalid, named = OSError(errno.EINVAL, "x"), OSError(errno.EINVAL, "x", "a?.mp4")
    errors = BrokenPipeError(errno.EPIPE, "x"), invalid, named
    assert [*map(platform.is_broken_pipe, errors)] == [True, False, False]
    monkeypatch.setattr(sys, "platform", "win32")
    assert [*map(platform.is_broken_pipe, errors)] == [True, True, False]


@pytest.mark.parametrize("family", ["AF_UNIX", "AF_INET"])
def test_workers_are_reached_by_addresses_too(family, tmp_path, monkeypatch):
    """On Windows the family is AF_PIPE; the rest is the same."""
    if not hasattr(socket, family):
        pytest.skip(f"this system has no {family}")
    monkeypatch.setattr(serving, "open_channel", lambda: AddressChannel(family))
    monkeypatch.setattr(channels.tempfile, "tempdir", str(tmp_path))
    decoding = Decoding(decode_views, SWIN_N_MOTION.protocol, "auto")
    with closing(
        DecodingPool(decoding, num_workers=2, timeout_seconds=60).decode_each(
            [Found(name, str(SAMPLES / f"{name}.mp4")) for name in ("pan_left", "none", "static")]
        )
    ) as each:
        found = {decoded.found.video: decoded for decoded in each}
    right = decode_views(str(SAMPLES / "static.mp4"), SWIN_N_MOTION.protocol, "auto")
    assert found["none"].error.kind == "missing"
    got = [view.frames.tobytes() for view in found["static"].views]
    assert got == [view.frames.tobytes() for view in right]
    assert not list(tmp_path.glob("vswin-*"))


def test_worker_at_an_address_that_crashes_hangs_or_never_starts_is_told(monkeypatch):
    monkeypatch.setattr(serving, "open_channel", AddressChannel)
    pool = DecodingPool(
        Decoding(decode_or_break, SWIN_N_MOTION.protocol, "auto"), num_workers=2, timeout_seconds=3
    )
    errors = {
        decoded.found.video: decoded.error.kind
        for decoded in pool.decode_each([Found(name, name) for name in ("hangs", "exits")])
    }
    assert errors == {"hangs": "timeout", "exits": "crashed"}
    monkeypatch.setattr(worker_process, "_SERVE", "raise SystemExit(3)")
    pool = DecodingPool(
        Decoding(make_up_views, SWIN_N_MOTION.protocol, "auto"), num_workers=1, timeout_seconds=3
    )
    with pytest.raises(BackendError, match="exited with code 3"):
        list(pool.decode_each([Found("x", "x")]))
