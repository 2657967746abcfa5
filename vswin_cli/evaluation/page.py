"""The page of an evaluation: metrics, curves, the confusion matrix, wrong answers with frames."""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vswin_cli.evaluation.figures import Figures, ProtocolFigures, Wrong
from vswin_cli.evaluation.matching import KINDS
from vswin_cli.evaluation.metrics import METHOD, Share, chained, confusion_counts
from vswin_cli.pages.page import MAX_CONTENT_BYTES, Part, encoded, shown
from vswin_cli.pages.strips import Strips
from vswin_cli.pages.videos import local_address
from vswin_cli.runs.videos import Found
from vswin_cli.sources.addresses import is_address

_NUM_PAIRS = 200
_NUM_LISTED = 500  # failed videos and unmatched rows; the CSV files have all


@dataclass(frozen=True)
class Footage:
    """The content of the page in addition to metrics.

    Attributes:
        folder: Folder of the videos.
        date: Date of the records.
        files: Videos that may be played, by name.
        strips: Strips of frames.
    """

    folder: str = ""
    date: str = ""
    files: Mapping[str, Found] = field(default_factory=dict)
    strips: Strips | None = None


def files_in(folder: Path, found: Sequence[Found]) -> dict[str, Found]:
    """Find the videos that may be shown, by name: files in the folder, or behind links in it.

    Annotations may come from a stranger, and can name other files.
    """
    root = os.path.join(os.path.abspath(folder), "")  # noqa: PTH100, PTH118 - links stay
    return {
        video.video: video
        for video in found
        if not is_address(video.path) and os.path.abspath(video.path).startswith(root)  # noqa: PTH100
    }


def page_of(
    figures: Figures, page: Path, footage: Footage, max_bytes: int = MAX_CONTENT_BYTES
) -> Part:
    """Make the content of the page.

    Args:
        figures: All metrics.
        page: Path of the page.
        footage: The videos.
        max_bytes: Size limit for wrong answers: after half of it, they have no frames, and after
            all of it, no names.
    """
    answers: dict[str, list[Wrong | None]] = {}
    for number, protocol in enumerate(figures.protocols):
        for wrong in protocol.wrong:
            found = answers.setdefault(wrong.video, [None] * len(figures.protocols))
            found[number] = wrong
    content = _content(figures, footage) | {"numWrong": len(answers)}
    return Part(content, _items(answers, page, footage, max_bytes))


def _items(
    answers: Mapping[str, list[Wrong | None]], page: Path, footage: Footage, max_bytes: int
) -> Iterator[str]:
    num_bytes = 0
    for video, found in answers.items():
        file = footage.files.get(video)
        has_room = 2 * num_bytes < max_bytes
        item = encoded(
            {
                "video": shown(video),
                "truth": next(wrong.true_index for wrong in found if wrong),
                "answers": [
                    wrong and [wrong.predicted_index, round(wrong.probability, 4), wrong.true_rank]
                    for wrong in found
                ],
                "strip": footage.strips.address(video) if footage.strips and has_room else None,
                "file": file and local_address(os.path.realpath(file.path), page, file.segment),
            }
        )
        num_bytes += len(item)
        if num_bytes > max_bytes:
            return
        yield item


def _content(figures: Figures, footage: Footage) -> dict[str, Any]:
    published = figures.published
    unmatched = figures.matched.unmatched
    return {
        "about": _about(figures, footage),
        "labels": [shown(label) for label in figures.labels],
        "published": published and [published.protocol, published.top1, published.top5],
        "method": METHOD,
        "protocols": [_protocol(each, len(figures.labels)) for each in figures.protocols],
        "numFailed": len(figures.failed),
        "failed": [
            [shown(each.video), each.true_index, each.kind, shown(each.message)]
            for each in figures.failed[:_NUM_LISTED]
        ],
        "numUnmatched": len(unmatched),
        "unmatched": [
            [each.place, shown(each.video), KINDS[each.kind], shown(each.message)]
            for each in unmatched[:_NUM_LISTED]
        ],
    }


def _about(figures: Figures, footage: Footage) -> list[tuple[str, str]]:
    counts = [
        f"{figures.matched.num_rows:,}: {figures.num_evaluated:,} videos evaluated",
        f"{len(figures.failed):,} failed",
        f"{len(figures.matched.unmatched):,} not matched",
        *([f"{figures.num_left:,} not yet done"] if figures.num_left else []),
    ]
    pairs = [
        ("Model", shown(figures.model)),
        ("Folder", shown(footage.folder)),
        ("Date", footage.date),
        ("Rows", ", ".join(counts)),
    ]
    return [pair for pair in pairs if pair[1]]


def _protocol(figures: ProtocolFigures, num_classes: int) -> dict[str, Any]:
    outcomes = figures.outcomes
    return {
        "name": outcomes.name,
        "numWrong": len(figures.wrong),
        "top1": _share(figures.top1),
        "top5": _share(figures.top5),
        "meanClass": _share(figures.mean_class),
        "ece": figures.calibration.expected_error,
        "bins": [
            [each.low, each.high, each.num_videos, each.confidence, each.accuracy]
            for each in figures.calibration.bins
        ],
        "views": [
            [each.views, each.num_views, _share(each.top1), _share(each.top5)]
            for each in figures.by_views
        ],
        "classes": [
            [row.index, row.num_videos, row.num_top1, row.num_top5, row.mistaken_for]
            for row in figures.classes
        ],
        "pairs": [
            [pair.true_index, pair.predicted_index, pair.num_videos, pair.num_of_class]
            for pair in figures.confused[:_NUM_PAIRS]
        ],
        "cells": [[*pair, count] for pair, count in confusion_counts(outcomes).items()],
        "chained": chained(figures.confused, num_classes),
    }


def _share(share: Share) -> list[float]:
    return [round(value, 6) for value in (share.value, share.low, share.high)]
