"""The features of a run as they grow: rows in a store, and a journal that says whose they are."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from vswin_cli.features.origin import Origin
from vswin_cli.features.row_store import RowStore
from vswin_cli.results import Result
from vswin_cli.runs.finding import Found
from vswin_cli.runs.journal import Entry, Journal, Record
from vswin_cli.runs.records import label_record, why_again

_ROWS_A_BLOCK = 4096


@dataclass(frozen=True)
class Content:
    """What a features file is made of."""

    origin: Origin
    entries: dict[str, Entry]  # those that have features, in the order of the file
    store: RowStore

    @property
    def num_rows(self) -> int:
        """Rows in all."""
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
        """Yield the rows, some thousands at a time."""
        pending: list[np.ndarray] = []
        num_pending = 0
        for entry in self.entries.values():
            rows = _rows(self.store, entry)
            assert rows is not None  # they were checked, or written by this process
            pending.append(rows)
            num_pending += len(rows)
            if num_pending >= _ROWS_A_BLOCK:
                yield np.concatenate(pending)
                pending, num_pending = [], 0
        if pending:
            yield np.concatenate(pending)


class Embeddings:
    """Opens or makes both files; what the journal says and the store has not, counts as not done.

    Raises:
        UsageError: The files are of other settings, or of something else.
        OutputError: They cannot be read or written.
    """

    def __init__(
        self, journal_path: Path, store_path: Path, origin: Origin, *, resume: bool
    ) -> None:
        self.origin = origin
        self._store = RowStore(store_path, origin, resume=resume)
        try:
            self.journal = Journal(journal_path, resume=resume)
        except BaseException:
            self._store.close()
            raise
        self._lost = {
            video
            for video, entry in self.journal.entries.items()
            if entry.is_ok and _rows(self._store, entry) is None
        }
        whole = [e for v, e in self.journal.entries.items() if e.is_ok and v not in self._lost]
        self._store.cut(max((sum(entry.features[:2]) for entry in whole), default=0))

    def close(self) -> None:
        """Close both files; nothing is pending."""
        self.journal.close()
        self._store.close()

    def why_again(self, found: Found, *, retry_failed: bool) -> str | None:
        """Why the features of a video are to be computed, or None where they are here."""
        if found.video in self._lost:
            return "features damaged"
        settings = self.origin.settings
        return why_again(found, self.journal, settings, retry_failed=retry_failed)

    def stored(self, found: Found, result: Result, rows: np.ndarray | None) -> Record:
        """Store the features of a video, and make the record that the journal shall have of it.

        Args:
            found: The video.
            result: What was computed; its labels, if any, are not kept.
            rows: (rows,) of the origin's `row_type`, or None for a failure.

        Raises:
            OutputError: They cannot be written.
        """
        record = label_record(found, result, self.origin.settings)
        record["predictions"] = []
        record["features"] = None if rows is None else self._store.append(rows)
        self._lost.discard(found.video)
        return record

    def content(self, videos: Sequence[str]) -> Content:
        """Put the journal in the order of the videos; return what there is for a file."""
        self.journal.put_in_order(videos)
        entries = {
            video: entry
            for video, entry in self.journal.entries.items()
            if entry.is_ok and video not in self._lost
        }
        return Content(self.origin, entries, self._store)


def _rows(store: RowStore, entry: Entry) -> np.ndarray | None:
    if len(entry.features) != 3:
        return None
    first, num_rows, crc = entry.features
    return store.read((first, num_rows, crc))
