"""Downloads from a server that misbehaves: a good file or a clear error, never a bad file."""

import io
import random
import socket
import time
from email.utils import formatdate
from functools import partial as bound

import h5py
import pytest
from misbehaving_server import answering, chunked, hanging_up, serving
from transferring import QUICK, assert_nothing, assert_whole, beside, get

from vswin_cli.errors import CheckpointError, DownloadError
from vswin_cli.weights.fetch import Fetching, fetch
from vswin_cli.weights.transfer import OVERLAP_BYTES, Patience
from vswin_cli.weights.watch import DownloadWatcher


def test_file_is_downloaded_once_and_then_used(target, server):
    assert get(target, server)
    assert_whole(target, server)
    assert not get(target, server)
    assert len(server.requests) == 1


def test_force_downloads_again(target, server):
    get(target, server)
    assert get(target, server, force=True)
    assert_whole(target, server)
    assert len(server.requests) == 2


@pytest.mark.parametrize("digits", [19, 5000])
def test_numbers_without_end_count_for_nothing(target, server, digits):
    number = "1" * digits
    server.script = [
        serving(length=number, cut_after=60_000),
        answering(206, b"x", Content_Range=f"bytes {number}-{number}/{number}"),
    ]
    get(target, server)
    assert_whole(target, server)


def test_chunked_reply_without_a_length(target, server):
    server.script = [bound(chunked, cut_after=70_000), chunked]
    get(target, server)
    assert_whole(target, server)


def test_reply_that_ends_with_the_connection(target, server):
    server.script = [serving(length=-1, cut_after=70_000)]
    server.always = serving(length=-1)
    get(target, server)
    assert_whole(target, server)


@pytest.mark.parametrize(
    "step",
    [
        serving(length=1000, content=b"\x89HDF\r\n\x1a\n" * 125),
        serving(content=b"\x89HDF\r\n\x1a\n" * 99_999),
    ],
    ids=["shorter", "longer"],
)
def test_wrong_length_is_refused_at_once(target, server, step):
    server.always = step
    with pytest.raises(
        DownloadError, match=r"127.0.0.1.* bytes, the published .* pin it with --sha256"
    ):
        get(target, server)
    assert_nothing(target)
    assert len(server.requests) == 1


def test_more_bytes_than_the_file_has_are_refused(target, server):
    server.always = serving(content=server.content + b"more", length=-1)
    with pytest.raises(DownloadError, match=r"sends more than 121,392 bytes"):
        get(target, server)
    assert not target.path.exists()


def test_length_that_the_server_does_not_keep(target, server):
    server.always = serving(content=server.content[:-9], length=len(server.content), ranges=False)
    with pytest.raises(
        DownloadError, match=r"broke; gave up after 5 retries, 121,383 bytes are kept"
    ):
        get(target, server)
    assert not target.path.exists()
    assert len(server.requests) == 6  # a restart gains nothing, so retries are counted


