"""The rows most similar to a query by cosine, exactly.

Every row is compared in float32. Rows that could be among the nearest are compared again in
float64, one by one, so that equal rows have equal similarities at any position.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

_MARGIN = 2e-5  # generous error bound of a cosine in float32
_PAIRS_A_BLOCK = 4096


@dataclass(frozen=True)
class Neighbour:
    """A row and its similarity."""

    row: int
    similarity: float  # cosine; 0 if one of the two is all zero


def nearest(
    query: np.ndarray, blocks: Iterable[np.ndarray], top: int, without: Iterable[int] = ()
) -> list[Neighbour]:
    """Find the most similar rows, the most similar first, equal ones by row.

    Args:
        query: (num_features,).
        blocks: float32 or float16 (rows, num_features), in the order of the rows.
        top: Number of rows, at least 1.
        without: Rows to leave out.
    """
    wide = query.astype(np.float64)
    narrow = (wide / max(float(np.linalg.norm(wide)), 1e-300)).astype(np.float32)
    left_out = np.array(sorted(without), np.int64)
    rows, similarities = np.empty(0, np.int64), np.empty(0)
    start = 0
    for block in blocks:
        numbers = block.astype(np.float32, copy=False)
        lengths = np.sqrt(np.vecdot(numbers, numbers))
        rough = np.vecdot(numbers, narrow) / np.maximum(lengths, np.float32(1e-30))
        rough[left_out[(left_out >= start) & (left_out < start + len(block))] - start] = -np.inf
        possible = np.flatnonzero(rough >= _least(rough, similarities, top))
        possible = possible[np.isfinite(rough[possible])]
        exact = cosines(block, possible, wide)
        rows = np.concatenate([rows, possible + start])
        similarities = np.concatenate([similarities, exact])
        best = np.lexsort((rows, -similarities))[:top]
        rows, similarities = rows[best], similarities[best]
        start += len(block)
    return [Neighbour(int(r), float(s)) for r, s in zip(rows, similarities, strict=True)]


def cosines(matrix: np.ndarray, rows: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Compute similarities in float64 of rows with one vector, or with a vector each.

    Args:
        matrix: (all rows, num_features).
        rows: int (pairs,).
        other: (num_features,) or, of the same matrix, int rows (pairs,).
    """
    similarities = np.zeros(len(rows))
    for start in range(0, len(rows), _PAIRS_A_BLOCK):
        part = slice(start, start + _PAIRS_A_BLOCK)
        left = matrix[rows[part]].astype(np.float64)
        right = matrix[other[part]].astype(np.float64) if other.dtype.kind == "i" else other
        lengths = np.sqrt(np.vecdot(left, left) * np.vecdot(right, right))
        products = np.vecdot(left, right)
        np.divide(products, lengths, out=similarities[part], where=lengths > 0)
    return similarities


def _least(rough: np.ndarray, found: np.ndarray, top: int) -> float:
    """Compute the lowest rough similarity of a row that could be among the nearest."""
    least = -np.inf
    if len(found) == top:
        least = found[-1]
    if len(rough) > top:
        least = max(least, float(np.partition(rough, len(rough) - top)[len(rough) - top]))
    return float(least) - _MARGIN
