"""Runs over any number of videos into a folder of shards, here or on a cluster."""

import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from importlib.util import find_spec
from itertools import chain
from pathlib import Path
from typing import Any

from vswin_cli.api.model import VideoModel
from vswin_cli.api.options import EngineOptions
from vswin_cli.api.runs import no_video
from vswin_cli.api.shard_computation import Computation
from vswin_cli.errors import UsageError, VideoError
from vswin_cli.features.files import features_output
from vswin_cli.features.origin import FeatureType
from vswin_cli.formats.registry import FILE_FORMATS, Format
from vswin_cli.runs.inputs import each_video
from vswin_cli.runs.options import RunOptions
from vswin_cli.runs.output import Output
from vswin_cli.runs.videos import Found, Selection
from vswin_cli.shards.folder import ShardFolder
from vswin_cli.shards.options import ShardOptions
from vswin_cli.shards.report import ShardEvent, ShardReport
from vswin_cli.shards.run import ShardRun
from vswin_cli.shards.shard import Shard
from vswin_cli.shards.worker import ShardJob, ShardWorker
from vswin_cli.shards.workers import LocalWorkers, Workers
from vswin_cli.sources.addresses import is_address, without_credentials
from vswin_cli.system.extras import pip_command
from vswin_cli.system.platform import SEPARATORS
from vswin_cli.zoo.models import CustomModel


def is_shard_folder(output: str, chosen: Format | None = None) -> bool:
    """Whether an output is a folder of shards: an address, or a folder that no format writes.

    Args:
        output: The output as the user gave it.
        chosen: The chosen format; None follows from the extension.
    """
    suffix = Path(output).suffix
    formats = [chosen] if chosen else [each for each in FILE_FORMATS if each.extension == suffix]
    makes_folder = any(each.is_folder for each in formats)
    is_folder = output.endswith(SEPARATORS) or os.path.isdir(output)  # noqa: PTH112
    return is_address(output) or (is_folder and not makes_folder)


