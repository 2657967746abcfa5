"""The whole path from a video to labels: open it, sample views, compute them, rank the labels."""

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, count, islice
from math import ceil
from time import perf_counter
from types import MappingProxyType

import numpy as np

from vswin_cli.engines.base import Engine, Outputs, joined
from vswin_cli.engines.batches import Steps, computed_alone
from vswin_cli.errors import VideoError
from vswin_cli.results import Failure, Prediction, Result, ScoredLabel, Setup
from vswin_cli.sources.source import Location, name_of
from vswin_cli.views.early_views import start_reading
from vswin_cli.views.order import Place
from vswin_cli.views.views import View, Views
from vswin_cli.zoo.labels import read_labels
from vswin_cli.zoo.models import Model
from vswin_cli.zoo.protocols import ViewProtocol

OnView = Callable[[int, int], None]  # (distinct views done, distinct views in all)
Computed = Mapping[Hashable, Outputs]  # outputs of single views, by their identity
_NONE: Computed = MappingProxyType({})
_UNITS = 2.0**40  # sums of whole units are exact in float64, so rounding decides nothing
_ROUNDING = 1e-6  # rounding of sums of float32 probabilities; at worst one view is requested later


@dataclass(frozen=True)
class VideoOutputs:
    """The model's outputs for a video: a row per view, in the protocol's order.

    Equal views share a row. Views that an adaptive run left out have no row and do not count in
    the means.
    """

    views: Outputs
    weights: np.ndarray  # int64 (rows,): number of the protocol's views per row

    @property
    def probabilities(self) -> np.ndarray:
        """Mean probabilities over the views, float64 (num_classes,)."""
        return np.average(self.views.probabilities.astype(np.float64), 0, self.weights)

    @property
    def features(self) -> np.ndarray:
        """Mean features over the views, float64 (num_features,)."""
        return np.average(self.views.features.astype(np.float64), 0, self.weights)

    def settle(self, num_views: int) -> bool:
        """Whether the remaining views of the protocol cannot change the leading class.

        A view that is not computed adds at most its weight to a rival, and at least 0 to the
        leading class. If means are equal, the lower class index ranks first.
        """
        weight_left = num_views - int(self.weights.sum())
        if not weight_left:
            return True
        scaled = self.views.probabilities.astype(np.float64) * _UNITS  # exact: a power of two
        leader = int(np.argmax(self.weights @ scaled))
        least = self.weights @ np.floor(scaled[:, leader])
        rivals = self.weights @ np.ceil(scaled) + weight_left * _UNITS  # (num_classes,), at most
        return bool((rivals[:leader] < least).all() and (rivals[leader + 1 :] <= least).all())

    def least_weight_to_settle(self, num_views: int) -> int:
        """The least weight that `settle` still needs, if all of it goes to the leading class."""
        totals = np.sort(self.weights @ self.views.probabilities.astype(np.float64))
        lead = float(totals[-1] - (totals[-2] if len(totals) > 1 else 0.0))
        weight_left = num_views - int(self.weights.sum())
        return ceil((weight_left - lead) / 2 - _ROUNDING)


