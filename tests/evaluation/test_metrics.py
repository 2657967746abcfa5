"""Every figure against values computed by hand."""

from math import sqrt

import numpy as np
import pytest

from vswin_cli.evaluation.metrics import (
    accuracy_by_views,
    calibration,
    chained,
    class_accuracies,
    confused_pairs,
    confusion_counts,
    mean_class_accuracy,
    mean_share,
    share,
    top_k,
)
from vswin_cli.evaluation.outcomes import read_outcomes
from vswin_cli.evaluation.task import outcome_record, rank_of
from vswin_cli.zoo.protocols import Sampling, ViewProtocol

Z2 = 1.959963984540054**2

# True class, predicted class, its probability, rank of the truth with 1, 2, 3 views, centre crop.
SET = [
    (0, 0, 0.9, (2, 1, 1), 1),
    (0, 0, 0.8, (1, 1, 1), 1),
    (0, 2, 0.6, (7, 6, 6), 1),
    (0, 2, 0.4, (2, 2, 2), 3),
    (1, 1, 0.7, (1, 2, 1), 2),
    (1, 0, 0.5, (3, 3, 3), 3),
    (3, 0, 0.3, (6, 5, 5), 6),
    (3, 3, 1.0, (1, 1, 1), 1),
]


@pytest.fixture
def outcomes():
    records = [
        {
            "status": "ok",
            "true_index": truth,
            "outcomes": [
                {
                    "protocol": "official",
                    "num_clips": 1,
                    "num_crops": 3,
                    "index": predicted,
                    "probability": probability,
                    "true_rank": ranks[-1],
                    "true_probability": 0.1,
                    "true_rank_by_views": list(ranks),
                    "true_rank_of_centre_crops": centre,
                }
            ],
        }
        for truth, predicted, probability, ranks, centre in SET
    ]
    [read] = read_outcomes([records[0], {"status": "failed"}, *records[1:]])
    return read


def test_top_1_and_top_5_count_ranks(outcomes):
    assert top_k(outcomes.rank, 1).value == 4 / 8
    assert top_k(outcomes.rank, 5).value == 7 / 8


def test_intervals_are_wilsons():
    half = share(4, 8)  # the centre of the interval is 1/2 for any number
    reach = sqrt(Z2 * 0.25 / 8 + Z2**2 / (4 * 64)) / (1 + Z2 / 8)
    assert half.low == pytest.approx(0.5 - reach)
    assert half.high == pytest.approx(0.5 + reach)
    assert (half.low, half.high) == pytest.approx((0.2152, 0.7848), abs=1e-4)
    # Of Brown, Cai and DasGupta's formula for x = n: n / (n + z²).
    assert (share(10, 10).low, share(10, 10).high) == (pytest.approx(10 / (10 + Z2)), 1.0)
    assert (share(0, 10).low, share(0, 10).high) == (0.0, pytest.approx(Z2 / (10 + Z2)))


def test_mean_class_accuracy_counts_classes_alike(outcomes):
    found = mean_class_accuracy(outcomes)
    assert found.value == pytest.approx((2 / 4 + 1 / 2 + 1 / 2) / 3)
    parts = [share(2, 4), share(1, 2), share(1, 2)]
    assert found.low == pytest.approx(0.5 - sqrt(sum((0.5 - p.low) ** 2 for p in parts)) / 3)
    assert found.high == pytest.approx(0.5 + sqrt(sum((p.high - 0.5) ** 2 for p in parts)) / 3)


def test_interval_of_a_perfect_mean_keeps_a_width():
    perfect = mean_share(np.array([1, 1, 1, 1]), np.array([1, 1, 1, 1]))
    assert perfect.high == perfect.value == 1
    assert perfect.low == pytest.approx(1 - (1 - 1 / (1 + Z2)) / 2)  # 2 = √4


def test_interval_of_mean_class_accuracy_holds_the_truth_about_as_often_as_it_says():
    rng = np.random.default_rng(11)
    rates, totals = rng.uniform(0.3, 1, 20), rng.integers(5, 40, 20)
    covered = 0
    for _ in range(400):
        found = mean_share(rng.binomial(totals, rates), totals)
        covered += found.low <= rates.mean() <= found.high
    assert covered / 400 == pytest.approx(0.95, abs=0.04)


