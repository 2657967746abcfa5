"""The run of `vswin evaluate`: match rows with videos, make records, compute metrics."""

import os
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from vswin_cli.api.model import VideoModel
from vswin_cli.errors import OutputError, UsageError
from vswin_cli.evaluation.annotations import AnnotationFormat, read_annotations, recognise
from vswin_cli.evaluation.figures import Figures, ProtocolFigures, compute_figures
from vswin_cli.evaluation.label_names import LabelNames
from vswin_cli.evaluation.matching import is_unmatched_list, match, write_unmatched
from vswin_cli.evaluation.page import Footage, files_in
from vswin_cli.evaluation.report import is_page, report_files, write_report
from vswin_cli.evaluation.rows import Row
from vswin_cli.evaluation.task import EvaluateTask
from vswin_cli.evaluation.video_files import VideoFiles
from vswin_cli.formats.registry import Format
from vswin_cli.pages.page import told
from vswin_cli.pages.strips import Strips, Track, read_strips
from vswin_cli.runs.options import RunOptions
from vswin_cli.runs.output import Output
from vswin_cli.runs.pool import default_workers
from vswin_cli.runs.records import Record
from vswin_cli.runs.run import Outcome, run_over
from vswin_cli.runs.task import RunWatcher
from vswin_cli.zoo.labels import read_labels


@dataclass(frozen=True)
class AnnotationOptions:
    """Where the annotations are, and their format.

    Attributes:
        annotations: A file in one of the known formats, or a folder with a folder per class.
        videos: Folder of the videos; None is the folder of the annotations.
        annotations_format: An `AnnotationFormat`, or `auto`.
        path_column: CSV column of paths; None is one of the usual names.
        label_column: CSV column of class names or indices; None is one of the usual names.
        first_index: Index of the first class in the annotations, 0 or 1.
    """

    annotations: Path
    videos: Path | None = None
    annotations_format: str = "auto"
    path_column: str | None = None
    label_column: str | None = None
    first_index: int = 0


@dataclass(frozen=True)
class Evaluated:
    """How an evaluation ended."""

    outcome: Outcome
    figures: Figures
    unmatched_path: Path | None  # the list of rows that do not match, if there are any
    output: Output
    report: Path | None  # the folder, or the page

    @property
    def is_complete(self) -> bool:
        """Whether every row was evaluated."""
        figures = self.figures
        return not (figures.failed or figures.num_left or figures.matched.unmatched)