@pytest.mark.parametrize("damage", ["noise", "truncated", "not_finite", "flipped_header"])
def test_wrong_content_of_the_right_length_is_kept_aside(target, server, damage):
    whole = server.content
    server.content = {
        "noise": random.Random(2).randbytes(len(whole)),
        "truncated": whole[: len(whole) // 2] + bytes(len(whole) - len(whole) // 2),
        "not_finite": _with_a_nan(whole),
        "flipped_header": whole[:20] + bytes([whole[20] ^ 255]) + whole[21:],
    }[damage]
    with pytest.raises(
        CheckpointError, match=r"cannot be used: .* set aside as .*\.corrupt"
    ) as error:
        get(target, server)
    assert ".part" not in str(error.value)
    assert beside(target) == [target.corrupt_path.name]
    assert target.corrupt_path.read_bytes() == server.content
    server.content = whole
    get(target, server)
    assert target.path.read_bytes() == whole


def _with_a_nan(whole):
    stream = io.BytesIO(whole)
    with h5py.File(stream, "r+") as file:
        file["layers/dense/vars/1"][7] = float("nan")
    assert len(stream.getvalue()) == len(whole)
    return stream.getvalue()


@pytest.mark.parametrize("length", [None, -1], ids=["with a length", "without"])
def test_login_page_with_status_200(target, server, length):
    page = b"<!DOCTYPE html><title>Sign in</title>" * 40
    server.always = serving(content=page, length=length, content_type="text/html; charset=utf-8")
    with pytest.raises(DownloadError, match=r"127.0.0.1.* HTML page, a login or error page"):
        get(target, server)
    assert_nothing(target)


def test_something_without_a_length_that_is_no_hdf5(target, server):
    server.always = serving(content=b'{"error": 1}', length=-1, content_type="application/json")
    with pytest.raises(DownloadError, match="not HDF5"):
        get(target, server)
    assert len(server.requests) == 1


@pytest.mark.parametrize("status", [401, 403, 404, 410, 451])
def test_refusals_are_final(target, server, status):
    server.always = answering(status)
    with pytest.raises(DownloadError, match=f"{server.mirror}/small_.*: HTTP {status}"):
        get(target, server)
    assert len(server.requests) == 1
    assert_nothing(target)


@pytest.mark.parametrize("status", [500, 502, 503, 504, 429, 408])
def test_two_failures_and_then_good(target, server, status):
    server.script = [answering(status)] * 2
    get(target, server)
    assert_whole(target, server)
    assert len(server.requests) == 3


def test_five_retries_and_no_more(target, server):
    server.always = answering(500)
    with pytest.raises(DownloadError, match=r"HTTP 500.* gave up after 5 retries"):
        get(target, server)
    assert len(server.requests) == 6


def test_connection_that_breaks_before_the_answer(target, server):
    server.script = [hanging_up] * 3
    get(target, server)
    assert_whole(target, server)


@pytest.mark.slow
@pytest.mark.parametrize("form", ["seconds", "date"])
@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_is_obeyed(target, server, form, status):
    retry_after = "1" if form == "seconds" else formatdate(time.time() + 2, usegmt=True)
    server.script = [answering(status, Retry_After=retry_after)]
    begun = time.monotonic()
    get(target, server)
    assert time.monotonic() - begun >= 0.95
    assert_whole(target, server)


def test_retry_after_does_not_shorten_the_wait(target, server):
    server.script = [answering(503, Retry_After="0")] * 3
    begun = time.monotonic()
    get(target, server, patience=Patience(first_delay_seconds=0.1))
    assert time.monotonic() - begun >= 0.1 + 0.2 + 0.4


@pytest.mark.parametrize("retry_after", ["9" * 400, "Fri, 31 Dec 9999 23:59:59 GMT"])
def test_retry_after_for_ever_is_said_in_numbers(target, server, retry_after):
    server.always = answering(503, Retry_After=retry_after)
    with pytest.raises(DownloadError, match="asks to wait for 31622400 s"):
        get(target, server)


def test_retry_after_an_hour_is_not_waited_for(target, server):
    server.always = answering(429, Retry_After="3600")
    with pytest.raises(DownloadError, match="asks to wait for 3600 s"):
        get(target, server)
    assert len(server.requests) == 1


def test_stalled_connection_is_continued(target, server):
    server.script = [serving(stall_after=50_000)]
    get(target, server, timeout_seconds=1)
    assert_whole(target, server)
    assert server.requests[1][1]["Range"] == f"bytes={50_000 - OVERLAP_BYTES}-"


@pytest.mark.slow
def test_server_that_is_always_silent(target, server):
    server.always = serving(stall_after=0)
    with pytest.raises(DownloadError, match=r"no data for 0.5 s; gave up after 2 retries"):
        get(target, server, timeout_seconds=0.5, patience=Patience(2, 0.01))
    assert_nothing(target)


def test_redirects_are_followed_with_the_range(target, server):
    server.script = [
        answering(302, Location="/elsewhere?signature=1"),
        serving(cut_after=60_000),
        answering(307, Location=f"http://localhost:{server.server_port}/elsewhere?signature=2"),
    ]
    get(target, server)
    assert_whole(target, server)
    path, headers = server.requests[3]
    assert path == "/elsewhere?signature=2"
    assert headers["Range"].startswith("bytes=")


def test_redirect_loop(target, server):
    server.always = answering(302, Location="/round")
    with pytest.raises(DownloadError, match="redirects more than 10 times"):
        get(target, server)
    assert_nothing(target)


@pytest.mark.parametrize(
    "location",
    [
        "gopher://host/file",
        "http://",
        "http://[",
        "http://host:x/",
        "http://a b/",
        "//",
        "http://.",
    ],
)
def test_redirect_to_nowhere(target, server, location):
    server.always = answering(302, Location=location)
    with pytest.raises(DownloadError, match=f"{server.mirror}/small.*: "):
        get(target, server)
    assert not target.path.exists()


def test_compressed_reply_is_refused(target, server):
    server.always = answering(200, b"\x1f\x8b" * 9, Content_Encoding="gzip")
    with pytest.raises(DownloadError, match="compressed"):
        get(target, server)


def test_encoding_that_is_none_is_known_in_any_case(target, server):
    server.script = [answering(200, server.content, Content_Encoding="Identity")]
    get(target, server)
    assert_whole(target, server)


def test_name_server_that_does_not_answer_is_asked_again(target, server, monkeypatch):
    """Raise the error of the system's resolver once; no real name is looked up."""
    resolve, asked = socket.getaddrinfo, []

    def resolving_at_the_second_try(host, *arguments, **options):
        asked.append(host)
        if len(asked) == 1:
            raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
        return resolve(host, *arguments, **options)

    monkeypatch.setattr(socket, "getaddrinfo", resolving_at_the_second_try)
    get(target, server)
    assert_whole(target, server)


def test_server_that_is_not_there(target, server, monkeypatch):
    fetching = Fetching(mirror="http://127.0.0.1:9/", patience=QUICK)
    with pytest.raises(DownloadError, match="Connection refused"):
        fetch(target, fetching, DownloadWatcher())

    def resolving_nothing(host, *arguments, **options):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", resolving_nothing)
    fetching = Fetching(mirror="http://no-such-host.invalid/", patience=QUICK)
    with pytest.raises(DownloadError, match=r"not known.*check the network"):
        fetch(target, fetching, DownloadWatcher())
    assert_nothing(target)
