"""The classifier on real videos, with engines whose outputs are known."""

from dataclasses import replace

import numpy as np
import pytest
from clips import corrupt, encode, numbered_frames, read_number
from label_run import MODEL, BrightnessEngine

from vswin_cli.classify import Classifier, VideoOutputs
from vswin_cli.engines.base import Engine, Outputs
from vswin_cli.views.views import read_views

PROTOCOL = replace(MODEL.protocol, crop_size=64)


class CraftedEngine(Engine):
    """Gives one of two classes, by the number of the clip's first frame; counts its calls."""

    backend = "openvino"
    precision = "float32"

    def __init__(self, answer):
        self.answer = answer
        self.first_frames = []

    def start(self, views):
        [view] = views
        first = read_number(np.ascontiguousarray(view[0]))
        self.first_frames.append(first)
        probabilities = np.zeros((1, MODEL.num_classes), np.float32)
        probabilities[0, self.answer(first)] = 1
        outputs = Outputs(probabilities, np.zeros((1, 1), np.float32))
        return lambda: outputs


@pytest.fixture
def clip(tmp_path):
    """Clips start at frames 29, 88, 148 and 207; the crops are equal, because frames are square."""
    return str(encode(tmp_path / "clip.mp4", numbered_frames(300, 64, 64)))


def classified(video, engine, protocol=PROTOCOL, **options):
    return Classifier(MODEL, engine, protocol, reader="auto", top_k=3, **options).classify(video)


@pytest.mark.parametrize(
    ("answer", "num_used"),
    [
        (lambda first: 0, 2),  # equal at worst, and the first of equal classes is the best
        (lambda first: 1, 3),  # equal at worst is not enough
        (lambda first: int(first < 100), 4),
    ],
)
def test_adaptive_stops_when_it_may_and_no_sooner(clip, answer, num_used):
    full = classified(clip, CraftedEngine(answer))
    adaptive = classified(clip, CraftedEngine(answer), adaptive=True)
    assert (full.num_distinct_views, full.num_views_used) == (4, 4)
    assert (adaptive.num_distinct_views, adaptive.num_views_used) == (4, num_used)
    assert adaptive.scored_labels[0].index == full.scored_labels[0].index
    if num_used == 4:
        assert adaptive.scored_labels == full.scored_labels


def test_adaptive_starts_with_the_middle(clip):
    engine = CraftedEngine(lambda first: 0)
    classified(clip, engine, adaptive=True)
    assert engine.first_frames[:2] == [148, 29]
    engine.first_frames.clear()
    classifier = Classifier(MODEL, engine, PROTOCOL, reader="auto", top_k=3, adaptive=True)
    classifier.predict(clip, read_views(clip, (PROTOCOL,), "auto"), 0.0)
    assert engine.first_frames == [148, 29]


@pytest.mark.parametrize("reader", ["auto", "decord"])
@pytest.mark.parametrize("is_broken", [False, True])
def test_reading_ahead_changes_no_bit_of_the_result(tmp_path, is_broken, reader):
    path = encode(tmp_path / "clip.mp4", numbered_frames(250), options={"bf": "0", "g": "20"})
    if is_broken:
        corrupt(path, 0.5, 0.6)
        reader = "auto"
    classifier = Classifier(MODEL, BrightnessEngine(), PROTOCOL, reader=reader, top_k=5)
    ahead = classifier.classify(str(path))
    views = read_views(path, (PROTOCOL,), reader)
    expected = classifier.predict(str(path), views, 0.0)
    assert replace(ahead, elapsed_seconds=0) == replace(expected, elapsed_seconds=0)
    assert bool(ahead.warnings) == is_broken


def test_each_view_is_computed_once(clip):
    engine = CraftedEngine(lambda first: 0)
    classified(clip, engine)
    assert sorted(engine.first_frames) == [29, 88, 148, 207]


