"""The whole story: open a video, sample its views, compute them, name the best labels."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from time import perf_counter

import numpy as np

from vswin_cli.errors import VideoError
from vswin_cli.model.engine import Engine, Outputs
from vswin_cli.results import Failure, Prediction, Result, ScoredLabel, Setup
from vswin_cli.video.views import Views, open_views
from vswin_cli.zoo.labels import read_labels
from vswin_cli.zoo.models import Model
from vswin_cli.zoo.protocols import Protocol

OnView = Callable[[int, int], None]  # (distinct views done, distinct views in all)


@dataclass(frozen=True)
class VideoOutputs:
    """What the model computed of a video: a row for each distinct view, in the protocol's order."""

    views: Outputs
    weights: np.ndarray  # int64 (distinct views,): how many of the protocol's views each stands for

    @property
    def probabilities(self) -> np.ndarray:
        """The protocol's mean of the views' probabilities, float64 (num_classes,)."""
        return np.average(self.views.probabilities.astype(np.float64), 0, self.weights)

    @property
    def features(self) -> np.ndarray:
        """The protocol's mean of the views' features, float64 (num_features,)."""
        return np.average(self.views.features.astype(np.float64), 0, self.weights)


class Classifier:
    """A model that is ready to run, and the protocol it runs by.

    Args:
        model: What the engine computes; names its labels.
        engine: Computes views.
        protocol: How a video becomes views of the engine's size.
        reader: Which reader opens the videos: `auto`, `decord` or `opencv`.
        top_k: Labels to return for each video, at most the model's classes.
    """

    def __init__(
        self, model: Model, engine: Engine, protocol: Protocol, *, reader: str, top_k: int
    ) -> None:
        self.engine = engine
        self.protocol = protocol
        self.reader = reader
        self.top_k = top_k
        self.labels = read_labels(model.label_set)
        self.setup = Setup(model.name, protocol.sampling, engine.backend, engine.precision)

    def classify(self, video: str, on_view: OnView = lambda done, total: None) -> Prediction:
        """Label one video: the mean over its views of the softmax probabilities.

        Each distinct view is computed once and weighted by how many views it stands for.

        Raises:
            VideoError: The video holds no frame that can be read.
        """
        start = perf_counter()
        with open_views(video, self.protocol, self.reader) as views:
            return self.predict(video, views, perf_counter() - start, on_view)

    def predict(
        self,
        video: str,
        views: Views,
        reading_seconds: float,
        on_view: OnView = lambda done, total: None,
    ) -> Prediction:
        """Label a video that has been read, here or in another process.

        Args:
            video: Its name.
            views: Of this classifier's protocol.
            reading_seconds: What it took to read them.
            on_view: Told of each view that has been computed.
        """
        start = perf_counter()
        outputs = self.compute(views, on_view)
        return Prediction(
            video=video,
            setup=self.setup,
            num_frames=views.num_frames,
            clips=tuple(tuple(clip) for clip in views.clips.tolist()),
            num_crops=self.protocol.num_crops,
            num_distinct_views=views.num_distinct_views,
            scored_labels=best_labels(outputs.probabilities, self.labels, self.top_k),
            elapsed_seconds=reading_seconds + perf_counter() - start,
            warnings=tuple(views.warnings),
        )

    def compute(self, views: Views, on_view: OnView = lambda done, total: None) -> VideoOutputs:
        """Run the model on every distinct view."""
        weights, probabilities, features = [], [], []
        for done, view in enumerate(views, start=1):
            outputs = self.engine.compute(view.frames[np.newaxis])
            weights.append(view.weight)
            probabilities.append(outputs.probabilities)
            features.append(outputs.features)
            on_view(done, views.num_distinct_views)
        outputs = Outputs(np.concatenate(probabilities), np.concatenate(features))
        return VideoOutputs(outputs, np.array(weights))

    def classify_each(
        self, videos: Iterable[str], on_view: OnView = lambda done, total: None
    ) -> Iterator[Result]:
        """Label every video; one that cannot be read yields its failure and stops no other."""
        for video in videos:
            start = perf_counter()
            try:
                yield self.classify(video, on_view)
            except VideoError as error:
                yield Failure(video, self.setup, error.kind, str(error), perf_counter() - start)


def best_labels(
    probabilities: np.ndarray, labels: Sequence[str], top_k: int
) -> tuple[ScoredLabel, ...]:
    """Rank the `top_k` most probable classes; equal ones by index.

    Args:
        probabilities: float (num_classes,).
        labels: Class names in index order.
        top_k: Between 1 and num_classes.
    """
    best = np.argsort(-probabilities, kind="stable")[:top_k]
    return tuple(
        ScoredLabel(rank, labels[index], int(index), float(probabilities[index]))
        for rank, index in enumerate(best, start=1)
    )
