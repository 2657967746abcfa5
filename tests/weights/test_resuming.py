"""Interrupted downloads: continued if that is proved right, otherwise started again."""

import contextlib
import json
import random
import re

import pytest
from misbehaving_server import answering, hanging_up, serving
from transferring import PATIENT, QUICK, assert_whole, get

from vswin_cli.errors import DownloadError
from vswin_cli.weights.fetch import Fetching, fetch
from vswin_cli.weights.partial import running_system
from vswin_cli.weights.transfer import OVERLAP_BYTES, Patience
from vswin_cli.weights.watch import DownloadWatcher


@pytest.mark.parametrize("reset", [False, True])
def test_cut_twenty_times_in_a_row(target, server, reset):
    rng = random.Random(3)
    cuts = [OVERLAP_BYTES + rng.randrange(1100, 4000) for _ in range(20)]
    server.script = [serving(cut_after=cut, reset=reset) for cut in cuts]
    get(target, server, patience=PATIENT)
    assert_whole(target, server)
    assert len(server.requests) == 21
    extra = server.num_bytes_sent - len(server.content) - 20 * OVERLAP_BYTES
    assert extra <= (20 * 4000 if reset else 0)  # a reset may lose what is still on its way


def test_continuing_asks_with_the_strong_etag(target, server):
    server.script = [serving(cut_after=50_000)]
    get(target, server)
    _, headers = server.requests[1]
    assert headers["Range"] == f"bytes={50_000 - OVERLAP_BYTES}-"
    assert headers["If-Range"] == '"one"'
    assert headers["Accept-Encoding"] == "identity"


def test_continuing_asks_with_the_date_where_the_etag_is_weak(target, server):
    date = "Mon, 01 Jan 2024 00:00:00 GMT"
    options = {"etag": 'W/"one"', "last_modified": date}
    server.script = [serving(cut_after=50_000, **options), serving(**options)]
    get(target, server)
    assert server.requests[1][1]["If-Range"] == date
    assert_whole(target, server)
    assert server.num_bytes_sent == len(server.content) + OVERLAP_BYTES


def test_continuing_compares_the_last_bytes_where_there_is_no_validator(target, server):
    server.script = [serving(cut_after=50_000, etag=None)]
    server.always = serving(etag=None)
    get(target, server)
    assert server.requests[1][1]["Range"] == f"bytes={50_000 - OVERLAP_BYTES}-"
    assert server.num_bytes_sent == len(server.content) + OVERLAP_BYTES
    assert_whole(target, server)


@pytest.mark.parametrize(
    "origin",
    [{"etag": '"one"'}, {"etag": None, "last_modified": "a"}, {"etag": 'W/"one"'}],
    ids=["etag", "date", "weak etag and no date"],
)
def test_validator_that_does_not_change_with_the_file_is_not_relied_on(target, server, origin):
    old = server.content[:100] + random.Random(1).randbytes(len(server.content) - 100)
    server.script = [serving(content=old, cut_after=60_000, **origin)]
    server.always = serving(**origin)
    get(target, server)
    assert_whole(target, server)


@pytest.mark.parametrize("origin", [{}, {"etag": None, "last_modified": "a"}], ids=["etag", "date"])
def test_continuation_without_the_validator_is_not_used(target, server, origin):
    """The overlap is equal: the two files differ only after it."""
    other = bytearray(server.content)
    other[-1000] ^= 1
    server.script = [
        serving(cut_after=60_000, **origin),
        serving(content=bytes(other), etag=None, if_range=False),
    ]
    get(target, server)
    assert_whole(target, server)
    assert "Range" not in server.requests[2][1]


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


def test_refused_range_does_not_cost_what_is_here(target, server):
    server.script = [serving(cut_after=60_000), answering(416)]
    server.always = hanging_up
    with pytest.raises(DownloadError, match="60,000 bytes are kept"):
        get(target, server)
    assert target.partial_path.read_bytes() == server.content[:60_000]
    server.always = answering(416)
    with pytest.raises(DownloadError):
        get(target, server)
    server.always = None
    get(target, server)
    assert_whole(target, server)


