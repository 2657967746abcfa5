"""The tasks of `vswin embed` and `vswin label --embeddings`: compute and keep features."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager

import numpy as np

from vswin_cli.classify import Classifier, VideoOutputs
from vswin_cli.features.embeddings import Embeddings
from vswin_cli.features.origin import Origin
from vswin_cli.formats.format import Format
from vswin_cli.results import Prediction
from vswin_cli.runs.journal import Journal
from vswin_cli.runs.open_files import all_checked
from vswin_cli.runs.options import RunOptions
from vswin_cli.runs.output import Output
from vswin_cli.runs.plan import why_again
from vswin_cli.runs.pool import DecodedVideo, DecodingPool
from vswin_cli.runs.records import Record, Settings, video_record
from vswin_cli.runs.sidecars import SidecarFormat
from vswin_cli.runs.task import Task
from vswin_cli.runs.videos import Found
from vswin_cli.views.order import Place
from vswin_cli.views.views import Views


class EmbedTask(Task):
    """Features into a `features_output`.

    Args:
        load: As for `Task`.
        make_pool: As for `Task`.
        origin: Everything that the features depend on.
        features: Their output.
        settings: Settings that the records depend on; None means those of the origin.
        sidecar: As for `Task`.
    """

    _embeddings: Embeddings

    def __init__(
        self,
        load: Callable[[], Classifier],
        make_pool: Callable[[RunOptions], DecodingPool],
        origin: Origin,
        features: Output,
        *,
        settings: Settings | None = None,
        sidecar: SidecarFormat | None = None,
    ) -> None:
        super().__init__(load, make_pool, settings or origin.settings, sidecar=sidecar)
        self.origin = origin
        self.features = features

    @contextmanager
    def opened(self, journal: Journal, *, options: RunOptions) -> Iterator[None]:
        """Open the rows of the journal."""
        assert self.features.store_path is not None
        path, resume = self.features.store_path, self.features.resume
        with (
            closing(Embeddings(journal, path, self.origin, resume=resume)) as self._embeddings,
            all_checked(*self._embeddings.checks),
        ):
            yield

    def why_again(self, video: Found) -> str | None:
        """Return why the features are computed again, if they are damaged."""
        return "features damaged" if video.video in self._embeddings.lost else None

    def conclude(
        self, decoded: DecodedVideo, views: Views, outputs: VideoOutputs, seconds: float
    ) -> tuple[Prediction, Record]:
        """Keep the features of a video, on disk when this returns; the record refers to them."""
        prediction, _ = super().conclude(decoded, views, outputs, seconds)
        return prediction, self._kept_features(decoded, views, outputs)

    def finish(self, output: Output, journal: Journal, videos: Sequence[Found]) -> None:
        """Write the features, in the order of the videos."""
        content = self._embeddings.content([video.video for video in videos])
        self.features.replace(lambda path: self.features.format.load_writer()(path, content))
        for check in self._embeddings.checks:
            check()

    def _kept_features(self, decoded: DecodedVideo, views: Views, outputs: VideoOutputs) -> Record:
        rows = feature_rows(self.origin, outputs, views.places)
        return self._embeddings.keep(decoded.found.video, rows)


class LabelAndEmbedTask(EmbedTask):
    """Labels into the output of the run, and features into another, in one pass.

    Args:
        load: As for `Task`.
        make_pool: As for `Task`.
        origin: As for `EmbedTask`.
        features: As for `EmbedTask`.
        settings: Settings that the labels depend on.
        sidecar: As for `Task`.
    """

    _labels: Journal | None = None
    _kept: Journal | None = None  # of the features
    _retry_failed = False

    @contextmanager
    def opened(self, journal: Journal, *, options: RunOptions) -> Iterator[None]:
        """Open the other output."""
        with (
            self.features.opened() as self._kept,
            super().opened(self._kept, options=options),
            all_checked(journal.check),
        ):
            self._labels, self._retry_failed = journal, options.retry_failed
            if self._kept.damage is not None:
                self.warnings.append(self._kept.damage)
            yield

    @contextmanager
    def planned(self, journal: Journal | None, *, options: RunOptions) -> Iterator[None]:
        """Read the other output without changing it."""
        with self.features.looked_at() as self._kept:
            self._labels, self._retry_failed = journal, options.retry_failed
            yield

    def why_again(self, video: Found) -> str | None:
        """Return why a labelled video is computed again: for its features."""
        if self._labels is None or not self._labels.entries[video.video].is_ok:
            return None
        reason = why_again(video, self._kept, self.origin.settings, retry_failed=self._retry_failed)
        if reason is None and hasattr(self, "_embeddings"):
            reason = super().why_again(video)
        return f"without features ({reason})" if reason else None

    def conclude(
        self, decoded: DecodedVideo, views: Views, outputs: VideoOutputs, seconds: float
    ) -> tuple[Prediction, Record]:
        """Keep the features of a video, which are on disk before its labels."""
        prediction, more = super().conclude(decoded, views, outputs, seconds)
        record = video_record(decoded.found, prediction, self.origin.settings) | more
        self._embeddings.journal.append(record)
        return prediction, {}

    def recorded(self, video: Found, record: Record) -> str | None:
        """Forget the features of an earlier version of a video that can no longer be read."""
        if record["error"] and video.video in self._embeddings.journal.entries:
            self._embeddings.journal.append({**record, "settings": self.origin.settings})
        return super().recorded(video, record)

    def prepared(self, record: Record, chosen: Format) -> Record:
        """Add the features of a video, if the format takes them and they exist."""
        video = record["video"]
        entry = self._embeddings.journal.entries.get(video) if chosen.takes_features else None
        rows = self._embeddings.rows(video) if entry and entry.is_ok else None
        return record if rows is None else {**record, "embedding": rows["features"][0]}

    def finish(self, output: Output, journal: Journal, videos: Sequence[Found]) -> None:
        """Write both outputs, in the order of the videos."""
        Task.finish(self, output, journal, videos)
        super().finish(output, journal, videos)


def feature_rows(origin: Origin, outputs: VideoOutputs, places: Sequence[Place]) -> np.ndarray:
    """Make the rows of a video: one with the mean over its views, or one per distinct view.

    Args:
        origin: Origin, which determines the rows and their type.
        outputs: Outputs of the distinct views.
        places: Clip and crop of each.

    Returns:
        (rows,) of the origin's `row_type`.
    """
    if not origin.per_view:
        rows = np.zeros(1, origin.row_type)
        rows["features"] = outputs.features
        return rows
    rows = np.zeros(len(places), origin.row_type)
    rows["clip"], rows["crop"] = np.transpose(places)
    rows["weight"] = outputs.weights
    rows["features"] = outputs.views.features
    return rows
