"""Everything around the transfer: present files, pins, folders, disks, proxies, certificates."""

import contextlib
import os
import resource
import shutil
import ssl
import subprocess
from pathlib import Path

import pytest
from misbehaving_server import MisbehavingServer, answering, chunked, serving

from vswin_cli.errors import CheckpointError, DownloadError, UsageError, WeightsError
from vswin_cli.system.files import file_sha256
from vswin_cli.weights.fetch import Fetching, fetch
from vswin_cli.weights.pins import read_record, write_record
from vswin_cli.weights.transfer import Patience
from vswin_cli.weights.watch import DownloadWatcher


class Listener(DownloadWatcher):
    """Records what it is told."""

    def __init__(self):
        super().__init__()
        self.said = []
        self.heard = []

    def starts(self, num_bytes, total_bytes):
        self.heard.append((num_bytes, total_bytes))

    def advances(self, num_bytes):
        self.heard.append((num_bytes, None))

    def says(self, text):
        self.said.append(text)


def get(target, mirror, watcher=None, **options):
    fetching = Fetching(mirror=mirror, patience=Patience(first_delay_seconds=0.01), **options)
    return fetch(target, fetching, watcher or DownloadWatcher())


def place(target, content):
    target.folder.mkdir(exist_ok=True)
    target.path.write_bytes(content)


