"""Runs over any number of videos into a folder of shards, here or on a cluster."""

import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Any

from vswin_cli.api.model import VideoModel
from vswin_cli.api.options import EngineOptions
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
from vswin_cli.zoo.models import CustomModel


def is_shard_folder(output: str, chosen: Format | None = None) -> bool:
    """Whether an output is a folder of shards: an address, or a folder that no format makes.

    Args:
        output: As it was given.
        chosen: The format that was named; None is by the extension.
    """
    suffix = Path(output).suffix
    formats = [chosen] if chosen else [each for each in FILE_FORMATS if each.extension == suffix]
    makes_folder = any(each.is_folder for each in formats)
    is_folder = output.endswith(os.sep) or os.path.isdir(output)  # noqa: PTH112
    return is_address(output) or (is_folder and not makes_folder)


@dataclass(frozen=True)
class ShardedRun:
    """A run that is set up: what it does, and the job of its workers."""

    run: ShardRun
    job: ShardJob
    options: ShardOptions

    @contextmanager
    def workers(
        self, on_warning: Callable[[str], None], *, verbose: bool = False
    ) -> Iterator[Workers]:
        """Lend who computes it.

        Raises:
            BackendError: Ray is missing, or there is no such cluster.
        """
        workers: Workers
        if self.options.cluster is None:
            workers = LocalWorkers(self.job)
        else:
            from vswin_cli.shards.ray_workers import RayWorkers  # noqa: PLC0415 - of an extra

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
        """Record the videos of a shard that workers die at, but for those that were done."""
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
        model: With classes; not loaded here.
        paths: As of `each_video`.
        output: The folder, a path or an address.
        selection: What to take of folders.
        run: How.
        shards: Likewise, and where.
        top_k: Labels per video; None is 5, or all where there are fewer.
        min_probability: Labels that are less probable are left out.
        output_format: Of the shards, parquet or jsonl; None is parquet.
        skipped: Counts what is left out.

    Raises:
        UsageError: The inputs are not there, or the format is another.
        WeightsError: There are none.
    """
    extension = ".parquet" if output_format is None else output_format.extension
    if extension not in (".parquet", ".jsonl"):
        raise UsageError(f"--format {extension}: shards are parquet or jsonl; name one of the two")
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
    top: bool | None = None,
    skipped: Counter[str] | None = None,
) -> ShardedRun:
    """Set up a run of `vswin embed` into a folder of shards, which are parquet.

    Args:
        model: With classes or without; not loaded here.
        paths: As of `each_video`.
        output: The folder, a path or an address.
        selection: What to take of folders.
        run: How.
        shards: Likewise, and where.
        dtype: Of the numbers in the files.
        per_view: A row for each distinct view, instead of one for the mean of a video's.
        top: As of `VideoModel`.
        skipped: Counts what is left out.

    Raises:
        UsageError, WeightsError: As `label_shards`.
    """
    if model.views.is_adaptive:
        raise UsageError("features are the mean of all views; leave --views adaptive out")
    computation = Computation(
        _options_anywhere(model),
        model.views,
        model.features_origin(dtype, per_view=per_view).settings,
        dtype=dtype,
        per_view=per_view,
        has_features=True,
        top=top,
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
    make_output(Path(f"x{extension}"))  # says what is missing, before anything is listed
    folder = ShardFolder(output, extension)
    counted = Counter[str]() if skipped is None else skipped

    def videos() -> Iterator[Found]:
        counted.clear()
        found = each_video(paths, selection, counted)
        first = next(found, None)
        if first is None:
            places = ", ".join(map(without_credentials, paths))
            raise VideoError(
                f"no video in {places}; check the path, --include and --exclude", kind="missing"
            )
        # Absolute, since workers are in folders of their own.
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
    """The options of a model, for workers in folders of their own."""
    options = replace(model.options, backend=model.backend)
    if isinstance(model.model, CustomModel):
        options = replace(options, model=str(model.model.path.absolute()))
    if options.weights is not None:
        options = replace(options, weights=options.weights.absolute())
    if options.cache_dir is not None:
        options = replace(options, cache_dir=options.cache_dir.absolute())
    return options


def _patterns(selection: Selection) -> list[str]:
    """What else says which videos are meant."""
    return [
        *(f"--include {pattern}" for pattern in selection.include),
        *(f"--exclude {pattern}" for pattern in selection.exclude),
        *([] if selection.recursive else ["--no-recursive"]),
    ]
