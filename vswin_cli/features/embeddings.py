"""The growing features of a run: rows in a store, and a journal that assigns them to videos."""

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from vswin_cli.features.origin import Origin
from vswin_cli.features.row_store import RowStore
from vswin_cli.runs.journal import Journal
from vswin_cli.runs.records import Entry, Record

_ROWS_A_BLOCK = 4096


@dataclass(frozen=True)
class Content:
    """The content of a features file."""

    origin: Origin
    entries: dict[str, Entry]  # of videos with features, in the order of the file
    store: RowStore

    @property
    def num_rows(self) -> int:
        """Total number of rows."""
        return sum(entry.features[1] for entry in self.entries.values())

    @property
    def longest_name(self) -> int:
        """Bytes of the longest name."""
        return max((len(os.fsencode(video)) for video in self.entries), default=0)

    def names(self) -> Iterator[bytes]:
        """Yield the name of each row's video, as the file system has it."""
        for video, entry in self.entries.items():
            for _ in range(entry.features[1]):
                yield os.fsencode(video)

    def blocks(self) -> Iterator[np.ndarray]:
        """Yield the rows, some thousands at a time.

        Raises:
            OutputError: The rows have changed since the run began or wrote them.
        """
        pending: list[np.ndarray] = []
        num_pending = 0
        for entry in self.entries.values():
            rows = _rows(self.store, entry)
            if rows is None:  # they were checked, or this process wrote them
                raise self.store.changed()
            pending.append(rows)
            num_pending += len(rows)
            if num_pending >= _ROWS_A_BLOCK:
                yield np.concatenate(pending)
                pending, num_pending = [], 0
        if pending:
            yield np.concatenate(pending)


class Embeddings:
    """The rows and the journal of features; a video without rows is not done, despite a record.

    Args:
        journal: Open journal with the records of `vswin embed`.
        store_path: Path of the rows.
        origin: Everything that the features depend on.
        resume: Keep existing rows; False starts over.

    Raises:
        UsageError: The rows have different settings, or the file is not a store of rows.
        OutputError: The rows cannot be read or written.
    """

    def __init__(self, journal: Journal, store_path: Path, origin: Origin, *, resume: bool) -> None:
        self.origin = origin
        self.journal = journal
        spans = (
            entry.features
            for entry in journal.entries.values()
            if entry.is_ok and entry.settings == origin.settings and len(entry.features) == 3
        )
        self._store = RowStore(store_path, origin, resume=resume, spans=spans)
        self.lost = {  # videos whose rows are not as they were written
            video
            for video, entry in journal.entries.items()
            if entry.is_ok and _rows(self._store, entry) is None
        }
        whole = [e for v, e in journal.entries.items() if e.is_ok and v not in self.lost]
        self._store.cut(max((sum(entry.features[:2]) for entry in whole), default=0))

    def close(self) -> None:
        """Close the rows; everything is written already."""
        self._store.close()

    def keep(self, video: str, rows: np.ndarray) -> Record:
        """Store the features of a video; return the keys of its record in place of labels.

        Args:
            video: Name of the video.
            rows: (rows,) of the origin's `row_type`; on disk when this returns.

        Raises:
            OutputError: The rows cannot be written.
        """
        span = self._store.append(rows)
        self.lost.discard(video)
        return {"predictions": [], "features": span}

    @property
    def checks(self) -> tuple[Callable[[], None], ...]:
        """Check that journal and rows are still at their paths; see `Journal.check`."""
        return self.journal.check, self._store.check

    def rows(self, video: str) -> np.ndarray | None:
        """Read the rows of a video, of the origin's `row_type`; None if they are damaged."""
        return _rows(self._store, self.journal.entries[video])

    def content(self, videos: Sequence[str]) -> Content:
        """Put the journal in the order of the videos; return the content for a file."""
        self.journal.put_in_order(videos)
        entries = {
            video: entry
            for video, entry in self.journal.entries.items()
            if entry.is_ok and video not in self.lost
        }
        return Content(self.origin, entries, self._store)


def _rows(store: RowStore, entry: Entry) -> np.ndarray | None:
    if len(entry.features) != 3:
        return None
    first, num_rows, crc = entry.features
    return store.read((first, num_rows, crc))
