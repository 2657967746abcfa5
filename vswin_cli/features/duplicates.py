"""All pairs of rows with at least a given similarity, exactly, without comparing all rows in full.

Each row, scaled to length 1, is rotated so that a few coordinates contain most of it. Its sketch is
these coordinates and the length of all others together. By the Cauchy-Schwarz inequality, the
product of two sketches is at least the similarity of the rows, so only rows whose product reaches
the threshold are compared. Sketches are short, so this takes a tenth of the time, with the same
result.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from vswin_cli.errors import UsageError
from vswin_cli.features.neighbours import cosines

OnShare = Callable[[float], None]  # share of the finished comparisons

_MARGIN = 1e-5  # for products in float32
_SAMPLE_ROWS = 2048
_SKETCH_SIZES = (16, 32, 64, 128, 256)
_PRODUCT_COST = 0.03  # nanoseconds per multiplication in a matrix product
_PAIR_COST = 3000.0  # nanoseconds to fetch two rows and compare them
_TALL, _WIDE = 1024, 4096  # rows of a tile of comparisons
_DENSE = 0.02  # share of a tile's pairs from which it is compared as a matrix product
MAX_PAIRS = 10_000_000


@dataclass(frozen=True)
class Pair:
    """Two rows, the first before the second."""

    first: int
    second: int
    similarity: float


@dataclass(frozen=True)
class Group:
    """Rows, each of which is a near-duplicate of another."""

    rows: tuple[int, ...]  # in their order
    similarities: tuple[float, ...]  # with the first; 1 for itself


def find_pairs(
    matrix: np.ndarray, threshold: float, on_share: OnShare = lambda share: None
) -> list[Pair]:
    """Find all pairs of rows of at least this similarity, in the order of the rows.

    Args:
        matrix: float32 or float16 (rows, num_features).
        threshold: Least cosine, above 0.
        on_share: Called with the share that is done.

    Raises:
        UsageError: There are more than `MAX_PAIRS`.
    """
    firsts, seconds, similarities = [], [], []
    num_pairs = 0
    for first, second in _candidates(
        matrix, threshold, on_share, lambda i, j: np.ones(len(i), bool)
    ):
        exact = cosines(matrix, first, second)
        keep = exact >= threshold
        firsts.append(first[keep])
        seconds.append(second[keep])
        similarities.append(exact[keep])
        num_pairs += int(keep.sum())
        if num_pairs > MAX_PAIRS:
            raise UsageError(
                f"more than {MAX_PAIRS:,} pairs have a similarity of {threshold:g} or more; "
                "raise --threshold, or remove --pairs to get groups"
            )
    if not num_pairs:
        return []
    first, second = np.concatenate(firsts), np.concatenate(seconds)
    similarity = np.concatenate(similarities)
    order = np.lexsort((second, first))
    return [
        Pair(int(i), int(j), float(s))
        for i, j, s in zip(first[order], second[order], similarity[order], strict=True)
    ]


def find_groups(
    matrix: np.ndarray, threshold: float, on_share: OnShare = lambda share: None
) -> list[Group]:
    """Find the groups that pairs of at least this similarity form, by their first rows.

    Args:
        matrix: float32 or float16 (rows, num_features).
        threshold: Least cosine, above 0.
        on_share: Called with the share that is done.
    """
    forest = _Forest(len(matrix))
    for first, second in _candidates(matrix, threshold, on_share, forest.are_apart):
        for start in range(0, len(first), _WIDE):
            firsts, seconds = first[start : start + _WIDE], second[start : start + _WIDE]
            apart = forest.are_apart(firsts, seconds)  # rows of one group need no comparison
            firsts, seconds = firsts[apart], seconds[apart]
            keep = cosines(matrix, firsts, seconds) >= threshold
            forest.join(firsts[keep], seconds[keep])
    roots = forest.roots(np.arange(len(matrix)))
    members = np.argsort(roots, kind="stable")
    starts = np.flatnonzero(np.diff(roots[members], prepend=-1))
    groups = []
    for rows in np.split(members, starts[1:]):
        if len(rows) > 1:
            with_first = cosines(matrix, rows, np.full(len(rows), rows[0]))
            groups.append(Group(tuple(rows.tolist()), tuple(with_first.tolist())))
    return groups


def _candidates(
    matrix: np.ndarray,
    threshold: float,
    on_share: OnShare,
    is_wanted: Callable[[np.ndarray, np.ndarray], np.ndarray],
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield candidate pairs of rows, some at a time; they include all that reach the threshold."""
    num_rows = len(matrix)
    if num_rows < 2:
        return
    sketches = _sketches(matrix, _basis(matrix, threshold))
    least = np.float32(threshold - _MARGIN)
    num_done = 0
    for top in range(0, num_rows, _TALL):
        tall = sketches[top : top + _TALL]
        for left in range(top - top % _WIDE, num_rows, _WIDE):
            wide = sketches[left : left + _WIDE]
            first, second = _reaching(tall @ wide.T, least, top, left)
            wanted = is_wanted(first, second)
            first, second = first[wanted], second[wanted]
            if len(first) > _DENSE * len(tall) * len(wide):
                whole = _unit(matrix[top : top + _TALL]) @ _unit(matrix[left : left + _WIDE]).T
                keep = whole[first - top, second - left] >= least
                first, second = first[keep], second[keep]
            if len(first):
                yield first, second
        num_done += len(tall)
        on_share(1 - (1 - num_done / num_rows) ** 2)


