"""The page of a run: a card per video, with its labels or failure and a strip of frames."""

import os
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from vswin_cli.pages.page import (
    MAX_CONTENT_BYTES,
    Part,
    cut,
    encoded,
    part_path,
    shown,
    told,
    write_pages,
)
from vswin_cli.pages.strips import Strips
from vswin_cli.pages.videos import local_address, segment_of
from vswin_cli.runs.records import Record
from vswin_cli.system.terminal import length

_NUM_LABELS = 5
_NUM_WARNINGS = 20
_MAX_INDEX_BYTES = 16_000_000
_NO_VIDEOS = ("empty", "not_a_video", "not_a_file", "missing", "encrypted")  # error kinds


def write_report(
    output: Path,
    records: Iterable[Record],
    *,
    date: str,
    place: Path | None = None,
    find: Callable[[Record], str | None] = lambda record: None,
    strips: Strips | None = None,
    max_bytes: int = MAX_CONTENT_BYTES,
) -> list[Path]:
    """Write the page, or several if needed; only one card at a time is in memory.

    Args:
        output: Path of the first page; the others are called `page.2.html`, …
        records: Records of `vswin label`.
        date: When they were made, as text.
        place: Where the first page will be, if not at `output`.
        find: Returns the file of a record's video if it may be played.
        strips: Strips of frames.
        max_bytes: Size limit of the cards on one page.

    Returns:
        The paths of the pages.

    Raises:
        OutputError: As for `write_pages`.
    """
    about, index = _About(date), _Index()
    sizes = []
    with told(output), tempfile.TemporaryFile("w+", dir=output.parent) as cards:
        for record in records:
            about.add(record)
            if record["status"] == "skipped":  # it is not a video
                continue
            card = _card(record)
            path = None if _is_no_video(record) else find(record)
            card["strip"] = strips.address(record["video"]) if strips else None
            card["file"] = path and local_address(path, place or output, segment_of(record))
            sizes.append(cards.write(encoded(card) + "\n"))
            index.add(card)
        cards.seek(0)
        runs = cut(sizes, max_bytes)
        pages = [part_path(output, number) for number in range(1, len(runs) + 1)]
        addresses = [local_address(os.path.realpath(page), output) for page in pages]
        others = index.content(runs) if len(runs) > 1 else None
        write_pages(
            output,
            "report",
            (
                Part(
                    {
                        "about": about.pairs(),
                        "page": number,
                        "pages": addresses,
                        "first": run.start + 1,
                        "total": len(sizes),
                        "index": others,
                    },
                    (card.rstrip() for card in islice(cards, len(run))),
                )
                for number, run in enumerate(runs, start=1)
            ),
        )
    return pages


@dataclass
class _Index:
    """Data about the cards on other pages, for the filters of each page."""

    names: dict[str, int] = field(default_factory=dict)  # labels and error kinds, by index
    cards: list[list[Any]] = field(default_factory=list)
    num_bytes: int = 0

    def add(self, card: Mapping[str, Any]) -> None:
        """Note a card: video, labels, probability of the best one, failure, has warnings."""
        labels = [self._place(label) for label, _ in card["labels"]]
        best = card["labels"][0][1] if labels else -1
        kind = self._place(card["error"][0]) if card["error"] else None
        entry = [card["video"], labels, best, kind, int(bool(card["warnings"]))]
        self.num_bytes += len(encoded(entry))
        if self.num_bytes <= _MAX_INDEX_BYTES:
            self.cards.append(entry)
        else:
            self.cards.clear()

    def content(self, runs: Sequence[range]) -> dict[str, Any] | None:
        """Make the data for the scripts, by page; None if it is too large for a page."""
        if self.num_bytes > _MAX_INDEX_BYTES:
            return None
        pages = [[self.cards[number] for number in run] for run in runs]
        return {"names": list(self.names), "pages": pages}

    def _place(self, name: str) -> int:
        return self.names.setdefault(name, len(self.names))


@dataclass
class _About:
    """The head of the page, which describes all records."""

    date: str
    models: dict[str, None] = field(default_factory=dict)
    folder: str | None = None
    num_ok: int = 0
    num_failed: int = 0
    num_skipped: int = 0
    num_warned: int = 0

    def add(self, record: Record) -> None:
        """Count a record."""
        if record["status"] == "ok":
            self.num_ok += 1
        elif record["status"] == "skipped":
            self.num_skipped += 1
        else:
            self.num_failed += 1
        self.num_warned += bool(record["warnings"])
        if len(self.models) < _NUM_LABELS:
            self.models[shown(record.get("model"))] = None
        folder = os.path.dirname(record["path"])  # noqa: PTH120 - of any string
        if os.path.isabs(folder):  # noqa: PTH117
            try:
                self.folder = os.path.commonpath((self.folder or folder, folder))
            except ValueError:  # on Windows
                self.folder = "several drives"

    def pairs(self) -> list[tuple[str, str]]:
        """Return terms and texts."""
        counts = [f"{self.num_ok + self.num_failed:,}: {self.num_ok:,} labelled"]
        counts.append(f"{self.num_failed:,} failed")
        if self.num_skipped:
            counts.append(f"{self.num_skipped:,} skipped")
        if self.num_warned:
            counts.append(f"{self.num_warned:,} with warnings")
        return [
            ("Model", ", ".join(filter(None, self.models)) or "not named"),
            ("Folder", shown(self.folder) or "not named"),
            ("Date", self.date),
            ("Videos", ", ".join(counts)),
        ]


def _is_no_video(record: Record) -> bool:
    """Whether the file contains nothing to play."""
    return bool(record["error"]) and record["error"]["kind"] in _NO_VIDEOS


def _card(record: Record) -> dict[str, Any]:
    error, video = record["error"], record["video"]
    before, name, reason = error["message"].partition(f"{video}: ") if error else ("", "", "")
    if error and not (name and before.startswith("cannot read ")):
        reason = error["message"]
    return {
        "video": shown(video),
        "model": shown(record.get("model")),
        "facts": _facts(record),
        "labels": [
            [shown(prediction["label"]), _share(prediction["probability"])]
            for prediction in record["predictions"][:_NUM_LABELS]
        ],
        "warnings": [shown(warning) for warning in record["warnings"][:_NUM_WARNINGS]],
        "error": error and [shown(error["kind"]), shown(reason)],
    }


def _facts(record: Record) -> str:
    """Describe the video, as in `12.3 s · 640×360 · 300 frames`."""
    seconds, frames = record.get("duration_seconds"), record.get("num_frames")
    width, height = record.get("width"), record.get("height")
    facts = [
        length(seconds) if isinstance(seconds, int | float) and 0 <= seconds < 1e9 else "",
        f"{width}×{height}" if isinstance(width, int) and isinstance(height, int) else "",
        f"{frames:,} frames" if isinstance(frames, int) else "",
    ]
    return " · ".join(filter(None, facts))


def _share(value: float) -> float:
    """Format a probability; records from strangers may hold any number."""
    return round(value, 4) if 0 <= value <= 1 else 0.0
