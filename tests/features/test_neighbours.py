"""Nearest rows and near-duplicates, compared with a plain computation in float64."""

import numpy as np
import pytest

from vswin_cli.features.duplicates import find_groups, find_pairs
from vswin_cli.features.neighbours import nearest


def blocks(matrix, size=1000):
    for start in range(0, len(matrix), size):
        yield matrix[start : start + size]


def plain_cosines(matrix, query):
    wide, query = matrix.astype(np.float64), query.astype(np.float64)
    lengths = np.linalg.norm(wide, axis=1) * np.linalg.norm(query)
    return np.divide(wide @ query, lengths, out=np.zeros(len(wide)), where=lengths > 0)


@pytest.mark.parametrize("dtype", [np.float32, np.float16])
def test_nearest_rows_are_those_of_a_plain_computation(dtype):
    numbers = np.random.default_rng(0)
    matrix = numbers.standard_normal((5000, 96)).astype(dtype)
    query = numbers.standard_normal(96).astype(dtype)
    expected = plain_cosines(matrix, query)
    found = nearest(query, blocks(matrix), 25)
    order = np.lexsort((np.arange(5000), -expected))[:25]
    assert [neighbour.row for neighbour in found] == order.tolist()
    np.testing.assert_allclose([n.similarity for n in found], expected[order], atol=1e-12)


def test_equal_rows_come_in_their_order_and_some_can_be_left_out():
    matrix = np.random.default_rng(1).standard_normal((3000, 32)).astype(np.float32)
    matrix[[5, 1000, 2999]] = 2 * matrix[7]
    found = nearest(matrix[7], blocks(matrix), 4)
    assert [neighbour.row for neighbour in found] == [5, 7, 1000, 2999]
    found = nearest(matrix[7], blocks(matrix), 2, without=[7, 5])
    assert [neighbour.row for neighbour in found] == [1000, 2999]
    [found] = nearest(matrix[7], blocks(matrix), 1, without=[1000, 7, 5])  # the first of a block
    assert found.row == 2999
    assert len(nearest(matrix[0], blocks(matrix[:3]), 10)) == 3


def test_zero_rows_are_similar_to_nothing():
    matrix = np.zeros((3, 8), np.float32)
    matrix[1] = 1
    assert [n.similarity for n in nearest(matrix[1], [matrix], 3)] == pytest.approx([1, 0, 0])
    assert find_groups(matrix, 0.5) == []


@pytest.mark.slow
@pytest.mark.parametrize("dtype", [np.float32, np.float16])
def test_planted_neighbours_are_found_among_twenty_thousand(dtype):
    """More rows than are compared at once, in either direction."""
    numbers = np.random.default_rng(2)
    matrix = numbers.standard_normal((20_000, 128)).astype(dtype)
    sources = numbers.choice(10_000, 40, replace=False)
    planted = 10_000 + numbers.choice(10_000, 40, replace=False)
    noise = numbers.standard_normal((40, 128)) * np.linspace(0.01, 0.3, 40)[:, np.newaxis]
    matrix[planted] = (matrix[sources] + noise).astype(dtype)
    for source, copy in zip(sources[::10], planted[::10], strict=True):
        [found] = nearest(matrix[source], blocks(matrix, 8192), 1, without=[source])
        assert found.row == copy
    groups = find_groups(matrix, 0.9)
    assert {group.rows for group in groups} == set(
        zip(sources.tolist(), planted.tolist(), strict=True)
    )


@pytest.mark.slow
@pytest.mark.parametrize("threshold", [0.3, 0.9, 0.999])
def test_pairs_and_groups_are_those_of_a_plain_computation(threshold):
    numbers = np.random.default_rng(3)
    centres = numbers.standard_normal((60, 48))
    spread = numbers.choice([1e-3, 0.05, 0.3, 1.0], 2500)[:, np.newaxis]
    noise = numbers.standard_normal((2500, 48)) * spread
    matrix = (centres[numbers.integers(60, size=2500)] + noise).astype(np.float32)
    wide = matrix.astype(np.float64)
    wide /= np.linalg.norm(wide, axis=1, keepdims=True)
    similar = np.triu(wide @ wide.T >= threshold, 1)
    pairs = find_pairs(matrix, threshold)
    assert [(pair.first, pair.second) for pair in pairs] == list(
        zip(*(rows.tolist() for rows in np.nonzero(similar)), strict=True)
    )
    group_of = np.arange(2500)
    for pair in pairs:  # joined one by one
        group_of[group_of == group_of[pair.second]] = group_of[pair.first]
    expected = {}
    for row, group in enumerate(group_of.tolist()):
        expected.setdefault(group, []).append(row)
    assert [list(group.rows) for group in find_groups(matrix, threshold)] == [
        rows for rows in expected.values() if len(rows) > 1
    ]
