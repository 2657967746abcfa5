"""The page of an evaluation: figures, curves, the confusion matrix and the tables in one file."""

from typing import Any

from vswin_cli.evaluation.figures import Figures, ProtocolFigures
from vswin_cli.evaluation.matching import KINDS
from vswin_cli.evaluation.metrics import METHOD, Share, chained, confusion_counts
from vswin_cli.pages.page import Part, page_pieces
from vswin_cli.system.terminal import printable

_NUM_PAIRS = 200
_NUM_LISTED = 500  # failed videos and unmatched rows; the CSV files have all


def build_page(figures: Figures) -> str:
    """Make the HTML of a page that needs nothing else."""
    return "".join(page_pieces("evaluation", Part(_content(figures))))


def _content(figures: Figures) -> dict[str, Any]:
    published = figures.published
    unmatched = figures.matched.unmatched
    return {
        "about": _about(figures),
        "labels": [printable(label) for label in figures.labels],
        "published": published and [published.protocol, published.top1, published.top5],
        "method": METHOD,
        "protocols": [_protocol(each, len(figures.labels)) for each in figures.protocols],
        "numFailed": len(figures.failed),
        "failed": [
            [printable(each.video), each.true_index, each.kind, printable(each.message)]
            for each in figures.failed[:_NUM_LISTED]
        ],
        "numUnmatched": len(unmatched),
        "unmatched": [
            [each.place, printable(each.video), KINDS[each.kind], printable(each.message)]
            for each in unmatched[:_NUM_LISTED]
        ],
    }


def _about(figures: Figures) -> list[tuple[str, str]]:
    counts = [
        f"{figures.matched.num_rows:,}: {figures.num_evaluated:,} videos evaluated",
        f"{len(figures.failed):,} failed",
        f"{len(figures.matched.unmatched):,} not matched",
        *([f"{figures.num_left:,} not yet done"] if figures.num_left else []),
    ]
    return [("Model", printable(figures.model)), ("Rows", ", ".join(counts))]


def _protocol(figures: ProtocolFigures, num_classes: int) -> dict[str, Any]:
    outcomes = figures.outcomes
    return {
        "name": outcomes.name,
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