def settled(rows, weight_left, weights=None):
    rows = np.array(rows, np.float32)
    weights = np.ones(len(rows), np.int64) if weights is None else np.array(weights)
    return VideoOutputs(Outputs(rows, rows[:, :0]), weights).settle(weights.sum() + weight_left)


def top1(probabilities, weights):
    """Rank the mean of all views like the classifier."""
    mean = np.average(probabilities.astype(np.float64), 0, weights)
    return int(np.argsort(-mean, kind="stable")[0])


@pytest.mark.parametrize(
    ("rows", "weight_left", "expected"),
    [
        ([[0.75, 0.25]], 0, True),
        ([[1, 0]], 2, False),
        ([[1, 0]], 1, True),  # they could end equal, and the first of equal classes is the best
        ([[0, 1]], 1, False),  # likewise, but another class would be the best
        ([[0, 1], [0, 1]], 1, True),
        ([[0.75, 0.25], [0.75, 0.25]], 1, True),
        ([[0.75, 0.25], [0.75 - 2**-20, 0.25]], 1, False),
        ([[0.25, 0.75], [0.25, 0.75]], 1, False),
        ([[0.25, 0.75], [0.25, 0.75 + 2**-20]], 1, True),
        ([[0.5, 0.5]], 0, True),
        ([[0.5, 0.5]], 1, False),
        ([[0, 1, 0], [0, 1, 0]], 2, False),  # equal to the class before it
        ([[1, 0, 0], [1, 0, 0]], 2, True),
    ],
)
def test_settled_exactly_when_nothing_can_change_the_best(rows, weight_left, expected):
    assert settled(rows, weight_left) is expected


def test_views_that_stand_for_several_count_as_several():
    assert settled([[1, 0], [1, 0]], 3, weights=[2, 1])
    assert not settled([[1, 0], [1, 0]], 4, weights=[2, 1])


@pytest.mark.parametrize("num_classes", [2, 3, 5])
def test_no_less_than_the_least_weight_settles(num_classes):
    numbers = np.random.default_rng(num_classes)
    for num_views in range(4, 24):
        rows = numbers.dirichlet(np.ones(num_classes), 3).astype(np.float32)
        some = VideoOutputs(Outputs(rows, rows[:, :0]), np.ones(3, np.int64))
        least = some.least_weight_to_settle(num_views)
        rows = np.vstack([rows, np.eye(num_classes, dtype=np.float32)[rows.sum(0).argmax()]])
        for more in range(1, num_views - 3):
            assert settled(rows, num_views - 3 - more, [1, 1, 1, more]) is (more >= least)


@pytest.mark.parametrize("seed", range(10))
def test_best_class_of_some_views_is_that_of_all(seed):
    """Random views, peaked and flat, with few distinct values, so that many sums are equal."""
    numbers = np.random.default_rng(seed)
    num_early = 0
    for _ in range(200):
        num_views, num_classes = numbers.integers(1, 13), numbers.integers(2, 6)
        kind = numbers.integers(4)
        if kind == 0:  # one class takes all, which makes ties
            rows = np.eye(num_classes)[numbers.integers(0, num_classes, num_views)]
        elif kind == 1:  # one favourite
            rows = numbers.dirichlet([20, *[0.3] * (num_classes - 1)], num_views)
            rows = rows[:, numbers.permutation(num_classes)]
        elif kind == 2:  # eighths: exact sums
            rows = numbers.multinomial(8, numbers.dirichlet([0.4] * num_classes), num_views) / 8
        else:  # thirds: sums that are rounded
            rows = numbers.multinomial(3, numbers.dirichlet([0.4] * num_classes), num_views) / 3
        rows = rows.astype(np.float32)
        weights = numbers.integers(1, 4, num_views)
        order = numbers.permutation(num_views)
        for used in range(1, num_views + 1):
            left = order[used:]
            taken = np.sort(order[:used])
            if settled(rows[taken], weights[left].sum(), weights[taken]):
                num_early += len(left) > 0
                assert top1(rows[taken], weights[taken]) == top1(rows, weights)
                break
    assert num_early > 20
