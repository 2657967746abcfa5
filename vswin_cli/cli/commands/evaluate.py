"""`vswin evaluate`: how right a model is on videos whose labels are known."""

import logging
import os
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vswin_cli.cli.carrying_out import carry_out, end
from vswin_cli.cli.evaluate_display import EvaluateDisplay
from vswin_cli.cli.evaluate_options import (
    AnnotationsArgument,
    CheckOption,
    FormOption,
    LabelColumnOption,
    PathColumnOption,
    ProtocolsOption,
    ReportOption,
    ResultsOption,
    VideosOption,
)
from vswin_cli.cli.label_options import (
    MaxFailuresOption,
    QuietOption,
    ResumeOption,
    RetryFailedOption,
    TimeoutOption,
    WorkersOption,
)
from vswin_cli.cli.options import (
    BackendOption,
    CacheDirOption,
    ClipsOption,
    CropsOption,
    MirrorOption,
    ModelOption,
    OfflineOption,
    PrecisionOption,
    ReaderOption,
    ThreadsOption,
    VerboseOption,
)
from vswin_cli.cli.top_k import TopKOption, chosen_top_k
from vswin_cli.errors import OutputError, UsageError
from vswin_cli.zoo.catalog import find_classifier
from vswin_cli.zoo.models import DEFAULT_MODEL, Model
from vswin_cli.zoo.protocols import Sampling, ViewProtocol

if TYPE_CHECKING:  # they import NumPy and OpenCV
    from vswin_cli.cli.evaluate_setup import EvaluateSetup
    from vswin_cli.evaluation.matching import Matched
    from vswin_cli.runs.journal import Journal, Record
    from vswin_cli.runs.target import Target


