"""Downloads from a server that misbehaves: a good file or a clear error, never a bad file."""

import io
import random
import time
from email.utils import formatdate
from functools import partial as bound

import h5py
import pytest
from misbehaving_server import answering, chunked, hanging_up, serving

from vswin_cli.errors import CheckpointError, DownloadError
from vswin_cli.weights.fetch import Fetching, fetch
from vswin_cli.weights.transfer import Patience
from vswin_cli.weights.watch import Watcher

QUICK = Patience(first_delay_seconds=0.01)


def get(target, server, *, patience=QUICK, timeout_seconds=5.0, **options):
    fetching = Fetching(
        mirror=server.mirror, patience=patience, timeout_seconds=timeout_seconds, **options
    )
    return fetch(target, fetching, Watcher())


def beside(target):
    """Names in the cache but the lock's."""
    return sorted(p.name for p in target.folder.iterdir() if p != target.lock_path)


def assert_whole(target, server):
    assert target.path.read_bytes() == server.content
    assert beside(target) == [target.path.name, target.record_path.name]


def assert_nothing(target):
    assert beside(target) == []


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


@pytest.mark.parametrize("reset", [False, True])
def test_cut_twenty_times_in_a_row(target, server, reset):
    rng = random.Random(3)
    server.script = [serving(cut_after=rng.randrange(1100, 7000), reset=reset) for _ in range(20)]
    get(target, server)
    assert_whole(target, server)
    assert len(server.requests) == 21
    extra = server.num_bytes_sent - len(server.content)
    assert extra <= (20 * 7000 if reset else 0)  # a reset may cost what is still on its way


def test_continuing_asks_with_the_strong_etag(target, server):
    server.script = [serving(cut_after=50_000)]
    get(target, server)
    _, headers = server.requests[1]
    assert headers["Range"] == "bytes=50000-"
    assert headers["If-Range"] == '"one"'
    assert headers["Accept-Encoding"] == "identity"


def test_continuing_asks_with_the_date_where_the_etag_is_weak(target, server):
    date = "Mon, 01 Jan 2024 00:00:00 GMT"
    options = {"etag": 'W/"one"', "last_modified": date}
    server.script = [serving(cut_after=50_000, **options), serving(**options)]
    get(target, server)
    assert server.requests[1][1]["If-Range"] == date
    assert_whole(target, server)
    assert server.num_bytes_sent == len(server.content)


def test_continuing_compares_the_last_bytes_where_there_is_no_validator(target, server):
    server.script = [serving(cut_after=50_000, etag=None)]
    server.always = serving(etag=None)
    get(target, server)
    assert server.requests[1][1]["Range"] == f"bytes={50_000 - 1024}-"
    assert server.num_bytes_sent == len(server.content) + 1024
    assert_whole(target, server)


@pytest.mark.parametrize("if_range", [True, False], ids=["obeyed", "ignored"])
@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"etag": '"one"'}, {"etag": '"two"'}),
        ({"etag": None, "last_modified": "a"}, {"etag": None, "last_modified": "b"}),
        ({"etag": None}, {"etag": None}),
    ],
    ids=["etag", "date", "no validator"],
)
def test_file_that_changes_in_mid_download_is_begun_anew(target, server, before, after, if_range):
    old = random.Random(1).randbytes(len(server.content))
    old = server.content[:100] + old[100:]
    server.script = [serving(content=old, cut_after=60_000, **before)]
    server.always = serving(if_range=if_range, **after)
    get(target, server)
    assert_whole(target, server)


def test_file_that_shrinks_in_mid_download_is_refused(target, server):
    server.script = [serving(cut_after=60_000)]
    server.always = serving(content=server.content[:40_000], etag='"two"', if_range=False)
    with pytest.raises(DownloadError, match=r"40,000 bytes, .* 121,392"):
        get(target, server)
    assert not target.path.exists()


def test_server_without_range_restarts_cleanly(target, server):
    server.script = [serving(cut_after=60_000)]
    server.always = serving(ranges=False)
    get(target, server)
    assert_whole(target, server)
    assert server.num_bytes_sent == 60_000 + len(server.content)


