"""Views from a decoding process arrive unchanged, in memory that is not copied."""

import os

import numpy as np
import pytest
from clips import encode, numbered_frames
from label_run import MODEL, PROTOCOL, BrightnessEngine

from vswin_cli.classify import Classifier
from vswin_cli.runs.shared_memory import map_file, pack, unpack
from vswin_cli.system.platform import nameless_file
from vswin_cli.views.views import read_views


@pytest.fixture(scope="module")
def views(tmp_path_factory):
    """Four clips, all with different frames."""
    path = tmp_path_factory.mktemp("videos") / "clip.mp4"
    return read_views(encode(path, numbered_frames(250, 48, 80)), (PROTOCOL,), "auto")


def handed_over(value, on_freed=None):
    file = nameless_file()
    os.write(file, bytes(10_000_000))  # its earlier content
    pack(value, file)
    return unpack(map_file(file), on_freed)


def test_views_arrive_as_they_were(views):
    found = handed_over({"views": views, "notes": ("a",)})
    assert found["notes"] == ("a",)
    arrived = found["views"]
    assert arrived.places_by_information == views.places_by_information
    assert np.array_equal(arrived.order, views.order)
    assert arrived.properties == views.properties
    for one, other in zip(arrived, views, strict=True):
        assert np.array_equal(one.frames, other.frames)
        assert one.weight == other.weight
    assert len({view.identity for view in arrived}) == views.num_distinct_views


def test_an_engine_of_one_view_computes_it_where_it_lies(views):
    seen = []

    class Engine(BrightnessEngine):
        def start(self, views):
            seen.append(views)
            return super().start(views)

    arrived = handed_over(views)
    classifier = Classifier(MODEL, Engine(batch_size=1), PROTOCOL, reader="auto", top_k=3)
    found, expected = (classifier.compute(each).probabilities for each in (arrived, views))
    assert np.array_equal(found, expected)
    for view, given in zip(arrived, seen, strict=False):
        assert np.shares_memory(view.whole, given)


def test_a_file_is_free_once_no_pixel_is_in_use(views):
    freed = []
    arrived = handed_over(views, lambda: freed.append(True))
    pixels = arrived.view(arrived.places[-1]).whole[3]
    del arrived
    assert not freed
    del pixels
    assert freed
