"""The whole story: open a video, sample its views, compute them, name the best labels."""

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
Computed = Mapping[Hashable, Outputs]  # of single views, by their identity
_NONE: Computed = MappingProxyType({})
_UNITS = 2.0**40  # sums of whole units stay exact in float64, so that no rounding decides
_ROUNDING = 1e-6  # of sums of float32 probabilities; one view is asked for less, and then one more


@dataclass(frozen=True)
class VideoOutputs:
    """What the model computed of a video: a row for each view, in the protocol's order.

    Views that are equal share a row. Those that an adaptive run left out have none, and no part in
    the means.
    """

    views: Outputs
    weights: np.ndarray  # int64 (rows,): how many of the protocol's views each stands for

    @property
    def probabilities(self) -> np.ndarray:
        """The mean of the views' probabilities, float64 (num_classes,)."""
        return np.average(self.views.probabilities.astype(np.float64), 0, self.weights)

    @property
    def features(self) -> np.ndarray:
        """The mean of the views' features, float64 (num_features,)."""
        return np.average(self.views.features.astype(np.float64), 0, self.weights)

    def settle(self, num_views: int) -> bool:
        """Whether the protocol's other views cannot give another class the greatest mean.

        A view that has not been computed adds at most its weight to a rival, and at least nothing
        to the class that leads. Of equal means, that of the lower class index ranks first.
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
        """How much weight more `settle` needs at least, should all of it go to the leader."""
        totals = np.sort(self.weights @ self.views.probabilities.astype(np.float64))
        lead = float(totals[-1] - (totals[-2] if len(totals) > 1 else 0.0))
        weight_left = num_views - int(self.weights.sum())
        return ceil((weight_left - lead) / 2 - _ROUNDING)


class Classifier:
    """A model that is ready to run, and the protocol it runs by.

    Args:
        model: What the engine computes; names its labels.
        engine: Computes views.
        protocol: How a video becomes views of the engine's size.
        reader: Which reader opens the videos: `auto`, `av` or `decord`.
        top_k: Labels to return for each video, at most the model's classes; 0 without top.
        adaptive: Leave out the views that cannot change which label is the most probable.
        threads: To decode with, at most; None is as many as there are processors.
        min_probability: Labels that are less probable are left out.
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
        """Label one video: the mean over its views of the softmax probabilities.

        Each distinct view is computed once and weighted by how many views it stands for. The first
        are computed while the rest of the video is being read.

        Args:
            video: Where it is; or its frames, RGB uint8 (T, H, W, 3).
            on_view: Told of each view that has been computed.

        Raises:
            VideoError: The video holds no frame that can be read.
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
        """Label a video that has been read, here or in another process.

        Args:
            video: Its name.
            views: Of this classifier's protocol.
            reading_seconds: What it took to read them.
            on_view: Told of each view that has been computed.
            computed: Outputs that are there already.
        """
        start = perf_counter()
        steps = self.steps(views, computed)
        num_known = sum(views.identity(place) in computed for place in views.places)
        outputs = computed_alone(self.engine, steps, counted(views, on_view, num_known))
        return self.conclude(video, views, outputs, reading_seconds + perf_counter() - start)

    def conclude(
        self, video: str, views: Views, outputs: VideoOutputs, elapsed_seconds: float
    ) -> Prediction:
        """Make the answer of what has been computed."""
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
        """Ask for the outputs of the distinct views, or of as many as settle the top label.

        An adaptive run asks at once for those without which nothing can be settled: half of all to
        begin with. So it takes as many as if it asked for one after the other.

        Args:
            views: Of one video.
            computed: Outputs that are there already.
            needs_all: Whether all are wanted, also in an adaptive run.
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
        """Label every video; one that cannot be read yields its failure and stops no other."""
        for video in videos:
            start = perf_counter()
            try:
                yield self.classify(video, on_view)
            except VideoError as error:
                elapsed_seconds = perf_counter() - start
                yield Failure(name_of(video), self.setup, error.kind, str(error), elapsed_seconds)


def counted(views: Views, on_view: OnView, num_known: int = 0) -> Callable[[], None]:
    """Make what is to be called after each view that is computed: it tells `on_view` how many."""
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