@contextlib.contextmanager
def file_system(folder: Path, options: str):
    """Mount a small separate file system on a folder."""
    folder.mkdir(exist_ok=True)
    mount = ["mount", "-t", "tmpfs", "-o", options, "none", str(folder)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("this test needs the right to mount a file system")
    try:
        yield
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def test_whole_file_put_there_by_hand_is_used_and_recorded(target, server):
    place(target, server.content)
    assert not get(target, server.mirror)
    assert server.requests == []
    assert read_record(target) == file_sha256(target.path)


@pytest.mark.parametrize("damage", ["truncated", "longer", "noise"])
def test_damaged_file_is_kept_aside_and_fetched_again(target, server, damage):
    whole = server.content
    bad = {"truncated": whole[:5000], "longer": whole + b"x", "noise": b"x" * len(whole)}[damage]
    place(target, bad)
    listener = Listener()
    assert get(target, server.mirror, listener)
    assert target.path.read_bytes() == whole
    assert target.corrupt_path.read_bytes() == bad
    assert any("set aside" in text for text in listener.said)


def test_bit_that_flipped_since_the_first_time_is_noticed(target, server):
    get(target, server.mirror)
    content = bytearray(server.content)
    content[-1000] ^= 1
    place(target, content)
    assert get(target, server.mirror)
    assert target.path.read_bytes() == server.content


def test_failing_download_in_place_of_a_damaged_file_leaves_none(target, server):
    place(target, b"damaged")
    server.always = answering(404)
    with pytest.raises(DownloadError):
        get(target, server.mirror)
    assert not target.path.exists()


def test_file_is_on_the_disk_before_it_has_its_name_and_the_name_after(target, server, monkeypatch):
    fsync, synced = os.fsync, []

    def noting(descriptor):
        fsync(descriptor)
        synced.append((Path(f"/proc/self/fd/{descriptor}").readlink(), target.path.exists()))

    monkeypatch.setattr(os, "fsync", noting)
    get(target, server.mirror)
    assert (target.partial_path, False) in synced
    assert (target.folder, True) in synced


def test_forced_download_keeps_the_old_file_until_the_new_one_is_whole(target, server):
    get(target, server.mirror)
    server.content = b"x" * len(server.content)
    with pytest.raises(CheckpointError):
        get(target, server.mirror, force=True)
    assert file_sha256(target.path) == read_record(target)


def test_pinned_sum_is_checked(target, server, small_file):
    with pytest.raises(CheckpointError, match=r"cannot be used: .* but f{64} is pinned"):
        get(target, server.mirror, sha256="f" * 64)
    assert not target.path.exists()
    assert target.corrupt_path.exists()
    assert get(target, server.mirror, sha256=file_sha256(small_file))


def test_good_file_outlives_a_pin_that_is_wrong(target, server):
    good = server.content
    place(target, good)
    server.content = b"x" * len(good)
    with pytest.raises(CheckpointError):
        get(target, server.mirror, sha256="0" * 64)
    assert target.path.read_bytes() == good
    assert target.corrupt_path.read_bytes() == server.content


def test_good_file_is_kept_aside_when_the_pinned_one_has_come(target, server, tmp_path):
    good = server.content
    place(target, good)
    server.content += b"more"
    (tmp_path / "own.h5").write_bytes(server.content)
    assert get(target, server.mirror, sha256=file_sha256(tmp_path / "own.h5"))
    assert target.path.read_bytes() == server.content
    assert target.corrupt_path.read_bytes() == good


def test_what_is_kept_aside_is_never_overwritten(target, server):
    for bad in (b"first", b"second"):
        place(target, bad)
        assert get(target, server.mirror)
    server.content = b"x" * len(server.content)
    with pytest.raises(CheckpointError, match=r"not kept, because .*\.corrupt exists"):
        get(target, server.mirror, force=True)
    first, second = target.corrupt_paths
    assert (first.read_bytes(), second.read_bytes()) == (b"first", b"second")
    assert not target.partial_path.exists()


def test_pinned_file_may_have_a_size_of_its_own(target, server, tmp_path, monkeypatch):
    server.content += b"more"
    own = tmp_path / "own.h5"
    own.write_bytes(server.content)
    sums = tmp_path / "SHA256SUMS"
    sums.write_text(f"{file_sha256(own)}  {target.published.name}\n")
    monkeypatch.setenv("VSWIN_SHA256SUMS", str(sums))
    server.script = [serving(cut_after=50_000)]
    assert get(target, server.mirror)
    assert target.path.read_bytes() == server.content
    assert not get(target, server.mirror)
    monkeypatch.delenv("VSWIN_SHA256SUMS")
    assert not get(target, server.mirror)  # as recorded


def test_pinned_file_of_unknown_length(target, server, small_file):
    server.script = [chunked]
    assert get(target, server.mirror, sha256=file_sha256(small_file))
    assert target.path.read_bytes() == server.content


def test_partial_file_of_a_pinned_size_is_not_mixed_with_the_published_one(target, server):
    whole, sum_of_own = server.content, "f" * 64
    server.script = [serving(content=whole + b"more", cut_after=50_000)]
    server.always = answering(500)
    with pytest.raises(DownloadError):
        get(target, server.mirror, sha256=sum_of_own)
    server.always = None
    assert get(target, server.mirror)
    assert target.path.read_bytes() == whole


def test_progress_goes_from_what_is_here_to_the_whole(target, server):
    server.script = [serving(cut_after=50_000)]
    listener = Listener()
    get(target, server.mirror, listener)
    size = len(server.content)
    assert listener.heard[0] == (0, size)
    assert (50_000, size) in listener.heard
    assert listener.heard[-1] == (size, None)
    numbers = [number for number, _ in listener.heard]
    assert numbers == sorted(numbers)
    assert "trying again in 0.0 s (retry 1 of 5)" in listener.said[0]


def test_file_mirror(target, small_file, tmp_path):
    mirror = small_file.parent.as_uri()
    assert get(target, mirror)
    assert target.path.read_bytes() == small_file.read_bytes()
    with pytest.raises(DownloadError, match=r"file:///.*: No such file"):
        get(target, tmp_path.as_uri(), force=True)
    assert not target.partial_path.exists()


def test_file_mirror_with_another_file(target, tmp_path):
    (tmp_path / target.published.name).write_bytes(b"\x89HDF\r\n\x1a\nshort")
    with pytest.raises(DownloadError, match=r"file:///.* 13 bytes"):
        get(target, tmp_path.as_uri())
    (tmp_path / target.published.name).unlink()
    (tmp_path / target.published.name).mkdir()
    with pytest.raises(DownloadError, match="not a file"):
        get(target, tmp_path.as_uri())


def test_wrong_mirror_is_wrong_usage(target):
    with pytest.raises(UsageError):
        get(target, "ftp://host/")


def test_folder_that_cannot_be_made(target, server, tmp_path):
    (tmp_path / "cache").write_bytes(b"a file")
    with pytest.raises((DownloadError, WeightsError), match=r"--cache-dir or VSWIN_CACHE"):
        get(target, server.mirror)


def test_read_only_cache_with_the_file_works(target, server):
    with file_system(target.folder, "size=1m"):
        place(target, server.content)
        subprocess.run(["mount", "-o", "remount,ro", str(target.folder)], check=True)
        assert not get(target, server.mirror)
        assert list(target.folder.iterdir()) == [target.path]


def test_read_only_cache_without_the_file_is_named(target, server):
    with file_system(target.folder, "size=1m,ro"):
        message = r"cannot write small.* Read-only file system; choose another folder"
        with pytest.raises(DownloadError, match=message):
            get(target, server.mirror)


def test_disk_without_room_is_known_beforehand(target, server):
    with file_system(target.folder, "size=64k"):
        with pytest.raises(DownloadError, match=r"no room for small.* make room"):
            get(target, server.mirror)
        assert not target.path.exists()
        assert not target.partial_path.exists()
    assert server.num_bytes_sent < 1e6


def test_disk_that_becomes_full_leaves_no_file(target, server, small_file):
    with file_system(target.folder, "size=64k"):
        server.always = chunked  # no length, so the size is unknown in advance
        with pytest.raises(DownloadError, match="No space left on device; make room"):
            get(target, server.mirror, sha256=file_sha256(small_file))
        assert not target.path.exists()
        assert not target.partial_path.exists()


def test_file_size_limit_leaves_no_file(target, server):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, hard))
    try:
        with pytest.raises(DownloadError, match="File too large; make room"):
            get(target, server.mirror)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert not target.path.exists()
    assert not target.partial_path.exists()


