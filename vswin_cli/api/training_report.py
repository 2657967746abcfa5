"""The results of a training: the model, its metrics on the test split, the page and the card."""

import json
import os
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import version
from math import nan
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from vswin_cli import __version__
from vswin_cli.api.model import VideoModel
from vswin_cli.api.options import EngineOptions, ViewOptions
from vswin_cli.api.training import TrainingRun
from vswin_cli.evaluation.figures import Figures, compute_figures
from vswin_cli.evaluation.matching import Matched
from vswin_cli.evaluation.page import Footage, files_in, page_of
from vswin_cli.evaluation.report import metrics as figures_stated
from vswin_cli.evaluation.task import EvaluateTask
from vswin_cli.pages.page import Part, write_page
from vswin_cli.pages.strips import Strips, read_strips
from vswin_cli.runs.output import Output
from vswin_cli.runs.records import Record
from vswin_cli.runs.run import run_over
from vswin_cli.runs.task import Task
from vswin_cli.system.files import file_sha256
from vswin_cli.training.card import model_card
from vswin_cli.training.checks import Checked
from vswin_cli.training.examples import SPLITS, TEST, VALIDATION, Example
from vswin_cli.training.outputs import (
    CARD,
    LOG,
    METRICS,
    PAGE,
    WEIGHTS,
    write_json,
    write_log,
    write_model,
    written,
)
from vswin_cli.training.remarks import remarks_on
from vswin_cli.training.scoring import average_precisions, multi_label_figures
from vswin_cli.training.watcher import TrainingWatcher

if TYPE_CHECKING:
    from vswin_cli.api.fitting import Fitted


@dataclass(frozen=True)
class Trained:
    """How a training ended.

    Attributes:
        folder: Folder of the model, to give to `load_model` or `--model`.
        metrics: The content of `metrics.json`.
        remarks: What the metrics mean and what to try next, one line each.
    """

    folder: Path
    metrics: dict[str, Any]
    remarks: tuple[str, ...]

    @property
    def accuracy(self) -> float:
        """Accuracy on the test split, or on the validation split if there is no test; in [0, 1].

        With several labels per video, this is the mean average precision; NaN if it is unknown.
        """
        value = self.metrics["accuracy"]["value"]
        return nan if value is None else float(value)