def test_server_that_sends_piece_by_piece_is_not_waited_for(target, server):
    server.script = [serving(cut_after=40_000)]
    server.always = serving(piece=OVERLAP_BYTES + 5000)
    never = Patience(num_retries=1, first_delay_seconds=0.01, least_progress_bytes=5000)
    get(target, server, patience=never)
    assert_whole(target, server)
    assert len(server.requests) == 1 + -(-(len(server.content) - 40_000) // 5000)


@pytest.mark.parametrize("option", ["piece", "cut_after"])
def test_server_that_sends_a_byte_at_a_time_is_given_up(target, server, option):
    server.script = [serving(cut_after=60_000)]
    server.always = serving(**{option: OVERLAP_BYTES + 1})
    with pytest.raises(DownloadError, match=r"gave up after 5 retries, 60,005 bytes are kept"):
        get(target, server)


def test_partial_file_of_another_server_is_not_continued(target, server):
    server.script = [serving(cut_after=60_000), *[hanging_up] * 6]
    with pytest.raises(DownloadError):
        get(target, server)
    assert target.partial_path.stat().st_size == 60_000
    server.server_name = "localhost"
    fetching = Fetching(mirror=f"http://localhost:{server.server_port}/other", patience=QUICK)
    fetch(target, fetching, DownloadWatcher())
    assert "Range" not in server.requests[-1][1]
    assert_whole(target, server)


def test_partial_file_is_continued_by_the_next_try(target, server):
    server.script = [serving(cut_after=60_000), *[hanging_up] * 6]
    with pytest.raises(DownloadError):
        get(target, server)
    get(target, server)
    assert server.requests[-1][1]["Range"] == f"bytes={60_000 - OVERLAP_BYTES}-"
    assert_whole(target, server)


def test_partial_file_is_continued_with_another_login_and_signature(target, server):
    server.script = [serving(cut_after=60_000), *[hanging_up] * 6]
    login = server.mirror.replace("http://", "http://me:secret@")
    for mirror in (f"{login}?signature=first", f"{server.mirror}?signature=second"):
        with contextlib.suppress(DownloadError):
            fetch(target, Fetching(mirror=mirror, patience=QUICK), DownloadWatcher())
        if target.origin_path.exists():
            assert not re.search(r"secret|signature|127\.", target.origin_path.read_text())
    assert "Range" in server.requests[-1][1]
    assert_whole(target, server)


@pytest.mark.parametrize(
    "change",
    [
        "",
        "{",
        "[]",
        "[" * 100_000,
        {"place": 1},
        {"num_bytes": "12"},
        {"num_bytes": -1},
        {"num_bytes": True},
        {"etag": 5},
        {"etag": "a\nb"},
        {"last_modified": []},
        {"more": 1},
        None,
    ],
    ids=lambda change: str(change)[:30],
)
def test_partial_file_of_unknown_origin_is_not_continued(target, server, change):
    server.script = [serving(cut_after=60_000), *[hanging_up] * 6]
    with pytest.raises(DownloadError):
        get(target, server)
    begun = json.loads(target.origin_path.read_text())
    target.origin_path.unlink()
    if change is not None:
        text = change
        if isinstance(change, dict):
            begun["origin"] |= change
            text = json.dumps(begun | change if "place" in change else begun)
        target.origin_path.write_text(text)
    server.requests.clear()
    get(target, server)
    assert "Range" not in server.requests[0][1]
    assert_whole(target, server)


def test_last_bytes_are_fetched_again_after_the_system_has_ended(target, server, monkeypatch):
    """As after a power cut, which may leave zeros where bytes never reached the disk."""
    monkeypatch.setattr("vswin_cli.weights.partial.DISTRUSTED_BYTES", 10_000)
    server.script = [serving(cut_after=60_000), *[hanging_up] * 6]
    with pytest.raises(DownloadError):
        get(target, server)
    lost = server.content[:51_000] + bytes(1000) + server.content[52_000:60_000]
    target.partial_path.write_bytes(lost)
    begun = json.loads(target.origin_path.read_text())
    target.origin_path.write_text(json.dumps(begun | {"system": "another"}))
    server.always = serving(cut_after=40_000)
    get(target, server, patience=PATIENT)
    assert server.requests[7][1]["Range"] == f"bytes={50_000 - OVERLAP_BYTES}-"
    assert_whole(target, server)
    assert begun["system"] == running_system()


def test_complete_partial_file_needs_no_server(target, server):
    server.script = [serving(cut_after=60_000), *[hanging_up] * 6]
    with pytest.raises(DownloadError):
        get(target, server)
    target.partial_path.write_bytes(server.content)  # killed while it was verified
    server.always = answering(404)
    get(target, server)
    assert_whole(target, server)
