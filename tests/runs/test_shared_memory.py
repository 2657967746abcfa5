"""What a decoding process hands over arrives as it was, in memory that nobody copies."""

import sys
from pathlib import Path

import numpy as np
import pytest
from clips import encode, numbered_frames
from label_run import MODEL, PROTOCOL, BrightnessEngine

from vswin_cli.classify import Classifier
from vswin_cli.runs.shared_memory import pack, pack_into, unpack
from vswin_cli.system.platform import open_last
from vswin_cli.views.views import read_views


@pytest.fixture(scope="module")
def views(tmp_path_factory):
    """Four clips, of which no two have the same frames."""
    path = tmp_path_factory.mktemp("videos") / "clip.mp4"
    return read_views(encode(path, numbered_frames(250, 48, 80)), (PROTOCOL,), "auto")


def handed_over(value, folder):
    if sys.platform == "linux":
        yield unpack(pack(value))
    pack_into(folder / "reply", value)
    yield unpack(open_last(folder / "reply"))


def test_views_arrive_as_they_were(views, tmp_path):
    for found in handed_over({"views": views, "notes": ("a",)}, tmp_path):
        assert found["notes"] == ("a",)
        arrived = found["views"]
        assert arrived.places_by_information == views.places_by_information
        assert np.array_equal(arrived.order, views.order)
        assert arrived.properties == views.properties
        for one, other in zip(arrived, views, strict=True):
            assert np.array_equal(one.frames, other.frames)
            assert one.weight == other.weight
        assert len({view.identity for view in arrived}) == views.num_distinct_views


def test_an_engine_of_one_view_computes_it_where_it_lies(views, tmp_path):
    seen = []

    class Engine(BrightnessEngine):
        def start(self, views):
            seen.append(views)
            return super().start(views)

    for arrived in handed_over(views, tmp_path):
        seen.clear()
        classifier = Classifier(MODEL, Engine(batch_size=1), PROTOCOL, reader="auto", top_k=3)
        found, expected = (classifier.compute(each).probabilities for each in (arrived, views))
        assert np.array_equal(found, expected)
        for view, given in zip(arrived, seen, strict=False):
            assert np.shares_memory(view.whole, given)


@pytest.mark.skipif(sys.platform != "linux", reason="memory maps are looked up in /proc")
def test_memory_is_given_back_with_the_views(views):
    def num_maps():
        return Path("/proc/self/maps").read_text().count("memfd:vswin")

    before = num_maps()
    arrived = unpack(pack(views))
    assert num_maps() == before + 1
    del arrived
    assert num_maps() == before
