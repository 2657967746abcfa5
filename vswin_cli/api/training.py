"""The setup of a training, for `vswin train` and `train`."""

import hashlib
import json
from dataclasses import asdict, replace
from functools import cached_property, partial
from pathlib import Path
from time import perf_counter
from typing import Any

from vswin_cli.api.evaluation import AnnotationOptions, annotated_rows
from vswin_cli.api.model import VideoModel
from vswin_cli.api.options import EngineOptions, ViewOptions
from vswin_cli.engines.gpu import usable_gpu_backends
from vswin_cli.engines.registry import resolve_backend
from vswin_cli.errors import OutputError, UsageError
from vswin_cli.evaluation.video_files import VideoFiles
from vswin_cli.features.files import features_output
from vswin_cli.runs.options import RunOptions
from vswin_cli.runs.run import run_over
from vswin_cli.system.files import file_sha256
from vswin_cli.system.processors import available_processors
from vswin_cli.training.checks import (
    Checked,
    Estimate,
    alike_across,
    contradictions,
    estimate_full,
    warnings_about,
)
from vswin_cli.training.choices import Chosen, choices_said, choose
from vswin_cli.training.examples import TRAIN, join
from vswin_cli.training.inspection import InspectionTask, find_alike
from vswin_cli.training.options import VALIDATION_COST, TrainingOptions
from vswin_cli.training.splits import assign_splits
from vswin_cli.training.watcher import TrainingWatcher
from vswin_cli.weights.needed import FetchFile, fetch_file

SETTINGS = "training.json"
AUTO_BATCH = "auto_batch"  # in it: whether the batch size was chosen by the free memory
_OF_HEADS = (
    "model", "weights", "how", "seed", "multi_label", "label_smoothing", "backend", "precision",
    "protocol", "labels", "clips",
)  # fmt: skip