class EvaluationRun:
    """An evaluation that is set up: its rows are matched, and no output is touched yet.

    Args:
        model: Model with classes, and one or more protocols to compare.
        truth: The annotations.
        output: File of records.
        output_format: Format of the file; None follows from the extension.
        report: Folder for the metrics and a page, or a page that ends in .html.
        strips: Show frames of the videos that were labelled incorrectly.
        top_k: Labels per video; None is 5, or all of a model with fewer classes.
        run: Options of the run.

    Raises:
        UsageError: The annotations or the outputs cannot be used.
    """

    def __init__(
        self,
        model: VideoModel,
        truth: AnnotationOptions,
        output: Path,
        *,
        output_format: Format | None = None,
        report: Path | None,
        strips: bool = True,
        top_k: int | None,
        run: RunOptions,
    ) -> None:
        if model.views.is_adaptive:
            raise UsageError("metrics need all views; remove --views adaptive")
        if report is not None and not is_page(report) and report.is_file():
            raise UsageError(
                f"--report {report} is a file; choose a folder, or a name that ends in .html"
            )
        if model.model.is_multi_label:
            raise UsageError(
                f"{model.model.name} gives videos several labels; evaluate takes one per video: "
                "see metrics.json in the folder that `vswin train` made"
            )
        self.model = model
        self.model.has_many_videos = True
        self.options = run
        self.report = report
        self._strips = strips
        self.top_k = model.top_k(top_k)
        self.labels = read_labels(model.model.label_set)
        self.output = Output(output, chosen=output_format, resume=run.resume)
        if report is not None:
            self.output.refuse_report(report)
        self._unmatched_path = output.with_suffix(".unmatched.csv")
        self._refuse_to_overwrite(truth.annotations, output)
        self.form, rows, self._root = annotated_rows(truth)
        self._gives_indices = any(isinstance(row.label, int) for row in rows)
        names = LabelNames(self.labels, truth.first_index)
        self.matched = match(rows, names, VideoFiles(self._root, self.output.is_own))
        path = self._unmatched_path
        is_another = os.path.lexists(path) and not is_unmatched_list(path)
        if self.matched.unmatched and is_another and not self.output.is_stdout:
            raise UsageError(
                f"{path} exists, and is not a list of unmatched rows; choose another --output, or "
                "move that file"
            )

    def carry_out(self, watcher: RunWatcher, track: Track | None = None) -> Evaluated:
        """Evaluate the videos that have no valid record, then write the results.

        Args:
            watcher: Watches the run.
            track: Gets the videos whose frames the report shows, and their number.

        Raises:
            VswinError: As for `run_over`.
        """
        task = EvaluateTask(
            partial(self.model.classifier, self.top_k),
            self.model.decoding_pool,
            self.model.settings(self.top_k),
            protocols=self.model.protocols,
            truth=self.matched.truth,
            labels=self.labels,
        )
        outcome = run_over(self.matched.found, task, self.output, self.options, watcher)
        unmatched_path = self._list_unmatched()
        figures = compute_figures(self.model.model, self.matched, task.records)
        if self._gives_indices and any(map(_is_one_off, figures.protocols)):
            watcher.on_warning(
                "most predictions are the class just before the annotated one; if the annotations "
                "count indices from 1, use --first-index 1"
            )
        if self.report is not None:
            self._write_report(self.report, figures, task.records, track)
        return Evaluated(outcome, figures, unmatched_path, self.output, self.report)

    def _write_report(
        self, report: Path, figures: Figures, records: Sequence[Record], track: Track | None
    ) -> None:
        """Write the report, with frames of the videos that were labelled incorrectly."""
        files = files_in(self._root, self.matched.found)
        wrong = {each.video for protocol in figures.protocols for each in protocol.wrong}
        shown = wrong & files.keys() if self._strips else set()
        day = datetime.fromtimestamp(self.output.journal_path.stat().st_mtime, UTC)
        page = report_files(report)[-1]
        with told(report):
            page.parent.mkdir(parents=True, exist_ok=True)
        with closing(Strips(page)) as strips:
            read_strips(
                (record for record in records if record["video"] in shown),
                lambda record: files[record["video"]].path,
                strips,
                num_workers=self.options.workers or default_workers(),
                timeout_seconds=self.options.timeout,
                track=track,
            )
            footage = Footage(os.path.realpath(self._root), f"{day:%Y-%m-%d}", files, strips)
            write_report(report, figures, footage)

    def _refuse_to_overwrite(self, annotations: Path, output: Path) -> None:
        """Refuse annotations that the run would overwrite."""
        reported = [] if self.report is None else report_files(self.report)
        for option, paths in (
            ("--output", [output, self._unmatched_path]),
            ("--report", reported),
        ):
            if os.path.realpath(annotations) in map(os.path.realpath, paths):
                raise UsageError(f"{option} would overwrite {annotations}; choose another place")

    def _list_unmatched(self) -> Path | None:
        """Write the list of rows that do not match, or remove the list of an earlier run."""
        path = self._unmatched_path
        if self.output.is_stdout:
            return None
        try:
            if not self.matched.unmatched:
                if is_unmatched_list(path):
                    path.unlink()
                return None
            with path.open("w", encoding="utf-8", errors="surrogateescape", newline="") as stream:
                write_unmatched(stream, self.matched.unmatched)
        except OSError as exc:
            raise OutputError(
                f"cannot write {path}: {exc.strerror}; choose another --output"
            ) from exc
        return path


def _is_one_off(figures: ProtocolFigures) -> bool:
    """Whether most answers are the class just before the true one, so that few are right."""
    outcomes = figures.outcomes
    num_before = int((outcomes.predicted == outcomes.truth - 1).sum())
    return 2 * num_before > len(outcomes.truth)


def annotated_rows(
    truth: AnnotationOptions, *, multi_label: bool = False
) -> tuple[AnnotationFormat, list[Row], Path]:
    """Read annotations: their format, their rows, and the folder that paths are relative to.

    Args:
        truth: Where the annotations are.
        multi_label: Allow several labels per video, with `|` between them in a row.

    Raises:
        UsageError: The annotations cannot be used.
    """
    columns = truth.path_column, truth.label_column
    if truth.annotations_format == "auto":
        form = recognise(truth.annotations, *columns)
    else:
        form = AnnotationFormat(truth.annotations_format)
    rows = read_annotations(truth.annotations, form, *columns, multi_label=multi_label)
    return form, rows, _root(truth, is_folder=form is AnnotationFormat.FOLDER)


def _root(truth: AnnotationOptions, *, is_folder: bool) -> Path:
    if is_folder:
        if truth.videos is not None:
            raise UsageError(
                f"{truth.annotations} is itself a folder of videos; remove --videos, or give "
                "a file of annotations"
            )
        return truth.annotations
    if truth.videos is not None and not truth.videos.is_dir():
        raise UsageError(f"--videos {truth.videos} is not a folder; check the path")
    return truth.videos or truth.annotations.parent