@dataclass(frozen=True)
class ShardedRun:
    """A run that is set up: its description, and the job of its workers."""

    run: ShardRun
    job: ShardJob
    options: ShardOptions

    @contextmanager
    def workers(
        self, on_warning: Callable[[str], None], *, verbose: bool = False
    ) -> Iterator[Workers]:
        """Provide the workers while the context lasts.

        Raises:
            BackendError: Ray is not installed, or the cluster does not exist.
        """
        workers: Workers
        if self.options.cluster is None:
            workers = LocalWorkers(self.job)
        else:
            from vswin_cli.shards.ray_workers import RayWorkers  # noqa: PLC0415 - an extra

            workers = RayWorkers(
                self._job_with,
                self.options,
                give_up=self._given_up,
                on_warning=on_warning,
                verbose=verbose,
            )
        try:
            yield workers
        finally:
            workers.close()

    def _job_with(self, num_processors: int) -> ShardJob:
        computation = self.job.make_maker
        assert isinstance(computation, Computation)
        threads = computation.engine.threads or num_processors
        engine = replace(computation.engine, threads=threads)
        run, each = self.job.run, self.options.cpus_per_decoder
        if each is not None and run.workers is None:
            run = replace(run, workers=max(num_processors // each, 1))
        return replace(
            self.job, make_maker=replace(computation, engine=engine, model=None), run=run
        )

    def _given_up(self, shard: Shard, reason: str) -> ShardReport:
        """Record as failed the unfinished videos of a shard at which workers keep dying."""
        assert isinstance(self.job.make_maker, Computation)
        make_maker = replace(self.job.make_maker, only_records_failures=True)
        failed = tuple(
            replace(
                found,
                error=VideoError(
                    f"cannot read {found.video}: the workers that computed its shard died: "
                    f"{reason}; run again with --retry-failed",
                    kind="crashed",
                ),
            )
            for found in shard.videos
        )
        with closing(ShardWorker(replace(self.job, make_maker=make_maker), _ignored)) as worker:
            return worker.carry_out(Shard(shard.name, failed))


def _ignored(event: ShardEvent) -> None:
    pass


def label_shards(
    model: VideoModel,
    paths: Sequence[str],
    output: str,
    *,
    selection: Selection,
    run: RunOptions,
    shards: ShardOptions,
    top_k: int | None = None,
    min_probability: float = 0.0,
    output_format: Format | None = None,
    skipped: Counter[str] | None = None,
) -> ShardedRun:
    """Set up a run of `vswin label` into a folder of shards.

    Args:
        model: Model with classes; it is not loaded here.
        paths: As for `each_video`.
        output: Path or address of the folder.
        selection: Which files of folders to take.
        run: Options of the run.
        shards: Options of the shards and the cluster.
        top_k: Labels per video; None is 5, or all of a model with fewer classes.
        min_probability: Leave out labels that are less probable.
        output_format: Format of the shards, parquet or jsonl; None is parquet.
        skipped: Gets the counts of files that are left out.

    Raises:
        UsageError: An input does not exist, or the format is not supported.
        WeightsError: The weights are missing.
    """
    extension = ".parquet" if output_format is None else output_format.extension
    if extension not in (".parquet", ".jsonl"):
        raise UsageError(f"--format {extension}: shards are parquet or jsonl; choose one")
    num_labels = model.top_k(top_k)
    computation = Computation(
        _options_anywhere(model),
        model.views,
        model.settings(num_labels, min_probability),
        num_labels,
        min_probability,
        model=model,
    )
    return _sharded(computation, Output, paths, output, extension, selection, run, shards, skipped)


def embed_shards(
    model: VideoModel,
    paths: Sequence[str],
    output: str,
    *,
    selection: Selection,
    run: RunOptions,
    shards: ShardOptions,
    dtype: FeatureType = "float32",
    per_view: bool = False,
    head: bool | None = None,
    skipped: Counter[str] | None = None,
) -> ShardedRun:
    """Set up a run of `vswin embed` into a folder of Parquet shards.

    Args:
        model: Model with or without classes; it is not loaded here.
        paths: As for `each_video`.
        output: Path or address of the folder.
        selection: Which files of folders to take.
        run: Options of the run.
        shards: Options of the shards and the cluster.
        dtype: Data type of the features.
        per_view: Write a row per distinct view instead of a row per video.
        head: As for `VideoModel`.
        skipped: Gets the counts of files that are left out.

    Raises:
        UsageError, WeightsError: As for `label_shards`.
    """
    if model.views.is_adaptive:
        raise UsageError("features are the mean of all views; remove --views adaptive")
    computation = Computation(
        _options_anywhere(model),
        model.views,
        model.features_origin(dtype, per_view=per_view).settings,
        dtype=dtype,
        per_view=per_view,
        has_features=True,
        head=head,
        model=model,
    )
    return _sharded(
        computation, features_output, paths, output, ".parquet", selection, run, shards, skipped
    )


def _sharded(
    computation: Computation,
    make_output: Callable[[Path], Output],
    paths: Sequence[str],
    output: str,
    extension: str,
    selection: Selection,
    run: RunOptions,
    shards: ShardOptions,
    skipped: Counter[str] | None,
) -> ShardedRun:
    if extension == ".parquet" and not find_spec("pyarrow"):
        instead = "" if computation.has_features else ", or use --format jsonl"
        raise UsageError(
            f"--output {output}: its shards are Parquet files, which need pyarrow: run "
            f"`{pip_command('parquet')}`{instead}"
        )
    folder = ShardFolder(output, extension)
    counted = Counter[str]() if skipped is None else skipped

    def videos() -> Iterator[Found]:
        counted.clear()
        found = each_video(paths, selection, counted)
        first = next(found, None)
        if first is None:
            raise no_video(paths, counted)
        # Absolute, because workers have other current folders.
        return (
            video if is_address(video.path) else replace(video, path=video.place)
            for video in chain([first], found)
        )

    described: dict[str, Any] = {"inputs": [without_credentials(path) for path in paths]}
    sharded = ShardRun(
        videos,
        [*described["inputs"], *_patterns(selection)],
        shards.shard_size,
        computation.settings,
        folder,
        run.resume,
        run.retry_failed,
        run.max_failures,
    )
    return ShardedRun(sharded, ShardJob(make_output, computation, folder, run), shards)


def _options_anywhere(model: VideoModel) -> EngineOptions:
    """The options of a model with absolute paths, for workers with other current folders."""
    options = replace(model.options, backend=model.backend)
    if isinstance(model.model, CustomModel):
        options = replace(options, model=str(model.model.path.absolute()))
    if options.weights is not None:
        options = replace(options, weights=options.weights.absolute())
    if options.cache_dir is not None:
        options = replace(options, cache_dir=options.cache_dir.absolute())
    return options


def _patterns(selection: Selection) -> list[str]:
    """The options that also decide which videos are meant."""
    return [
        *(f"--include {pattern}" for pattern in selection.include),
        *(f"--exclude {pattern}" for pattern in selection.exclude),
        *([] if selection.recursive else ["--no-recursive"]),
    ]
