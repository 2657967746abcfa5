from itertools import product

import numpy as np
import pytest

from vswin_cli.network.windows import WindowGrid, bias_index


@pytest.mark.parametrize(
    ("tokens", "window", "shifted", "padded", "clamped", "shift"),
    [
        ((16, 56, 56), (8, 7, 7), False, (16, 56, 56), (8, 7, 7), (0, 0, 0)),
        ((16, 56, 56), (8, 7, 7), True, (16, 56, 56), (8, 7, 7), (4, 3, 3)),
        ((16, 7, 7), (8, 7, 7), True, (16, 7, 7), (8, 7, 7), (4, 0, 0)),
        ((16, 28, 28), (16, 7, 7), True, (16, 28, 28), (16, 7, 7), (0, 3, 3)),
        ((12, 40, 50), (8, 7, 7), True, (16, 42, 56), (8, 7, 7), (4, 3, 3)),
        ((4, 4, 4), (8, 7, 7), True, (4, 4, 4), (4, 4, 4), (0, 0, 0)),
    ],
)
def test_small_grids_clamp_the_window_and_lose_the_shift(
    tokens, window, shifted, padded, clamped, shift
):
    grid = WindowGrid.of(tokens, window, shifted=shifted)
    assert (grid.padded, grid.window, grid.shift) == (padded, clamped, shift)


def test_unshifted_windows_keep_nothing_apart():
    assert WindowGrid.of((16, 28, 28), (8, 7, 7), shifted=False).apart() is None
    assert WindowGrid.of((8, 7, 7), (8, 7, 7), shifted=True).apart() is None


@pytest.mark.parametrize("tokens", [(8, 6, 9), (4, 6, 6), (7, 3, 5)])
def test_tokens_are_kept_apart_that_were_not_neighbours_before_the_roll(tokens):
    window = (4, 3, 3)
    grid = WindowGrid.of(tokens, window, shifted=True)
    positions = np.stack(np.indices(grid.padded), axis=-1)
    rolled = np.roll(positions, [-shift for shift in grid.shift], axis=(0, 1, 2))
    apart = grid.apart()
    windows = []
    for t, h, w in product(*map(range, grid.counts)):
        corner = np.array((t, h, w)) * grid.window
        inside = tuple(
            slice(start, start + side) for start, side in zip(corner, grid.window, strict=True)
        )
        windows.append(rolled[inside].reshape(-1, 3))
    for tokens_of_window, window_apart in zip(windows, apart, strict=True):
        distance = np.abs(tokens_of_window[:, None] - tokens_of_window[None, :])
        neighbours = (distance < grid.window).all(axis=-1)
        np.testing.assert_array_equal(window_apart, ~neighbours)


def test_bias_rows_depend_on_the_distance_alone():
    window = (2, 3, 4)
    rows = bias_index(window, 24)
    positions = list(product(*map(range, window)))
    row_of_distance = {}
    for (i, a), (j, b) in product(enumerate(positions), repeat=2):
        distance = tuple(np.subtract(a, b))
        assert row_of_distance.setdefault(distance, rows[i, j]) == rows[i, j]
    assert sorted(row_of_distance.values()) == list(range(3 * 5 * 7))


def test_clamped_window_takes_the_first_tokens_of_the_whole_one():
    np.testing.assert_array_equal(bias_index((8, 7, 7), 64), bias_index((8, 7, 7), 392)[:64, :64])
