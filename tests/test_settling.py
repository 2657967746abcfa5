"""When no view that is left can change the most probable class."""

import numpy as np
import pytest

from vswin_cli.settling import is_settled


def settled(rows, weight_left, weights=None):
    rows = np.array(rows, np.float32)
    weights = np.ones(len(rows), np.int64) if weights is None else np.array(weights)
    return is_settled(rows, weights, weight_left)


def top1(probabilities, weights):
    """As the classifier ranks the mean of all views."""
    mean = np.average(probabilities.astype(np.float64), 0, weights)
    return int(np.argsort(-mean, kind="stable")[0])


@pytest.mark.parametrize(
    ("rows", "weight_left", "expected"),
    [
        ([[0.75, 0.25]], 0, True),
        ([[1, 0]], 2, False),
        ([[1, 0]], 1, True),  # they could end equal, and the first of equals is the best
        ([[0, 1]], 1, False),  # likewise, but another one would be the best
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


@pytest.mark.parametrize("seed", range(40))
def test_best_class_of_some_views_is_that_of_all(seed):
    """Random views, peaked and flat, of few distinct values so that many sums are equal."""
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
            if is_settled(rows[taken], weights[taken], int(weights[left].sum())):
                num_early += len(left) > 0
                assert top1(rows[taken], weights[taken]) == top1(rows, weights)
                break
    assert num_early > 20