class Classifier:
    """A model that is ready to run, with its protocol.

    Args:
        model: The model, with its labels.
        engine: The engine that computes views.
        protocol: How a video becomes views of the engine's size.
        reader: Video reader: `auto`, `av` or `decord`.
        top_k: Labels per video, at most the number of classes; 0 without a head.
        adaptive: Leave out views that cannot change the most probable label.
        threads: Decoding threads, at most; None is the number of processors.
        min_probability: Leave out labels that are less probable.
    """

    def __init__(
        self,
        model: Model,
        engine: Engine,
        protocol: ViewProtocol,
        *,
        reader: str,
        top_k: int,
        adaptive: bool = False,
        threads: int | None = None,
        min_probability: float = 0.0,
    ) -> None:
        self.engine = engine
        self.protocol = protocol
        self.reader = reader
        self.top_k = top_k
        self.adaptive = adaptive
        self.threads = threads
        self.min_probability = min_probability
        self.labels = read_labels(model.label_set)
        self.setup = Setup(model.name, protocol.sampling, engine.backend, engine.precision)

    def classify(
        self, video: Location | np.ndarray, on_view: OnView = lambda done, total: None
    ) -> Prediction:
        """Label one video by the mean of the softmax probabilities over its views.

        Each distinct view is computed once and weighted by its number of equal views. The first
        views are computed while the rest of the video is read.

        Args:
            video: Location of the video, or its RGB frames, uint8 (T, H, W, 3).
            on_view: Called after each computed view.

        Raises:
            VideoError: No frame of the video can be read.
        """
        start = perf_counter()
        with start_reading(video, self.protocol, self.reader, self.threads) as being_read:
            early_views = being_read.early_views(by_information=self.adaptive)
            computed: dict[Hashable, Outputs] = {}
            size = self.engine.batch_size
            while len(batch := list(islice(early_views, size))) == size:
                computed |= computed_alone(self.engine, _outputs_of(batch))
            views = being_read.views()
        return self.predict(name_of(video), views, perf_counter() - start, on_view, computed)

    def predict(
        self,
        video: str,
        views: Views,
        reading_seconds: float,
        on_view: OnView = lambda done, total: None,
        computed: Computed = _NONE,
    ) -> Prediction:
        """Label a video that has been read in this or another process.

        Args:
            video: Name of the video.
            views: Views of this classifier's protocol.
            reading_seconds: Time that reading took.
            on_view: Called after each computed view.
            computed: Outputs that were computed before.
        """
        start = perf_counter()
        steps = self.steps(views, computed)
        num_known = sum(views.identity(place) in computed for place in views.places)
        outputs = computed_alone(self.engine, steps, counted(views, on_view, num_known))
        return self.conclude(video, views, outputs, reading_seconds + perf_counter() - start)

    def conclude(
        self, video: str, views: Views, outputs: VideoOutputs, elapsed_seconds: float
    ) -> Prediction:
        """Make the prediction from the computed outputs."""
        return Prediction(
            video=video,
            setup=self.setup,
            num_frames=views.num_frames,
            clips=tuple(tuple(clip) for clip in views.clips.tolist()),
            num_crops=self.protocol.num_crops,
            num_distinct_views=views.num_distinct_views,
            num_views_used=len(outputs.weights),
            scored_labels=tuple(
                scored
                for scored in best_labels(outputs.probabilities, self.labels, self.top_k)
                if scored.probability >= self.min_probability
            ),
            elapsed_seconds=elapsed_seconds,
            warnings=tuple(views.warnings),
            properties=views.properties,
        )

    def compute(self, views: Views) -> VideoOutputs:
        """Run the model on every distinct view."""
        return computed_alone(self.engine, self.steps(views, needs_all=True))

    def steps(
        self, views: Views, computed: Computed = _NONE, *, needs_all: bool = False
    ) -> Steps[VideoOutputs]:
        """Request the outputs of the distinct views, or of enough views to settle the top label.

        An adaptive run requests together all views that it needs in any case, at first half of
        them. So it uses no more views than if it requested them one by one.

        Args:
            views: Views of one video.
            computed: Outputs that were computed before.
            needs_all: Compute all views, even in an adaptive run.
        """
        adaptive = self.adaptive and not needs_all
        rows: dict[Place, tuple[int, Outputs]] = {}
        left = views.places_by_information if adaptive else views.places
        num_views = self.protocol.num_views if adaptive else 0
        while left:
            wanted = [views.view(place) for place in left]
            if adaptive:
                needed = (
                    _gathered(rows).least_weight_to_settle(num_views) if rows else num_views / 2
                )
                weights = accumulate(view.weight for view in wanted)
                wanted = wanted[: 1 + sum(weight < needed for weight in weights)]
            missing = [view for view in wanted if view.identity not in computed]
            outputs = {**computed, **(yield from _outputs_of(missing))}
            for view in wanted:
                rows[left.pop(0)] = (view.weight, outputs[view.identity])
            if adaptive and _gathered(rows).settle(num_views):
                break
        return _gathered(rows)

    def classify_each(
        self,
        videos: Iterable[Location | np.ndarray],
        on_view: OnView = lambda done, total: None,
    ) -> Iterator[Result]:
        """Label videos in order; yield a `Failure` for each video that cannot be read."""
        for video in videos:
            start = perf_counter()
            try:
                yield self.classify(video, on_view)
            except VideoError as error:
                elapsed_seconds = perf_counter() - start
                yield Failure(name_of(video), self.setup, error.kind, str(error), elapsed_seconds)


def counted(views: Views, on_view: OnView, num_known: int = 0) -> Callable[[], None]:
    """Make a function to call after each computed view; it passes the counts to `on_view`."""
    numbers = count(1 + num_known)
    return lambda: on_view(next(numbers), views.num_distinct_views)


def _outputs_of(views: Sequence[View]) -> Steps[Computed]:
    outputs = (yield views) if views else ()
    return {view.identity: row for view, row in zip(views, outputs, strict=True)}


def _gathered(rows: Mapping[Place, tuple[int, Outputs]]) -> VideoOutputs:
    """Join the weights and outputs of single views, in the protocol's order."""
    weights, outputs = zip(*(rows[place] for place in sorted(rows)), strict=True)
    return VideoOutputs(joined(outputs), np.array(weights))


def best_labels(
    probabilities: np.ndarray, labels: Sequence[str], top_k: int
) -> tuple[ScoredLabel, ...]:
    """Rank the `top_k` most probable classes; equal probabilities are ranked by index.

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