def finished_training(run: TrainingRun, checked: Checked) -> Trained | None:
    """Read the result of an earlier run, if it had these settings and finished."""
    try:
        metrics = json.loads((run.folder / METRICS).read_text(encoding="utf-8"))
        is_same = metrics["settings"] == json.loads(json.dumps(run.settings(checked)))
        is_there = file_sha256(run.folder / WEIGHTS) == metrics["weights"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    if not (is_same and is_there and run.run.resume):
        return None
    return Trained(run.folder, metrics, tuple(metrics["remarks"]))


def conclude(
    run: TrainingRun, checked: Checked, fitted: "Fitted", watcher: TrainingWatcher
) -> Trained:
    """Write the folder; only this function uses the test split.

    Raises:
        VswinError: As for `run_over`, or a file cannot be written.
    """
    spec, labels = run.model.model, checked.examples.labels
    made = write_model(
        run.folder,
        fitted.weights,
        spec.architecture,
        labels,
        run.model.protocol,
        multi_label=run.options.multi_label,
        origin=f"trained from {spec.name} by vswin {__version__}",
    )
    write_log(run.folder / LOG, fitted.log)
    split = TEST if checked.examples.of(TEST) else VALIDATION
    examples = checked.examples.of(split)
    model = VideoModel(
        EngineOptions(
            model=str(run.folder / "model.toml"),
            backend=run.engine.backend,
            threads=run.engine.threads,
            cache_dir=run.engine.cache_dir,
        ),
        ViewOptions(reader=run.model.views.reader),
        spares_keras=True,
    )
    measure = _measure_many if run.options.multi_label else _measure
    stated, part, footage = measure(run, model, examples, labels, watcher)
    metrics: dict[str, Any] = {
        "split": split,
        "clips": {each: len(checked.examples.of(each)) for each in SPLITS},
        "broken": len(checked.broken),
        **stated,
        "train": {key: value for key, value in fitted.best.items() if key.startswith("train")},
        "validation": {
            key: value for key, value in fitted.best.items() if key.startswith("validation")
        },
        "kept": {key: fitted.best[key] for key in ("epoch", "strength") if key in fitted.best},
        "settings": run.settings(checked),
        "weights": made.sha256,
        "versions": {name: version(name) for name in ("vswin", "numpy", *_libraries(run))},
        "seconds": round(fitted.seconds, 1),
    }
    remarks = tuple(
        remarks_on(
            fitted.best,
            metrics["accuracy"]["value"],
            metrics["classes"],
            is_early=fitted.is_early,
            multi_label=run.options.multi_label,
            how=run.chosen.how,
        )
    )
    metrics["remarks"] = remarks
    content = {
        **part.content,
        "training": {"log": fitted.log, "remarks": remarks, "split": split},
    }
    with closing(footage):
        write_page(run.folder / PAGE, "evaluation", Part(content, part.items))
    with written(run.folder / CARD) as path:
        path.write_text(model_card(run.folder.resolve().name, metrics, checked, remarks), "utf-8")
    write_json(run.folder / METRICS, metrics)
    for left in (run.folder / "checkpoint").glob("*.npz"):
        left.unlink()
    return Trained(run.folder, metrics, remarks)


def _libraries(run: TrainingRun) -> tuple[str, ...]:
    return (run.computed_by, "scipy" if run.chosen.how == "head" else "keras")


def _measure(
    run: TrainingRun,
    model: VideoModel,
    examples: Sequence[Example],
    labels: tuple[str, ...],
    watcher: TrainingWatcher,
) -> tuple[dict[str, Any], Part, Strips]:
    """Evaluate clips with one class each, as `vswin evaluate` does."""
    matched = Matched(
        [each.found for each in examples],
        {each.found.video: each.labels[0] for each in examples},
        [],
    )
    top_k = model.top_k(None)
    task = EvaluateTask(
        partial(model.classifier, top_k),
        model.decoding_pool,
        model.settings(top_k),
        protocols=model.protocols,
        truth=matched.truth,
        labels=labels,
    )
    _run(run, matched.found, task, watcher)
    figures = compute_figures(model.model, matched, task.records)
    page = run.folder / PAGE
    files = files_in(run.root, matched.found)
    wrong = {each.video for protocol in figures.protocols for each in protocol.wrong}
    strips = Strips(page)
    read_strips(
        (record for record in task.records if record["video"] in wrong & files.keys()),
        lambda record: files[record["video"]].path,
        strips,
        num_workers=model.num_workers(run.run),
        timeout_seconds=run.run.timeout,
    )
    day = f"{datetime.now(UTC):%Y-%m-%d}"
    footage = Footage(os.path.realpath(run.root), day, files, strips)
    return _stated(figures), page_of(figures, page, footage), strips


def _stated(figures: Figures) -> dict[str, Any]:
    stated = figures_stated(figures)
    [protocol] = stated.pop("protocols") or [{}]
    accuracy = protocol.get("top1", {"value": 0.0, "low": 0.0, "high": 1.0})
    classes = [
        {
            "label": figures.labels[row.index],
            "clips": row.num_videos,
            "right": row.num_top1,
            "mistaken_for": None if row.mistaken_for is None else figures.labels[row.mistaken_for],
        }
        for row in (figures.protocols[0].classes if figures.protocols else ())
    ]
    return {"accuracy": accuracy, "classes": classes, "evaluation": protocol}


def _measure_many(
    run: TrainingRun,
    model: VideoModel,
    examples: Sequence[Example],
    labels: tuple[str, ...],
    watcher: TrainingWatcher,
) -> tuple[dict[str, Any], Part, Strips]:
    """Evaluate clips with several classes each: average precisions, and F1 at 0.5."""
    task = Task(
        partial(model.classifier, len(labels)), model.decoding_pool, model.settings(len(labels))
    )
    records = {
        record["video"]: record for record in _run(run, [e.found for e in examples], task, watcher)
    }
    known = [each for each in examples if records.get(each.found.video, {}).get("predictions")]
    found, targets = (np.zeros((len(known), len(labels))) for _ in range(2))
    for number, each in enumerate(known):
        targets[number, list(each.labels)] = 1
        for scored in records[each.found.video]["predictions"]:
            found[number, scored["index"]] = scored["probability"]
    figures = multi_label_figures(found, targets)
    classes = []
    for index, label in enumerate(labels):
        precision = average_precisions(found[:, [index]], targets[:, [index]])
        classes.append(
            {
                "label": label,
                "clips": int(targets[:, index].sum()),
                "average_precision": float(precision[0]) if len(precision) else None,
            }
        )
    stated = {
        "accuracy": {"value": figures["mean_average_precision"]},
        "multi_label": figures,
        "classes": classes,
    }
    empty = Figures(model.model.name, labels, None, Matched([], {}, []), len(known), (), ())
    content = page_of(empty, run.folder / PAGE, Footage()).content
    return stated, Part({**content, "precisions": classes}), Strips(run.folder / PAGE)


def _run(
    run: TrainingRun, found: Sequence[Any], task: Task, watcher: TrainingWatcher
) -> list[Record]:
    path = run.folder / "test.jsonl"
    output = Output(path, resume=False)
    outcome = run_over(found, task, output, run.run, watcher.run())
    if any(name not in outcome.entries for name in outcome.names):
        raise watcher.stopped()
    with Output(path).looked_at() as journal:
        assert journal is not None
        return [journal.record(name) for name in outcome.names]
