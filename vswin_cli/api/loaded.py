"""`LoadedModel`, which `load_model` returns: everything that a program does with one model."""

import warnings
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Literal

import numpy as np

from vswin_cli.api.model import VideoModel
from vswin_cli.api.report import page_path, report_run
from vswin_cli.api.runs import label_run
from vswin_cli.api.shards import is_shard_folder, label_shards
from vswin_cli.api.timelines import film_analyst, frames_of
from vswin_cli.classify import Classifier
from vswin_cli.errors import UsageError
from vswin_cli.results import Failure, Prediction
from vswin_cli.runs.options import RunOptions
from vswin_cli.runs.run import Outcome
from vswin_cli.runs.sidecars import SidecarFormat
from vswin_cli.runs.task import RunWatcher
from vswin_cli.runs.videos import Selection
from vswin_cli.shards.options import ShardOptions
from vswin_cli.shards.run import ShardTotals, ShardWatcher
from vswin_cli.sources.source import Location, name_of
from vswin_cli.timeline.computing import EngineComputing
from vswin_cli.timeline.options import TimelineOptions
from vswin_cli.timeline.result import Timeline
from vswin_cli.views.views import read_views

Video = Location | np.ndarray


class LoadedModel(VideoModel):
    """A model that is ready to use; make it with `load_model`.

    A video is a path, an address, an open binary file, or an array of RGB frames, uint8
    (T, H, W, 3). An array gives the same answer as a lossless file with these frames.
    """

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """The class names in index order; empty if the weights have no head.

        >>> vswin.load_model().labels[:2]
        ('static', 'pan left')
        """
        return self._featuring.labels if self.has_head else ()

    @cached_property
    def _featuring(self) -> Classifier:
        return self.classifier(0, self.options.threads)

    def predict(
        self, video: Video, top_k: int | None = None, min_probability: float = 0.0
    ) -> Prediction:
        """Label a video.

        >>> prediction = vswin.load_model().predict("sample_videos/zoom_in.mp4", top_k=1)
        >>> [scored.label for scored in prediction.scored_labels]
        ['zoom in']
        >>> prediction.to_dict()["num_frames"]
        72

        Args:
            video: A path, an address, an open binary file, or frames, uint8 (T, H, W, 3).
            top_k: Labels to return. Default: 5, or all of a model with fewer classes.
            min_probability: Leave out labels that are less probable.

        Returns:
            The most probable labels, with probabilities in [0, 1], and how they were computed.

        Raises:
            VideoError: The video cannot be read.
            UsageError: The model has fewer classes than `top_k`, or no classes.
        """
        threads = self.options.threads
        classifier = self.classifier(self.top_k(top_k), threads, min_probability)
        return classifier.classify(video)

    def predict_each(
        self, videos: Iterable[Video], top_k: int | None = None
    ) -> Iterator[Prediction | Failure]:
        """Label videos in order; yield a `Failure` for each video that cannot be read.

        >>> model = vswin.load_model()
        >>> [type(r).__name__ for r in model.predict_each(["sample_videos/static.mp4", "none.mp4"])]
        ['Prediction', 'Failure']

        Args:
            videos: As for `predict`.
            top_k: As for `predict`.

        Raises:
            UsageError: As for `predict`.
        """
        classifier = self.classifier(self.top_k(top_k), self.options.threads)
        return classifier.classify_each(videos)

    def embed(self, video: Video) -> np.ndarray:
        """Compute the features of a video: the output of the backbone, averaged over its views.

        >>> vswin.load_model().embed("sample_videos/static.mp4").shape
        (128,)

        Args:
            video: As for `predict`.

        Returns:
            float32 (num_features,).

        Raises:
            VideoError: The video cannot be read.
        """
        views = read_views(video, self.protocols, self.views.reader, self.options.threads)
        return self._featuring.compute(views).features.astype(np.float32)

    def label(
        self,
        paths: str | Path | Sequence[str | Path],
        output: str | Path,
        *,
        top_k: int | None = None,
        min_probability: float = 0.0,
        report: str | Path | None = None,
        sidecar: SidecarFormat | None = None,
        embeddings: str | Path | None = None,
        recursive: bool = True,
        include: Sequence[str] = (),
        exclude: Sequence[str] = (),
        resume: bool = True,
        retry_failed: bool = False,
        workers: int | None = None,
        timeout: float = 300.0,
        max_failures: int | None = None,
        cluster: str | None = None,
        shard_size: int | None = None,
    ) -> Outcome | ShardTotals:
        """Label many videos into one file, as `vswin label` does, or continue a stopped run.

        An output that ends in `/` or is an address is a folder of shards, for any number of
        videos.

        >>> outcome = vswin.load_model().label("sample_videos", "labels.jsonl", include=["pan_*"])
        >>> outcome.names, outcome.is_complete
        (['pan_left.mp4', 'pan_right.mp4'], True)
        >>> totals = vswin.load_model().label("sample_videos", "labels/", include=["pan_*"])
        >>> totals.num_videos, totals.report.num_ok, totals.is_complete
        (2, 2, True)

        Args:
            paths: Folders, files, addresses, and lists of them as `@FILE`.
            output: File to write: .jsonl, .csv, .parquet, …; or a folder of .parquet shards.
            top_k: Labels per video. Default: 5, or all of a model with fewer classes.
            min_probability: Leave out labels that are less probable.
            report: Also write a page: a .html file, or a folder for it.
            sidecar: Also write a file next to each video: `json` or `txt`.
            embeddings: Also write a features file, .npz or .parquet.
            recursive: Search subfolders.
            include: Patterns of files to take from folders. Default: all videos.
            exclude: Patterns of files and folders to leave out.
            resume: Continue an earlier run; False starts over.
            retry_failed: Retry videos that failed in an earlier run.
            workers: Decoding processes. Default: half the processors, from 2 to 8; with a GPU, all
                but one.
            timeout: Time limit for decoding one video, in seconds.
            max_failures: Stop after this many failures. Default: never.
            cluster: Ray cluster that computes the shards, as in `--cluster`.
            shard_size: Videos per shard, at most. Default: 512.

        Returns:
            An `Outcome` with a summary of each record; for shards, `ShardTotals` with counts only.

        Raises:
            UsageError: The output cannot be continued, or the options contradict each other.
            OutputError: The output cannot be written.
            BackendError: The decoding processes do not start, or the cluster does not exist.
        """
        if isinstance(paths, str | Path):
            paths = [paths]
        places = [str(path) for path in paths]
        selection = Selection(recursive, tuple(include), tuple(exclude))
        options = RunOptions(resume, retry_failed, workers, timeout, max_failures)
        shards = ShardOptions(cluster, shard_size)
        if is_shard_folder(str(output)):
            if report or sidecar or embeddings:
                raise UsageError("report, sidecar and embeddings need an output file")
            sharded = label_shards(
                self,
                places,
                str(output),
                selection=selection,
                run=options,
                shards=shards,
                top_k=top_k,
                min_probability=min_probability,
            )
            with sharded.workers(warnings.warn) as computing:
                return sharded.run.carry_out(computing, ShardWatcher())
        if shards != ShardOptions():
            raise UsageError("cluster and shard_size need an output folder")
        page = None if report is None else page_path(Path(report))
        run = label_run(
            self,
            places,
            Path(output),
            selection=selection,
            run=options,
            top_k=top_k,
            min_probability=min_probability,
            sidecar=sidecar,
            embeddings=None if embeddings is None else Path(embeddings),
        )
        outcome = run.carry_out(RunWatcher())
        if page is not None:
            report_run(run, page)
        return outcome

    def timeline(
        self,
        video: Video,
        *,
        stride: float = TimelineOptions.stride,
        window: float = TimelineOptions.window,
        shots: bool = TimelineOptions.shots,
        crops: Literal[1, 3] = 1,
        min_probability: float = TimelineOptions.min_probability,
        min_seconds: float = TimelineOptions.min_seconds,
        smooth: float = TimelineOptions.smooth,
        multi: bool = TimelineOptions.multi,
        frames_per_second: float | None = None,
    ) -> Timeline:
        """Find out what happens in a film, and when, as `vswin timeline` does.

        >>> vswin.load_model().timeline("sample_videos/films/tour.mp4").segments[0].label
        'pan right'

        Args:
            video: As for `predict`.
            stride: Seconds between windows; also the length of a step.
            window: Length of a window under the uniform protocol, in seconds.
            shots: Find hard cuts; windows do not cross them.
            crops: Crops per window, 1 or 3; 1 is the centre crop.
            min_probability: Probability at which a segment starts; it ends below 0.7 times this.
            min_seconds: Drop shorter segments and close shorter gaps.
            smooth: Average probabilities over this time, in seconds.
            multi: Let segments of different labels overlap.
            frames_per_second: Frame rate of an array of frames.

        Raises:
            VideoError, UsageError: As for `predict`, or the options contradict each other.
        """
        options = TimelineOptions(
            stride, window, shots, crops, None, min_probability, min_seconds, smooth, multi
        )
        frames = frames_of(video, frames_per_second, self.options.threads)
        analyst = film_analyst(self, options)
        with EngineComputing(self.engine) as computing:
            return analyst.timeline(name_of(video), frames, computing)
