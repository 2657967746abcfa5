"""Views that are sent while their video is still being read."""

import threading
import time
from contextlib import contextmanager, suppress

import numpy as np
import pytest
from clips import corrupt, cut, encode, numbered_frames

from vswin_cli.errors import VideoError
from vswin_cli.video import reading as reading_module
from vswin_cli.video.av_reader import AvReader
from vswin_cli.views.early_views import start_reading
from vswin_cli.views.order import by_information
from vswin_cli.views.views import read_views
from vswin_cli.zoo.protocols import Sampling, ViewProtocol

SMALL = ViewProtocol(Sampling.OFFICIAL, num_clips=4, clip_len=4, frame_interval=2, crop_size=32)


class WaitingReader(AvReader):
    """PyAV, but it waits before it passes on a frame past a certain one."""

    def __init__(self, last_before):
        self.last_before = last_before
        self.go_on = threading.Event()

    @contextmanager
    def open(self, source, threads=None):
        with super().open(source, threads) as video:
            read = video.read

            def waiting_read(wanted, keep, *, until):
                def keep_later(index, frame):
                    if index > self.last_before:
                        assert self.go_on.wait(30)
                    keep(index, frame)

                return read(wanted, keep_later, until=until)

            video.read = waiting_read
            yield video


@pytest.fixture
def waiting(monkeypatch):
    reader = WaitingReader(last_before=30)
    monkeypatch.setattr(reading_module, "READERS", {"av": lambda: reader})
    yield reader
    reader.go_on.set()


def assert_same(views, expected):
    for view, other in zip(views, expected, strict=True):
        np.testing.assert_array_equal(view.frames, other.frames)
        assert view.weight == other.weight


def test_first_clip_is_there_before_the_later_ones_are_read(tmp_path, waiting):
    path = encode(tmp_path / "clip.mp4", numbered_frames(100))  # the first clip ends before 20
    with start_reading(path, SMALL, "auto") as being_read:
        early = being_read.early_views()
        first = [next(early) for _ in range(3)]
        waiting.go_on.set()
        rest = list(early)
        views = list(being_read.views())
    found = [view.identity for view in views]
    assert [view.identity for view in first + rest] == found[: 3 + len(rest)]
    assert_same(views, read_views(path, (SMALL,), "av"))
    assert_same(first, views[:3])


def test_views_may_come_in_the_order_of_information(tmp_path, waiting):
    waiting.last_before = 75  # the third of four clips, the middle one, ends before it
    path = encode(tmp_path / "clip.mp4", numbered_frames(100))
    with start_reading(path, SMALL, "auto") as being_read:
        first = next(being_read.early_views(by_information=True))
        waiting.go_on.set()
        views = being_read.views()
    assert first.identity == views.identity((2, 2))
    assert views.places_by_information[0] == (2, 2)


def test_views_of_frames_that_the_container_only_claims_are_not_among_the_videos(tmp_path, waiting):
    """A cut-off file has other clips than its packets suggest."""
    path = encode(
        tmp_path / "cut.mp4", numbered_frames(200), container_options={"movflags": "faststart"}
    )
    cut(path, 0.5)
    waiting.last_before = 60
    with start_reading(path, SMALL, "auto") as being_read:
        early = being_read.early_views()
        first = next(early)
        waiting.go_on.set()
        early = [first, *early]
        views = being_read.views()
    expected = read_views(path, (SMALL,), "av")
    assert views.num_frames == expected.num_frames < 200
    assert views.warnings == expected.warnings
    assert_same(views, expected)
    final = {view.identity: view for view in views}
    assert first.identity not in final
    for view in early:
        if view.identity in final:
            np.testing.assert_array_equal(view.frames, final[view.identity].frames)


@pytest.mark.parametrize("reader", ["av", "decord"])
def test_what_was_early_equals_what_is_final(tmp_path, reader):
    options = {"bf": "0", "g": "20"}
    whole = encode(tmp_path / "whole.mp4", numbered_frames(300), options=options)
    short = encode(tmp_path / "short.mp4", numbered_frames(5))
    square = encode(tmp_path / "square.mp4", numbered_frames(90, 64, 64))
    noisy = encode(tmp_path / "noisy.mp4", numbered_frames(200), options=options)
    corrupt(noisy, 0.5, 0.6)
    for path in (whole, short, square, *([noisy] if reader == "av" else [])):
        expected = read_views(path, (SMALL,), reader)
        with start_reading(path, SMALL, reader) as being_read:
            early = list(being_read.early_views())
            views = being_read.views()
        assert_same(views, expected)
        assert views.warnings == expected.warnings
        final = {view.identity: view for view in views}
        assert early == [] if reader == "decord" else True
        for view in early:
            if view.identity in final:
                np.testing.assert_array_equal(view.frames, final[view.identity].frames)


def test_reading_that_nobody_waits_for_ends(tmp_path, waiting):
    path = encode(tmp_path / "clip.mp4", numbered_frames(100))
    before = threading.active_count()
    with suppress(ZeroDivisionError), start_reading(path, SMALL, "auto") as being_read:
        next(being_read.early_views())
        threading.Timer(0.1, waiting.go_on.set).start()
        raise ZeroDivisionError
    deadline = time.monotonic() + 10
    while threading.active_count() > before and time.monotonic() < deadline:
        time.sleep(0.01)
    assert threading.active_count() == before


@pytest.mark.parametrize(
    ("num_clips", "crops", "expected"),
    [
        (1, [0], [(0, 0)]),
        (1, [0, 1, 2], [(0, 2), (0, 0), (0, 1)]),
        (4, [0], [(2, 0), (0, 0), (1, 0), (3, 0)]),
        (2, [0, 1, 2], [(1, 2), (0, 2), (1, 0), (0, 1), (1, 1), (0, 0)]),
    ],
)
def test_centre_of_the_middle_comes_first_then_what_is_farthest(num_clips, crops, expected):
    assert by_information(range(num_clips), crops) == expected


@pytest.mark.parametrize("num_clips", range(1, 12))
@pytest.mark.parametrize("crops", [[0], [0, 1, 2]])
def test_every_view_has_one_place_in_the_order(num_clips, crops):
    order = by_information(range(num_clips), crops)
    assert sorted(order) == [(clip, crop) for clip in range(num_clips) for crop in crops]


def test_what_cannot_be_read_is_told_where_the_views_are_asked_for(tmp_path):
    path = tmp_path / "text.mp4"
    path.write_text("no video" * 100)
    with start_reading(path, SMALL, "auto") as being_read:
        assert list(being_read.early_views()) == []
        with pytest.raises(VideoError, match="it contains no video"):
            being_read.views()
