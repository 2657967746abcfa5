"""The task of `vswin evaluate`; all metrics are computed from its records.

A record is that of `vswin label` for the first protocol, with the true class of the video and the
outcome of each protocol.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from vswin_cli.classify import Classifier, VideoOutputs, best_labels
from vswin_cli.results import Prediction, VideoProperties
from vswin_cli.runs.journal import Journal
from vswin_cli.runs.options import RunOptions
from vswin_cli.runs.output import Output
from vswin_cli.runs.plan import why_again
from vswin_cli.runs.pool import DecodedVideo, DecodingPool
from vswin_cli.runs.records import Record, Settings
from vswin_cli.runs.task import Task
from vswin_cli.runs.videos import Found
from vswin_cli.views.views import Views
from vswin_cli.zoo.protocols import ViewProtocol


class EvaluateTask(Task):
    """Computes each distinct view of a video once, and evaluates every protocol.

    Args:
        load: As for `Task`; the classifier has the first protocol.
        make_pool: Makes the pool that reads the views of all protocols.
        settings: As for `vswin label`.
        protocols: Protocols to compare, in the order of their views.
        truth: Class index by the name of the video.
        labels: Class names in index order.
    """

    def __init__(
        self,
        load: Callable[[], Classifier],
        make_pool: Callable[[RunOptions], DecodingPool],
        settings: Settings,
        *,
        protocols: Sequence[ViewProtocol],
        truth: Mapping[str, int],
        labels: Sequence[str],
    ) -> None:
        compared = [f"{each.sampling} {each.num_clips}×{each.num_crops}" for each in protocols]
        super().__init__(load, make_pool, {**settings, "compared": ", ".join(compared)})
        self.protocols = protocols
        self.truth = truth
        self.labels = labels
        self.records: list[Record] = []  # records of this evaluation, after the run

    more_columns = ("true_index", "true_label")

    def settings_for(self, video: Found) -> Settings:
        """Everything that the record depends on, with the true class, which may be corrected."""
        return {**self.settings, "truth": self.truth[video.video]}

    def finish(self, output: Output, journal: Journal, videos: Sequence[Found]) -> None:
        """Keep the records of this evaluation, in the order of the videos."""
        super().finish(output, journal, videos)
        self.records = [
            journal.record(found.video)
            for found in videos
            if why_again(found, journal, self.settings_for(found), retry_failed=False) is None
        ]

    def about(self, video: Found) -> Record:
        """Return the true class, and the evaluated segment if it is not the whole video."""
        index = self.truth[video.video]
        about = {"true_index": index, "true_label": self.labels[index], "outcomes": []}
        return about | ({"segment_seconds": list(video.segment)} if video.segment else {})

    def conclude(
        self, decoded: DecodedVideo, views: Views, outputs: VideoOutputs, seconds: float
    ) -> tuple[Prediction, Record]:
        """Make the prediction, and the outcome of each protocol."""
        name = decoded.found.video
        probabilities = outputs.views.probabilities.astype(np.float64)
        outcomes: list[Record] = []
        start = 0
        for protocol in self.protocols:
            order = views.order[start : start + protocol.num_views]
            outcomes.append(outcome_record(probabilities, order, self.truth[name], protocol))
            start += protocol.num_views
        first = self.protocols[0]
        order = views.order[: first.num_views]
        num_distinct = len(set(order.tolist()))
        prediction = Prediction(
            video=name,
            setup=self.classifier.setup,
            num_frames=views.num_frames,
            clips=tuple(tuple(clip) for clip in views.clips[: first.num_clips].tolist()),
            num_crops=first.num_crops,
            num_distinct_views=num_distinct,
            num_views_used=num_distinct,
            scored_labels=best_labels(
                mean_of(probabilities, order), self.labels, self.classifier.top_k
            ),
            elapsed_seconds=seconds,
            warnings=tuple(views.warnings),
            properties=_of_clips(views.properties, first.num_clips),
        )
        return prediction, {"outcomes": outcomes}


def _of_clips(properties: VideoProperties, num_clips: int) -> VideoProperties:
    """Keep only the properties of the first clips."""
    return replace(properties, clip_seconds=properties.clip_seconds[:num_clips])


def mean_of(probabilities: np.ndarray, order: np.ndarray) -> np.ndarray:
    """Compute the mean over all views, some of which are equal, float64 (num_classes,).

    Args:
        probabilities: (distinct views, num_classes).
        order: Index of the distinct view of each view.
    """
    weights = np.bincount(order, minlength=len(probabilities))
    mean: np.ndarray = np.average(probabilities, 0, weights)
    return mean


def rank_of(probabilities: np.ndarray, index: int) -> int:
    """Return the rank of a class by probability, from 1; the lower index breaks ties."""
    own = probabilities[index]
    return int(1 + (probabilities > own).sum() + (probabilities[:index] == own).sum())


def outcome_record(
    probabilities: np.ndarray, order: np.ndarray, true_index: int, protocol: ViewProtocol
) -> Record:
    """Make the outcome of one protocol, and of cheaper ones that use some of its views.

    Args:
        probabilities: (distinct views, num_classes).
        order: Index of the distinct view of each view, clip by clip.
        true_index: Index of the right class.
        protocol: The protocol, with its number of clips and crops.
    """
    mean = mean_of(probabilities, order)
    best = int(np.argmax(mean))  # the first one if several are equal
    centre = None
    if protocol.num_crops > 1:  # the centre crop is the last
        centre_views = order[protocol.num_crops - 1 :: protocol.num_crops]
        centre = rank_of(mean_of(probabilities, centre_views), true_index)
    return {
        "protocol": str(protocol.sampling),
        "num_clips": protocol.num_clips,
        "num_crops": protocol.num_crops,
        "index": best,
        "probability": float(mean[best]),
        "true_rank": rank_of(mean, true_index),
        "true_probability": float(mean[true_index]),
        "true_rank_by_views": [
            rank_of(mean_of(probabilities, order[:number]), true_index)
            for number in range(1, len(order) + 1)
        ],
        "true_rank_of_centre_crops": centre,
    }
