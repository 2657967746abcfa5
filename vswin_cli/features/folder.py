"""Features in a folder of shards, read as one file."""

from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate
from pathlib import Path
from typing import TypeVar

import numpy as np

from vswin_cli.features.parquet import ParquetFile

_T = TypeVar("_T")


class FeaturesFolder:
    """A folder of shards of `vswin embed`; see `files.FeaturesFile`.

    Raises:
        ValueError, OSError: It contains no shards, or shards of several runs.
    """

    def __init__(self, path: Path) -> None:
        self._files = [ParquetFile(shard) for shard in sorted(path.glob("part-*.parquet"))]
        if not self._files:
            raise ValueError("it contains no shard part-….parquet")
        self.origin = self._files[0].origin
        if any(file.origin != self.origin for file in self._files):
            raise ValueError("its shards are of different models or settings")
        self._starts = [0, *accumulate(file.num_rows for file in self._files)]
        self.num_rows = self._starts[-1]

    def blocks(self) -> Iterator[np.ndarray]:
        """Yield the features, some at a time."""
        for file in self._files:
            yield from file.blocks()

    def matrix(self) -> np.ndarray:
        """Return all features, in memory."""
        return np.concatenate([file.matrix() for file in self._files])

    def videos(self, rows: Sequence[int]) -> list[str]:
        """Return the video names of some rows."""
        return self._each(rows, lambda file, row: file.videos([row])[0])

    def rows_of(self, video: str) -> list[int]:
        """Find the rows of a video."""
        return [
            start + row
            for start, file in zip(self._starts[:-1], self._files, strict=True)
            for row in file.rows_of(video)
        ]

    def views(self, rows: Sequence[int]) -> np.ndarray:
        """Return clip, crop and weight of some rows."""
        return np.stack(self._each(rows, lambda file, row: file.views([row])[0]))

    def _each(self, rows: Sequence[int], read: Callable[[ParquetFile, int], _T]) -> list[_T]:
        places = np.searchsorted(self._starts, rows, side="right") - 1
        return [
            read(self._files[place], row - self._starts[place])
            for place, row in zip(places.tolist(), rows, strict=True)
        ]