def test_class_rows_say_what_a_class_is_mistaken_for(outcomes):
    rows = {row.index: row for row in class_accuracies(outcomes)}
    assert list(rows) == [0, 1, 3]  # class 2 has no video
    assert (rows[0].num_videos, rows[0].num_top1, rows[0].num_top5) == (4, 2, 3)
    assert [row.mistaken_for for row in rows.values()] == [2, 0, 0]


def test_confused_pairs_are_ordered_by_frequency_then_share(outcomes):
    assert confusion_counts(outcomes) == {
        **{(0, 0): 2, (0, 2): 2, (1, 0): 1, (1, 1): 1, (3, 0): 1, (3, 3): 1}
    }
    pairs = [(p.true_index, p.predicted_index, p.num_videos) for p in confused_pairs(outcomes)]
    assert pairs == [(0, 2, 2), (1, 0, 1), (3, 0, 1)]


def test_confused_classes_stand_side_by_side_and_none_is_lost(outcomes):
    order = chained(confused_pairs(outcomes), 5)
    assert sorted(order) == [0, 1, 2, 3, 4]
    where = {index: place for place, index in enumerate(order)}
    assert abs(where[0] - where[2]) == 1
    assert abs(where[0] - where[1]) == 1  # 3 is also confused with 0, which has two neighbours


def test_calibration_error_is_the_mean_gap_of_the_bins():
    confidence = np.array([0.95, 0.95, 0.95, 0.55, 0.45, 1 / 5, 0.0, 1.0])
    is_right = np.array([True, True, False, True, False, False, False, True])
    found = calibration(confidence, is_right, num_bins=5)
    assert [each.num_videos for each in found.bins] == [2, 0, 2, 0, 4]  # 1/5 belongs below
    assert found.bins[4].confidence == pytest.approx((3 * 0.95 + 1) / 4)
    assert found.bins[4].accuracy == 3 / 4
    assert found.bins[1].accuracy is None
    gaps = 2 * abs(0 - 0.1) + 2 * abs(0.5 - 0.5) + 4 * abs(0.75 - 0.9625)
    assert found.expected_error == pytest.approx(gaps / 8)
    assert found.mean_confidence == pytest.approx(confidence.mean())


def test_accuracy_by_views_counts_each_number_of_views_and_the_centre(outcomes):
    rows = accuracy_by_views(outcomes)
    assert [row.views for row in rows] == ["1", "2", "3", "1×1"]
    assert [row.top1.value for row in rows] == [3 / 8, 3 / 8, 4 / 8, 4 / 8]
    assert [row.top5.value for row in rows] == [6 / 8, 7 / 8, 7 / 8, 7 / 8]


def test_ties_are_broken_by_index():
    probabilities = np.array([0.1, 0.3, 0.3, 0.3])
    assert [rank_of(probabilities, index) for index in range(4)] == [4, 1, 2, 3]


def test_outcome_weighs_views_that_are_the_same_and_knows_every_prefix():
    protocol = ViewProtocol(Sampling.OFFICIAL, num_clips=2, num_crops=3)
    distinct = np.array([[0.625, 0.375, 0.0], [0.125, 0.75, 0.125], [0.5, 0.125, 0.375]])
    order = np.array([0, 1, 2, 0, 0, 2])  # the centre crops are the third and the last
    found = outcome_record(distinct, order, 1, protocol)
    mean = (3 * distinct[0] + distinct[1] + 2 * distinct[2]) / 6
    assert found["index"] == 0
    assert found["probability"] == pytest.approx(mean[0])
    assert found["true_probability"] == pytest.approx(mean[1])
    # Sums of class 0 and 1: .625 .375, .75 1.125, 1.25 1.25, 1.875 1.625, 2.5 2, 3 2.125.
    assert found["true_rank_by_views"] == [2, 1, 2, 2, 2, 2]
    assert found["true_rank_of_centre_crops"] == 3
