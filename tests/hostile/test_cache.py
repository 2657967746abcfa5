"""Shared caches and servers: nothing is written elsewhere, or without a limit."""

import os
import stat

import pytest
from transferring import assert_whole, get

from vswin_cli.errors import DownloadError
from vswin_cli.system.files import temporary_path
from vswin_cli.weights.transfer import ROOM_BYTES


def link(path, victim):
    path.symlink_to(victim)


def dangling_link(path, victim):
    path.symlink_to(victim.with_name("made"))


def second_name(path, victim):
    path.hardlink_to(victim)


def pipe(path, _victim):
    os.mkfifo(path)


def open_to_all(path, _victim):
    path.write_text("another user's, who keeps it open")
    os.chown(path, 65534, 65534)
    path.chmod(0o666)


@pytest.mark.parametrize("plant", [link, dangling_link, second_name, pipe, open_to_all])
@pytest.mark.timeout(60)
def test_nothing_is_written_through_what_others_left_in_the_cache(target, server, tmp_path, plant):
    if plant is open_to_all and os.geteuid() != 0:
        pytest.skip("this test needs the right to be another user")
    victim = tmp_path / "victim"
    victim.write_text("precious")
    target.folder.mkdir()
    places = [target.partial_path, target.origin_path, target.record_path]
    for path in [*places, *map(temporary_path, places[1:])]:
        plant(path, victim)
    assert get(target, server)
    assert_whole(target, server)
    assert victim.read_text() == "precious"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cache", "victim"]
    assert target.path.stat().st_uid == os.geteuid()


@pytest.mark.parametrize(("folder_mode", "file_mode"), [(0o2775, 0o644), (0o750, 0o640)])
def test_files_of_a_cache_are_for_those_who_may_read_its_folder(
    target, server, folder_mode, file_mode
):
    target.folder.mkdir()
    target.folder.chmod(folder_mode)
    before = os.umask(0o077)
    try:
        assert get(target, server)
    finally:
        os.umask(before)
    assert stat.S_IMODE(target.path.stat().st_mode) == file_mode
    assert stat.S_IMODE(target.record_path.stat().st_mode) == file_mode


def endless(handler):
    """Send data without end that begins like a checkpoint."""
    handler.send_response(200)
    handler.send_header("Connection", "close")
    handler.end_headers()
    handler.send(handler.server.content)
    while not handler.server.released.is_set():
        handler.send(bytes(1 << 20))


@pytest.mark.parametrize("pin", [None, "0" * 64])
@pytest.mark.timeout(60)
def test_server_that_never_ends_is_cut_off(target, server, pin):
    server.always = endless
    with pytest.raises(DownloadError, match="the server sends more than"):
        get(target, server, sha256=pin)
    assert target.partial_path.stat().st_size < 2 * target.published.num_bytes + ROOM_BYTES


def test_pinned_file_of_absurd_size_is_not_begun(target, server):
    def enormous(handler):
        handler.send_response(200)
        handler.send_header("Content-Length", str(10**15))
        handler.end_headers()
        handler.send(handler.server.content)

    server.always = enormous
    with pytest.raises(DownloadError, match="more than any file of this model"):
        get(target, server, sha256="0" * 64)