def evaluate(
    annotations: AnnotationsArgument,
    output: ResultsOption,
    videos: VideosOption = None,
    model: ModelOption = DEFAULT_MODEL.name,
    weights: Annotated[
        Path | None,
        typer.Option("--weights", metavar="FILE", help="Default: the model's file in the cache."),
    ] = None,
    report: ReportOption = None,
    annotations_format: FormOption = "auto",
    path_column: PathColumnOption = None,
    label_column: LabelColumnOption = None,
    top_k: TopKOption = None,
    resume: ResumeOption = True,
    retry_failed: RetryFailedOption = False,
    workers: WorkersOption = None,
    timeout: TimeoutOption = 300.0,
    max_failures: MaxFailuresOption = None,
    dry_run: CheckOption = False,
    protocol: ProtocolsOption = None,
    clips: ClipsOption = None,
    crops: CropsOption = None,
    backend: BackendOption = "auto",
    precision: PrecisionOption = "float32",
    reader: ReaderOption = "auto",
    threads: ThreadsOption = None,
    cache_dir: CacheDirOption = None,
    mirror: MirrorOption = None,
    offline: OfflineOption = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Measure the accuracy of a model on videos whose labels are known.

    A run that was stopped, by whatever, is continued by the same command; where nothing is left to
    do it makes the report anew. The exit code is 0 if every row was evaluated, 1 if one was not,
    2 for wrong usage, 130 after Ctrl-C.
    """
    chosen = find_classifier(model, cache_dir)
    num_labels = chosen_top_k(top_k, chosen)
    protocols = _protocols(chosen, protocol, clips, crops)
    if output.suffix.lower() != ".jsonl":
        raise UsageError(f"--output {output} must end in .jsonl; --report DIR writes CSV tables")
    if report is not None and report.exists() and not report.is_dir():
        raise UsageError(f"--report {report} is a file; name a folder")
    if verbose:
        logging.getLogger("vswin_cli").setLevel(logging.INFO)

    from vswin_cli.cli.evaluate_summary import print_matches, say_matches
    from vswin_cli.evaluation.annotations import Form, read_annotations, recognise
    from vswin_cli.evaluation.label_names import LabelNames
    from vswin_cli.evaluation.matching import match
    from vswin_cli.evaluation.video_files import VideoFiles
    from vswin_cli.runs.target import Target
    from vswin_cli.zoo.labels import read_labels

    _refuse_to_overwrite(annotations, output, report)
    target = Target(output, resume=resume)
    if annotations_format == "auto":
        form = recognise(annotations, path_column, label_column)
    else:
        form = Form(annotations_format)
    rows = read_annotations(annotations, form, path_column, label_column)
    root = _root(annotations, form is Form.FOLDER, videos)
    labels = LabelNames(read_labels(chosen.label_set))
    matched = match(rows, labels, VideoFiles(root, target.is_own))
    if not quiet:
        say_matches(form, matched)
    if dry_run:
        print_matches(matched)
        if matched.unmatched:
            raise typer.Exit(1)
        return

    from vswin_cli.cli.engine_setup import set_up_engine

    engine = set_up_engine(
        chosen, weights, backend=backend, precision=precision, threads=threads,
        cache_dir=cache_dir, mirror=mirror, offline=offline,
    )  # fmt: skip

    from vswin_cli.cli.evaluate_setup import EvaluateSetup
    from vswin_cli.cli.label_setup import LabelSetup, default_workers

    labelling = LabelSetup(
        engine=engine,
        protocol=protocols[0],
        reader=reader,
        top_k=num_labels,
        num_workers=workers or default_workers(threads),
        timeout_seconds=timeout,
    )
    setup = EvaluateSetup(labelling, protocols)
    display = EvaluateDisplay(
        matched.truth, read_labels(chosen.label_set), quiet=quiet, verbose=verbose
    )
    _evaluate(setup, matched, target, display, report, resume, retry_failed, max_failures)


def _evaluate(
    setup: "EvaluateSetup",
    matched: "Matched",
    target: "Target",
    display: EvaluateDisplay,
    report: Path | None,
    resume: bool,
    retry_failed: bool,
    max_failures: int | None,
) -> None:
    """Evaluate what has no record that holds, then tell and write what came out."""
    from vswin_cli.cli.evaluate_summary import print_summary
    from vswin_cli.evaluation.figures import compute_figures
    from vswin_cli.evaluation.writing import write_report
    from vswin_cli.runs.journal import Journal
    from vswin_cli.runs.run import plan

    names = [video.video for video in matched.found]
    with target.locked(), closing(Journal(target.journal_path, resume=resume)) as journal:
        unmatched_path = _list_unmatched(target.output, matched)
        settings = setup.settings(matched.truth)
        todo = plan(matched.found, journal, "", retry_failed=retry_failed, own_settings=settings)
        display.say_plan(todo)
        num_failed = carry_out(
            todo.todo,
            setup.make_pool,
            lambda: setup.make_answer(matched.truth, settings),
            journal,
            display,
            max_failures,
        )
        target.finish(journal, names, setup.labelling.top_k)
        records = _records_that_hold(journal, matched, settings)
        figures = compute_figures(setup.labelling.engine.model, matched, records)
        if report is not None:
            write_report(report, figures)
        if not display.quiet:
            print_summary(figures, display, target.output, unmatched_path, report)
        is_complete = not (figures.failed or figures.num_left or matched.unmatched)
        end(display, num_failed, max_failures, is_complete=is_complete)


def _protocols(
    model: Model, names: str | None, clips: int | None, crops: int | None
) -> tuple[ViewProtocol, ...]:
    """The protocols to compare, each adapted to what the user chose."""
    if names is None:
        return (model.protocol.adapted(None, clips, crops),)
    known = {str(sampling): sampling for sampling in Sampling}
    chosen = [name.strip() for name in names.split(",")]
    for name in chosen:
        if name not in known:
            raise UsageError(f"--protocol {names}: {name!r} is none of {', '.join(known)}")
    if len(set(chosen)) < len(chosen):
        raise UsageError(f"--protocol {names} names one twice; leave it out")
    return tuple(model.protocol.adapted(known[name], clips, crops) for name in chosen)


def _root(annotations: Path, is_folder: bool, videos: Path | None) -> Path:
    if is_folder:
        if videos is not None:
            raise UsageError(
                f"{annotations} is a folder of videos itself; leave --videos out, or name a file"
            )
        return annotations
    if videos is not None and not videos.is_dir():
        raise UsageError(f"--videos {videos} is no folder; check the path")
    return videos or annotations.parent


def _unmatched_path(output: Path) -> Path:
    return output.with_suffix(".unmatched.csv")


def _refuse_to_overwrite(annotations: Path, output: Path, report: Path | None) -> None:
    """Refuse annotations that are one of the files which a run writes."""
    from vswin_cli.evaluation.writing import REPORT_FILES

    reported = [report / name for name in REPORT_FILES] if report is not None else []
    for option, paths in (
        ("--output", [output, _unmatched_path(output)]),
        ("--report", reported),
    ):
        if os.path.realpath(annotations) in map(os.path.realpath, paths):
            raise UsageError(f"{option} would overwrite {annotations}; choose another place")


def _list_unmatched(output: Path, matched: "Matched") -> Path | None:
    """Write the rows that do not match beside the output, or remove what an earlier run wrote."""
    from vswin_cli.evaluation.matching import write_unmatched

    path = _unmatched_path(output)
    try:
        if not matched.unmatched:
            path.unlink(missing_ok=True)
            return None
        with path.open("w", encoding="utf-8", errors="surrogateescape", newline="") as stream:
            write_unmatched(stream, matched.unmatched)
    except OSError as exc:
        raise OutputError(f"cannot write {path}: {exc.strerror}; choose another --output") from exc
    return path


def _records_that_hold(
    journal: "Journal", matched: "Matched", settings: dict[str, str]
) -> "list[Record]":
    """The records of this evaluation, in the order of the rows."""
    from vswin_cli.runs.records import why_again

    holding = {
        found.video
        for found in matched.found
        if why_again(found, journal, settings[found.video], retry_failed=False) is None
    }
    names = [found.video for found in matched.found]
    return [record for record in journal.records(names) if record["video"] in holding]
