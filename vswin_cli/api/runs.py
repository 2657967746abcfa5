"""Runs over many videos: what `vswin label` and `vswin embed` do, without terminal output."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from vswin_cli.api.model import VideoModel
from vswin_cli.errors import UsageError, VideoError
from vswin_cli.features.files import features_output
from vswin_cli.features.origin import FeatureType
from vswin_cli.features.task import EmbedTask, LabelAndEmbedTask
from vswin_cli.formats.registry import Format
from vswin_cli.runs.options import RunOptions
from vswin_cli.runs.output import Output
from vswin_cli.runs.plan import Plan
from vswin_cli.runs.run import Outcome, plan_over, run_over
from vswin_cli.runs.sidecars import SidecarFormat
from vswin_cli.runs.task import RunWatcher, Task
from vswin_cli.runs.videos import Found, Selection, find_videos
from vswin_cli.sources.addresses import without_credentials

_NUM_NAMED = 3  # paths in a message


@dataclass(frozen=True)
class VideoRun:
    """A run that is set up: its videos are found, and no output is touched yet."""

    videos: Sequence[Found]
    task: Task
    output: Output
    options: RunOptions
    skipped: Counter[str] = field(default_factory=Counter)  # such as files of NAS systems

    def carry_out(self, watcher: RunWatcher) -> Outcome:
        """Compute the videos that have no valid record, and write the outputs.

        Raises:
            VswinError: As for `run_over`.
        """
        watcher.on_skipped(self.skipped)
        return run_over(self.videos, self.task, self.output, self.options, watcher)

    def plan(self) -> Plan:
        """Plan the run; create and lock no file."""
        return plan_over(self.videos, self.task, self.output, self.options)


def label_run(
    model: VideoModel,
    paths: Sequence[str],
    output: Path,
    *,
    selection: Selection,
    run: RunOptions,
    top_k: int | None = None,
    min_probability: float = 0.0,
    output_format: Format | None = None,
    sidecar: SidecarFormat | None = None,
    embeddings: Path | None = None,
) -> VideoRun:
    """Set up a run of `vswin label`.

    Args:
        model: Model with classes.
        paths: As for `find_videos`.
        output: File to write.
        selection: Which files of folders to take.
        run: Options of the run.
        top_k: Labels per video; None is 5, or all of a model with fewer classes.
        min_probability: Leave out labels that are less probable.
        output_format: Format of the file; None follows from the extension.
        sidecar: Format of a file to write next to each video.
        embeddings: Features file to write too.

    Raises:
        UsageError: The outputs cannot be written or continued, or the paths cannot be used.
        WeightsError: The weights are missing.
    """
    model.has_many_videos = True
    num_labels = model.top_k(top_k)
    load = partial(model.classifier, num_labels, min_probability=min_probability)
    settings = model.settings(num_labels, min_probability)
    labels = Output(output, chosen=output_format, resume=run.resume)
    if embeddings is None:
        videos, skipped = find_all(paths, selection, labels.is_own)
        task = Task(load, model.decoding_pool, settings, sidecar=sidecar)
        return VideoRun(videos, task, labels, run, skipped)
    if model.views.is_adaptive:
        raise UsageError("--embeddings needs all views; remove --views adaptive")
    features = features_output(embeddings, resume=run.resume, option="--embeddings")
    if labels.is_own(str(embeddings)) or features.is_own(str(output)):
        raise UsageError(f"--embeddings {embeddings} is also the --output; choose another file")
    videos, skipped = find_all(
        paths, selection, lambda path: labels.is_own(path) or features.is_own(path)
    )
    both = LabelAndEmbedTask(
        load,
        model.decoding_pool,
        model.features_origin(),
        features,
        settings=settings,
        sidecar=sidecar,
    )
    return VideoRun(videos, both, labels, run, skipped)


def embed_run(
    model: VideoModel,
    paths: Sequence[str],
    output: Path,
    *,
    selection: Selection,
    run: RunOptions,
    output_format: Format | None = None,
    dtype: FeatureType = "float32",
    per_view: bool = False,
) -> VideoRun:
    """Set up a run of `vswin embed`: features of videos into one file, .npz or .parquet.

    Args:
        model: Model with or without classes.
        paths: As for `find_videos`.
        output: File to write.
        selection: Which files of folders to take.
        run: Options of the run.
        output_format: Format of the file; None follows from the extension.
        dtype: Data type of the features.
        per_view: Write a row per distinct view instead of a row per video.

    Raises:
        UsageError: As for `label_run`.
        WeightsError: The weights are missing.
    """
    if model.views.is_adaptive:
        raise UsageError("features are the mean of all views; remove --views adaptive")
    features = features_output(output, output_format, resume=run.resume)
    videos, skipped = find_all(paths, selection, features.is_own)
    model.has_many_videos = True
    origin = model.features_origin(dtype, per_view=per_view)
    task = EmbedTask(partial(model.classifier, 0), model.decoding_pool, origin, features)
    return VideoRun(videos, task, features, run, skipped)


def find_all(
    paths: Sequence[str], selection: Selection, is_own: Callable[[str], bool]
) -> tuple[list[Found], Counter[str]]:
    """Find the videos, and count the files that were skipped.

    Raises:
        UsageError: As for `find_videos`.
        VideoError: No video was found.
    """
    skipped = Counter[str]()
    videos = find_videos(paths, selection, is_own, skipped)
    if not videos:
        raise no_video(paths, skipped)
    return videos, skipped


def no_video(paths: Sequence[str], skipped: Counter[str]) -> VideoError:
    """Make the error that paths contain no video."""
    places = ", ".join(map(without_credentials, paths[:_NUM_NAMED]))
    others = " and others" if len(paths) > _NUM_NAMED else ""
    left_out = f"; left out: {', '.join(skipped)}" if skipped else ""
    what = f"no video in {places}{others}{left_out}; check the path, --include and --exclude"
    return VideoError(what, kind="missing")