def _reaching(
    products: np.ndarray, least: np.float32, top: int, left: int
) -> tuple[np.ndarray, np.ndarray]:
    """Find the pairs in a tile whose product reaches the threshold, first row before second."""
    where = np.flatnonzero(products >= least)
    first, second = np.divmod(where, products.shape[1])
    first, second = first + top, second + left
    above = first < second
    return first[above], second[above]


def _basis(matrix: np.ndarray, threshold: float) -> np.ndarray:
    """Choose the directions to sketch by, (num_features, size), from a sample of the rows.

    The directions are those with most of the sample. Their number minimises the time to compute the
    products and to compare the remaining pairs.
    """
    step = max(len(matrix) // _SAMPLE_ROWS, 1)
    sample = _unit(matrix[::step][:_SAMPLE_ROWS])
    moments = (sample.T @ sample).astype(np.float64)
    directions = np.linalg.eigh(moments)[1][:, ::-1].astype(np.float32)  # the largest first
    best, least_cost = directions[:, :1], np.inf
    for size in _SKETCH_SIZES:
        if size >= matrix.shape[1] and size != _SKETCH_SIZES[0]:
            break
        basis = np.ascontiguousarray(directions[:, :size])
        sketches = _sketches(sample, basis)
        passing = np.mean(sketches @ sketches.T >= threshold - _MARGIN)
        cost = size * _PRODUCT_COST + min(float(passing), _DENSE) * _PAIR_COST
        if cost < least_cost:
            best, least_cost = basis, cost
    return best


def _sketches(matrix: np.ndarray, basis: np.ndarray) -> np.ndarray:
    """float32 (rows, size + 1); the product of two is at least their rows' similarity."""
    size = basis.shape[1]
    sketches = np.empty((len(matrix), size + 1), np.float32)
    for start in range(0, len(matrix), _WIDE):
        part = slice(start, start + _WIDE)
        inside = _unit(matrix[part]) @ basis
        outside = np.maximum(1 - np.vecdot(inside, inside), 0) + np.float32(_MARGIN)
        sketches[part, :size] = inside
        sketches[part, size] = np.sqrt(outside)
    return sketches


def _unit(rows: np.ndarray) -> np.ndarray:
    """float32 rows of length 1; those that are all zero stay so."""
    numbers = rows.astype(np.float32)
    numbers /= np.maximum(np.sqrt(np.vecdot(numbers, numbers)), np.float32(1e-30))[:, np.newaxis]
    return numbers


class _Forest:
    """Groups of rows: every row points to an earlier one of its group, the first to itself."""

    def __init__(self, num_rows: int) -> None:
        self._parents = np.arange(num_rows)

    def roots(self, rows: np.ndarray) -> np.ndarray:
        """Return the first row of each row's group."""
        found: np.ndarray = self._parents[rows]
        while not np.array_equal(above := self._parents[found], found):
            found = above
        self._parents[rows] = found
        return found

    def are_apart(self, first: np.ndarray, second: np.ndarray) -> np.ndarray:
        """Whether the two of each pair are in different groups."""
        apart: np.ndarray = self.roots(first) != self.roots(second)
        return apart

    def join(self, first: np.ndarray, second: np.ndarray) -> None:
        """Merge the groups of each pair."""
        while len(first):
            roots = np.stack([self.roots(first), self.roots(second)])
            low, high = roots.min(axis=0), roots.max(axis=0)
            apart = low < high
            self._parents[high[apart]] = low[apart]  # the last of several wins; the rest follow
            first, second = first[apart], second[apart]