class TrainingRun:
    """A training that is set up: its rows are matched and nothing is computed yet.

    Args:
        engine: The model to start from, and the backend.
        views: How videos become views when features are computed.
        truth: The annotations.
        output: Folder of the model.
        run: How videos are read.
        options: How to train.
        fetch: Downloads a missing weights file.

    Raises:
        UsageError: The options or annotations are wrong, or the folder has another training.
    """

    def __init__(
        self,
        engine: EngineOptions,
        views: ViewOptions,
        truth: AnnotationOptions,
        output: Path,
        *,
        run: RunOptions,
        options: TrainingOptions,
        fetch: FetchFile = fetch_file,
    ) -> None:
        self.engine, self.run, self.options, self.folder = engine, run, options, output
        self.gpu = next(iter(usable_gpu_backends() if engine.backend == "auto" else ()), None)
        self.backend = self.gpu or ("tensorflow" if engine.backend == "auto" else engine.backend)
        self.model = VideoModel(engine, views, spares_keras=True, fetch=fetch)
        if views.is_adaptive:
            raise UsageError("features are the mean of all views; remove --views adaptive")
        self.form, rows, root = annotated_rows(truth, multi_label=options.multi_label)
        self.examples = join(rows, VideoFiles(root), multi_label=options.multi_label)
        self.root = root
        self._refuse_folder(truth.annotations)

    @cached_property
    def chosen(self) -> Chosen:
        """The values that `auto` and the recipe resolve to; `check` finds the last ones.

        Raises:
            UsageError: The options contradict each other.
            BackendError: The backend is not installed.
        """
        chosen = self._choose()
        if chosen.how == "full":
            resolve_backend(self.backend)
        return chosen

    def _choose(self, num_clips: int | None = None) -> Chosen:
        found = (read_settings(self.folder) if self.run.resume else None) or {}
        is_continued = found.get(AUTO_BATCH) and found.get("model") == self.model.model.name
        return choose(
            self.options,
            self.model.model,
            self.examples.labels,
            self.backend,
            has_gpu=bool(self.gpu),
            num_clips=num_clips,
            begun_with=found.get("batch_size") if is_continued else None,
        )

    @property
    def _inspected_by(self) -> ViewOptions:
        """The views to inspect clips with: one per clip if features only serve to compare clips."""
        views = self.model.views
        if self.chosen.how == "full" and views.views is None:
            return replace(views, views="fast", clips=None, crops=None)
        return views

    def check(self, watcher: TrainingWatcher) -> Checked:
        """Open every file, keep its features, and choose the splits.

        Raises:
            VswinError: As for `run_over`, or there are too few clips to train on.
        """
        model = VideoModel(
            self.engine, self._inspected_by, spares_keras=True, fetch=self.model._fetch
        )
        origin = model.features_origin(per_view=True)
        folder = self.folder / "features"
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as exc:
            raise OutputError(
                f"cannot make {folder}: {exc.strerror}; choose another --output"
            ) from exc
        name = f"{_digest(origin.settings)}.npz"  # with different settings, another file
        features = features_output(folder / name, resume=self.run.resume)
        task = InspectionTask(partial(model.classifier, 0), model.decoding_pool, origin, features)
        found = [each.found for each in self.examples.examples]
        if not found:
            raise UsageError("no clip of the annotations exists; check --videos")
        outcome = run_over(found, task, features, self.run, watcher.run())
        if outcome.is_stopped or len(task.inspected) + len(task.broken) < len(found):
            raise watcher.stopped()
        self.inspected = task.inspected
        whole = [e for e in self.examples.examples if e.found.video in task.inspected]
        pairs = find_alike(whole, task.inspected)
        whole, notes = assign_splits(whole, pairs, len(self.examples.labels), self.options.seed)
        examples = replace(self.examples, examples=whole)
        self.chosen = self._choose(len(examples.of(TRAIN)))
        warnings = warnings_about(examples, multi_label=self.options.multi_label)
        warnings += contradictions(examples, pairs)
        checked = Checked(examples, task.broken, alike_across(whole, pairs), notes, warnings)
        said = choices_said(
            self.chosen,
            self.options,
            examples.labels,
            self.backend,
            list(examples.counts(TRAIN).values()),
            is_balanced=checked.is_balanced,
        )
        return replace(checked, notes=[*notes, *said])

    def estimate(self, checked: Checked) -> Estimate:
        """Estimate how long the training takes; a head takes seconds."""
        from vswin_cli.training.clips import cache_bytes, takes_within  # noqa: PLC0415 - OpenCV

        spec, chosen = self.model.model, self.chosen
        train = checked.examples.of(TRAIN)
        if chosen.how == "head":
            rows = sum(len(each.features) for each in self.inspected.values())
            return Estimate(5.0, 8 * rows * spec.architecture.num_features + 500_000_000, 0)
        lengths = self.num_frames(checked)
        most = int(self.options.cache_gb * 1e9)
        takes = takes_within(lengths, self.model.protocol, most)
        num_trained = len(train) * chosen.recipe.epochs
        return estimate_full(
            spec.architecture,
            spec.gmacs,
            self.model.protocol.view_size,
            batch_size=chosen.batch_size,
            num_views=num_trained,
            num_validated=round(3 * VALIDATION_COST * num_trained),  # a validation view costs 1/3
            gflops=None if self.gpu else _gflops(self.num_threads),
            disk_bytes=min(cache_bytes(lengths, self.model.protocol, takes), most),
        )

    @property
    def num_threads(self) -> int:
        """CPU threads to use."""
        return self.engine.threads or available_processors()

    @property
    def computed_by(self) -> str:
        """The backend of the training, or of the features of a head."""
        return self.model.backend if self.chosen.how == "head" else self.backend

    @property
    def precision(self) -> str:
        """The Keras dtype policy, mixed if it is fast or was chosen; of a head, its features'."""
        if self.chosen.how == "head":
            return self.engine.precision
        is_mixed = self.gpu or self.engine.precision == "bfloat16"
        return "mixed_bfloat16" if is_mixed else "float32"

    def num_frames(self, checked: Checked) -> list[int]:
        """The number of frames in the files of the training clips."""
        return [self.inspected[each.found.video].num_frames for each in checked.examples.of(TRAIN)]

    def settings(self, checked: Checked) -> dict[str, Any]:
        """Collect everything that the weights depend on."""
        clips = [
            [
                each.found.video,
                each.found.num_bytes,
                each.found.modified_ns,
                each.split,
                each.labels,
            ]
            for each in checked.examples.examples
        ]
        chosen, options = self.chosen, asdict(self.options)
        for name in ("how", "augment", "save_every", "cache_gb", *asdict(chosen.recipe)):
            options.pop(name, None)
        found = {
            "model": self.model.model.name,
            "weights": file_sha256(self.model.weights_file)[:16],
            "how": chosen.how,
            **options,
            **asdict(chosen.recipe),
            "lr": chosen.lr,
            "batch_size": chosen.batch_size,
            "augment": chosen.augment,
            "backend": self.computed_by,
            "precision": self.precision,
            "protocol": asdict(self.model.protocol),
            "labels": list(checked.examples.labels),
            "clips": _digest(clips),
        }
        return {name: found[name] for name in _OF_HEADS} if chosen.how == "head" else found

    def _refuse_folder(self, annotations: Path) -> None:
        if not self.folder.exists():
            return
        if not self.folder.is_dir():
            raise UsageError(f"--output {self.folder} is a file; choose a folder")
        if annotations.is_file() and annotations.resolve().parent == self.folder.resolve():
            raise UsageError(
                f"--output {self.folder} is the folder of {annotations}, which training may "
                "overwrite; choose another folder"
            )
        names = {path.name for path in self.folder.iterdir()}
        is_own = SETTINGS in names or any((self.folder / "features").glob("*.npz*"))
        if not is_own and names - {"features"}:
            raise UsageError(f"--output {self.folder} contains other files; choose a new folder")


def _gflops(num_threads: int) -> float:
    """Measure the rate of large matrix products, in 10⁹ operations per second."""
    from vswin_cli.benchmark.matrix_product import SIDE, matrix_product  # noqa: PLC0415 - OpenVINO

    compute = matrix_product("float32", num_threads)
    seconds = []
    for _ in range(4):  # the best one, because other programs may be busy
        start = perf_counter()
        compute()
        seconds.append(perf_counter() - start)
    return 2 * SIDE**3 / min(seconds) / 1e9


def _digest(value: object) -> str:
    return hashlib.sha256(json.dumps(value).encode()).hexdigest()[:16]


def read_settings(folder: Path) -> dict[str, Any] | None:
    """Read the settings that the training in a folder began with."""
    try:
        found = json.loads((folder / SETTINGS).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None
