"""`train`, which programs call to train a model."""

from pathlib import Path
from typing import Any

from vswin_cli.api.evaluation import AnnotationOptions
from vswin_cli.api.options import BackendName, EngineOptions, ViewOptions, engine_options
from vswin_cli.api.training import TrainingRun
from vswin_cli.api.training_report import Trained, conclude, finished_training
from vswin_cli.runs.options import RunOptions
from vswin_cli.training.checks import Checked
from vswin_cli.training.options import TrainingOptions
from vswin_cli.training.watcher import TrainingWatcher


def train(
    data: str | Path,
    output: str | Path,
    *,
    model: str | Path = EngineOptions.model,
    videos: str | Path | None = None,
    backend: BackendName = "auto",
    threads: int | None = None,
    resume: bool = True,
    **options: Any,  # noqa: ANN401 - the fields of `TrainingOptions`
) -> Trained:
    """Train a model on videos with labels, as `vswin train` does, or continue a stopped training.

    Args:
        data: Annotations, or a folder with a folder per class.
        output: Folder of the model, to give to `load_model`.
        model: Model to start from, as for `load_model`.
        videos: Folder of the videos. Default: the folder of the annotations.
        backend: Training backend: `tensorflow`, `jax` or `torch`. `auto` is one that can use a
            GPU, or TensorFlow if there is none.
        threads: CPU threads to use. Default: all that this process may use.
        resume: Continue an earlier training; False starts over.
        options: Options of `vswin train`, such as `how`, `epochs`, `batch_size`, `lr`, `seed`,
            `augment`, `multi_label`.

    Raises:
        UsageError: The data or the options contradict each other or cannot be used.
        VswinError: The training diverged or failed.
    """
    for name in ("batch_size", "lr"):
        if options.get(name) == "auto":
            options[name] = None
    run = TrainingRun(
        engine_options(model, backend=backend, threads=threads),
        ViewOptions(),
        AnnotationOptions(Path(data), None if videos is None else Path(videos)),
        Path(output),
        run=RunOptions(resume=resume),
        options=TrainingOptions(**options),
    )
    watcher = TrainingWatcher()
    return carry_out(run, run.check(watcher), watcher)


def carry_out(run: TrainingRun, checked: Checked, watcher: TrainingWatcher) -> Trained:
    """Train, write the folder, and evaluate on the test split.

    Raises:
        VswinError: The training diverged or was stopped, or the folder cannot be written.
    """
    if (finished := finished_training(run, checked)) is not None:
        watcher.on_note(f"{run.folder} is already trained; use --no-resume to train again")
        return finished
    from vswin_cli.api.fitting import fit  # noqa: PLC0415 - SciPy, and Keras where it trains

    return conclude(run, checked, fit(run, checked, watcher), watcher)