def test_proxy_of_the_environment_is_used(target, server, monkeypatch):
    with MisbehavingServer(server.content) as proxy:
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{proxy.server_port}")
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{proxy.server_port}")
        get(target, "http://weights.example/folder")
        path, _ = proxy.requests[0]
        assert path == f"http://weights.example/folder/{target.published.name}"
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        get(target, server.mirror, force=True)
        assert len(server.requests) == 1


def test_proxy_that_refuses_is_named(target, monkeypatch):
    with MisbehavingServer(b"") as proxy:
        monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{proxy.server_port}")
        with pytest.raises(DownloadError, match=r"the proxy does not let it through .*501"):
            get(target, "https://weights.example/")


@pytest.fixture
def certificate(tmp_path):
    """A certificate for 127.0.0.1 that no authority has signed."""
    if shutil.which("openssl") is None:
        pytest.skip("this test needs openssl")
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
    command += ["-keyout", key, "-out", certificate, "-subj", "/CN=127.0.0.1"]
    command += ["-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run(command, check=True, capture_output=True)
    return key, certificate


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", None])
def test_certificate_of_a_companys_own_authority(
    target, server, certificate, monkeypatch, variable
):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate[1], certificate[0])
    server.socket = context.wrap_socket(server.socket, server_side=True)
    mirror = server.mirror.replace("http:", "https:")
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"):
        monkeypatch.delenv(name, raising=False)
    if variable:
        monkeypatch.setenv(variable, str(certificate[1]))
        assert get(target, mirror)
    else:
        with pytest.raises(DownloadError, match=r"not trusted; .* REQUESTS_CA_BUNDLE"):
            get(target, mirror)


def test_login_of_netrc_is_used(target, server, tmp_path, monkeypatch):
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login me password secret\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    get(target, server.mirror)
    assert server.requests[0][1]["Authorization"].startswith("Basic ")


def test_password_of_an_address_is_not_shown(target, server):
    server.always = answering(403)
    mirror = server.mirror.replace("http://", "http://me:secret@")
    with pytest.raises(DownloadError, match="HTTP 403") as error:
        get(target, mirror)
    assert "secret" not in str(error.value)
    assert "Authorization" in server.requests[0][1]


def test_stopping_raises_soon_and_keeps_what_is_here(target, server):
    server.always = serving(stall_after=50_000)
    watcher = DownloadWatcher()

    def stopping(num_bytes):
        if num_bytes == 50_000:
            watcher._stopped.set()

    watcher.advances = stopping
    with pytest.raises(KeyboardInterrupt):
        get(target, server.mirror, watcher, timeout_seconds=0.5)
    assert target.partial_path.stat().st_size == 50_000


def test_record_of_a_replaced_file_does_not_outlive_it(target, server):
    place(target, server.content)
    write_record(target, "f" * 64)
    assert get(target, server.mirror, force=True)
    assert read_record(target) == file_sha256(target.path)


def test_old_login_does_not_stay_beside_the_file(target, server):
    server.always = serving(cut_after=60_000, ranges=False)
    with pytest.raises(DownloadError):
        get(target, server.mirror.replace("http://", "http://me:secret@") + "?token=secret")
    for path in target.folder.iterdir():
        assert b"secret" not in path.read_bytes()