def test_another_range_than_the_one_asked_for_is_not_used(target, server):
    server.script = [serving(cut_after=60_000), serving(shift=-500)]
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
    assert len(server.requests) == 6  # nothing is gained by a restart, so retries are counted


@pytest.mark.parametrize("damage", ["noise", "truncated", "not_finite", "flipped_header"])
def test_wrong_content_of_the_right_length_is_kept_aside(target, server, damage):
    whole = server.content
    server.content = {
        "noise": random.Random(2).randbytes(len(whole)),
        "truncated": whole[: len(whole) // 2] + bytes(len(whole) - len(whole) // 2),
        "not_finite": _with_a_nan(whole),
        "flipped_header": whole[:20] + bytes([whole[20] ^ 255]) + whole[21:],
    }[damage]
    with pytest.raises(CheckpointError, match=r"not usable: .* kept aside as .*\.corrupt") as error:
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


@pytest.mark.parametrize("form", ["seconds", "date"])
@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_is_obeyed(target, server, form, status):
    retry_after = "1" if form == "seconds" else formatdate(time.time() + 2, usegmt=True)
    server.script = [answering(status, Retry_After=retry_after)]
    begun = time.monotonic()
    get(target, server)
    assert time.monotonic() - begun >= 0.95
    assert_whole(target, server)


def test_retry_after_an_hour_is_not_waited_for(target, server):
    server.always = answering(429, Retry_After="3600")
    with pytest.raises(DownloadError, match="asks to be tried again in 3600 s"):
        get(target, server)
    assert len(server.requests) == 1


def test_stalled_connection_is_continued(target, server):
    server.script = [serving(stall_after=50_000)]
    get(target, server, timeout_seconds=0.3)
    assert_whole(target, server)
    assert server.requests[1][1]["Range"] == "bytes=50000-"


def test_server_that_is_always_silent(target, server):
    server.always = serving(stall_after=0)
    with pytest.raises(DownloadError, match=r"no byte for 0.2 s; gave up after 2 retries"):
        get(target, server, timeout_seconds=0.2, patience=Patience(2, 0.01))
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


def test_server_that_is_not_there(target, server):
    fetching = Fetching(mirror="http://127.0.0.1:9/", patience=QUICK)
    with pytest.raises(DownloadError, match="Connection refused"):
        fetch(target, fetching, Watcher())
    fetching = Fetching(mirror="http://no-such-host.invalid/", patience=QUICK)
    with pytest.raises(DownloadError, match="is there a network"):
        fetch(target, fetching, Watcher())
    assert_nothing(target)


def test_partial_file_of_another_server_is_not_continued(target, server):
    server.script = [serving(cut_after=60_000), *[hanging_up] * 6]
    with pytest.raises(DownloadError):
        get(target, server)
    assert target.partial_path.stat().st_size == 60_000
    server.server_name = "localhost"
    fetching = Fetching(mirror=f"http://localhost:{server.server_port}/other", patience=QUICK)
    fetch(target, fetching, Watcher())
    assert "Range" not in server.requests[-1][1]
    assert_whole(target, server)


def test_partial_file_is_continued_by_the_next_try(target, server):
    server.script = [serving(cut_after=60_000), *[hanging_up] * 6]
    with pytest.raises(DownloadError):
        get(target, server)
    get(target, server)
    assert server.requests[-1][1]["Range"] == "bytes=60000-"
    assert_whole(target, server)


@pytest.mark.parametrize("origin", ["", "{", "[]", '{"address": 1}', None])
def test_partial_file_of_unknown_origin_is_not_continued(target, server, origin):
    target.folder.mkdir()
    target.partial_path.write_bytes(b"x" * 5000)
    if origin is not None:
        target.origin_path.write_text(origin)
    get(target, server)
    assert "Range" not in server.requests[0][1]
    assert_whole(target, server)


def test_complete_partial_file_needs_no_server(target, server):
    server.script = [serving(cut_after=60_000), *[hanging_up] * 6]
    with pytest.raises(DownloadError):
        get(target, server)
    target.partial_path.write_bytes(server.content)  # killed while it was verified
    server.always = answering(404)
    get(target, server)
    assert_whole(target, server)
