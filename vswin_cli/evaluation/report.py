"""Writes a report: metrics.json, the tables as CSV, and the page.

Except for the date on the page, nothing in it depends on when, or in how many runs, the videos were
evaluated.
"""

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TextIO

from vswin_cli.errors import OutputError
from vswin_cli.evaluation.figures import Figures, ProtocolFigures
from vswin_cli.evaluation.matching import write_unmatched
from vswin_cli.evaluation.metrics import METHOD, NUM_BINS, Share
from vswin_cli.evaluation.page import Footage, page_of
from vswin_cli.formats.csv_rows import CsvRows
from vswin_cli.pages.page import write_page
from vswin_cli.system.files import replacing
from vswin_cli.system.terminal import printable

PAGE = "index.html"
REPORT_FILES = (
    "metrics.json",
    "per_class.csv",
    "confused.csv",
    "wrong.csv",
    "failed.csv",
    "unmatched.csv",
    PAGE,
)


def is_page(report: Path) -> bool:
    """Whether a report is only a page, not a folder."""
    return report.suffix.lower() in (".html", ".htm")


def report_files(report: Path) -> list[Path]:
    """List the files of a report."""
    return [report] if is_page(report) else [report / name for name in REPORT_FILES]


def write_report(report: Path, figures: Figures, footage: Footage | None = None) -> None:
    """Write the page, or every file of the report; a missing folder is created.

    Args:
        report: The page or the folder.
        figures: All metrics.
        footage: The videos for the page.

    Raises:
        OutputError: A file cannot be written.
    """
    writers: tuple[Callable[[TextIO], None], ...] = (
        lambda stream: _write_text(stream, json.dumps(metrics(figures), indent=2) + "\n"),
        lambda stream: _write_rows(stream, _per_class(figures)),
        lambda stream: _write_rows(stream, _confused(figures)),
        lambda stream: _write_rows(stream, _wrong(figures)),
        lambda stream: _write_rows(stream, _failed(figures)),
        lambda stream: write_unmatched(stream, figures.matched.unmatched),
    )
    *tables, page = report_files(report)
    try:
        page.parent.mkdir(parents=True, exist_ok=True)
        for table, write in zip(tables, writers, strict=False):  # none if the report is only a page
            with (
                replacing(table) as path,
                path.open("w", encoding="utf-8", errors="surrogateescape", newline="") as stream,
            ):
                write(stream)
    except OSError as exc:
        raise OutputError(
            f"cannot write the report to {report}: {exc.strerror}; choose another --report"
        ) from exc
    write_page(page, "evaluation", page_of(figures, page, footage or Footage()))


def metrics(figures: Figures) -> dict[str, Any]:
    """Return the metrics as JSON values; accuracies and probabilities are in [0, 1]."""
    published = figures.published
    return {
        "model": figures.model,
        "num_classes": len(figures.labels),
        "rows": figures.matched.num_rows,
        "evaluated": figures.num_evaluated,
        "failed": {"total": len(figures.failed), **figures.failures()},
        "unmatched": {"total": len(figures.matched.unmatched), **figures.matched.kinds()},
        "not_yet_done": figures.num_left,
        "intervals": METHOD,
        "published": published
        and {
            "protocol": published.protocol,
            "top1": round(published.top1 / 100, 6),
            "top5": round(published.top5 / 100, 6),
        },
        "protocols": [_protocol(protocol) for protocol in figures.protocols],
    }


def _protocol(figures: ProtocolFigures) -> dict[str, Any]:
    outcomes, calibration = figures.outcomes, figures.calibration
    return {
        "protocol": outcomes.protocol,
        "clips": outcomes.num_clips,
        "crops": outcomes.num_crops,
        "top1": _share(figures.top1),
        "top5": _share(figures.top5),
        "mean_class_accuracy": {**_share(figures.mean_class), "classes": len(figures.classes)},
        "calibration": {
            "bins": NUM_BINS,
            "expected_calibration_error": calibration.expected_error,
            "mean_confidence": calibration.mean_confidence,
            "reliability": [
                {
                    "low": each.low,
                    "high": each.high,
                    "videos": each.num_videos,
                    "confidence": each.confidence,
                    "accuracy": each.accuracy,
                }
                for each in calibration.bins
            ],
        },
        "by_views": [
            {
                "views": each.views,
                "num_views": each.num_views,
                "top1": _share(each.top1),
                "top5": _share(each.top5),
            }
            for each in figures.by_views
        ],
    }


def _share(share: Share) -> dict[str, float]:
    return {"value": share.value, "low": share.low, "high": share.high}


def _per_class(figures: Figures) -> Iterable[list[Any]]:
    yield [
        *("protocol", "index", "label", "videos", "top1_right", "top1", "top5_right", "top5"),
        *("mistaken_for_index", "mistaken_for"),
    ]
    for protocol in figures.protocols:
        for row in protocol.classes:
            other = row.mistaken_for
            yield [
                protocol.outcomes.name,
                row.index,
                figures.labels[row.index],
                row.num_videos,
                row.num_top1,
                round(row.num_top1 / row.num_videos, 6),
                row.num_top5,
                round(row.num_top5 / row.num_videos, 6),
                other,
                None if other is None else figures.labels[other],
            ]


def _confused(figures: Figures) -> Iterable[list[Any]]:
    yield [
        *("protocol", "true_index", "true_label", "predicted_index", "predicted_label"),
        *("videos", "share_of_class"),
    ]
    for protocol in figures.protocols:
        for pair in protocol.confused:
            yield [
                protocol.outcomes.name,
                pair.true_index,
                figures.labels[pair.true_index],
                pair.predicted_index,
                figures.labels[pair.predicted_index],
                pair.num_videos,
                round(pair.num_videos / pair.num_of_class, 6),
            ]


def _wrong(figures: Figures) -> Iterable[list[Any]]:
    yield [
        *("protocol", "video", "true_index", "true_label", "predicted_index", "predicted_label"),
        *("probability", "true_rank"),
    ]
    for protocol in figures.protocols:
        for wrong in protocol.wrong:
            yield [
                protocol.outcomes.name,
                wrong.video,
                wrong.true_index,
                figures.labels[wrong.true_index],
                wrong.predicted_index,
                figures.labels[wrong.predicted_index],
                wrong.probability,
                wrong.true_rank,
            ]


def _failed(figures: Figures) -> Iterable[list[Any]]:
    yield ["video", "true_index", "true_label", "kind", "message"]
    for failed in figures.failed:
        label = figures.labels[failed.true_index]
        yield [failed.video, failed.true_index, label, failed.kind, printable(failed.message)]


def _write_rows(stream: TextIO, rows: Iterable[list[Any]]) -> None:
    for row in rows:
        CsvRows(stream).write(row)


def _write_text(stream: TextIO, text: str) -> None:
    stream.write(text)
