"""What programs call to train: `train`."""

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
    model: str = EngineOptions.model,
    videos: str | Path | None = None,
    backend: BackendName = "auto",
    threads: int | None = None,
    resume: bool = True,
    **options: Any,  # noqa: ANN401 - the fields of `TrainingOptions`
) -> Trained:
    """Train a model on videos with labels, as `vswin train` does; a stopped run is continued.

    Args:
        data: Annotations, or a folder with a folder for each class.
        output: The folder that `load_model` takes then.
        model: Where to start, as of `load_model`.
        videos: Folder of the videos; None is that of the annotations.
        backend: What trains: `tensorflow`, `jax` or `torch`; `auto` is a usable GPU's, else
            TensorFlow.
        threads: Processors to keep busy; None is all that this process may use.
        resume: Go on from what an earlier run has done.
        options: As of `vswin train`, such as `how`, `epochs`, `batch_size`, `lr`, `seed`,
            `augment`, `multi_label`.

    Raises:
        UsageError: The data or the options make no sense.
        VswinError: It diverged, or a part of it failed.
    """
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
    """Train, write the folder, and look at the test.

    Raises:
        VswinError: It diverged, was asked to stop, or the folder cannot be written.
    """
    if (finished := finished_training(run, checked)) is not None:
        watcher.on_note(f"{run.folder} is trained already; --no-resume trains again")
        return finished
    from vswin_cli.api.fitting import fit  # noqa: PLC0415 - SciPy, and Keras where it trains

    return conclude(run, checked, fit(run, checked, watcher), watcher)
