"""Makes of a decoded video the record that every figure of an evaluation can be taken from.

The record is that of `vswin label` for the first protocol, and beside it the video's true class and
what each protocol made of it.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from time import perf_counter

import numpy as np

from vswin_cli.classify import Classifier, OnView, best_labels
from vswin_cli.results import Prediction, Result
from vswin_cli.runs.journal import Record
from vswin_cli.runs.pool import Decoded
from vswin_cli.runs.records import label_record
from vswin_cli.runs.run import failure_of
from vswin_cli.zoo.protocols import ViewProtocol


@dataclass(frozen=True)
class Evaluating:
    """Answers a decoded video; see `labelling.run.Answer`.

    Args:
        classifier: Of the first protocol.
        protocols: Those whose views come, in their order.
        truth: Class index by the name of the video.
        settings: The digests that the records carry, likewise.
    """

    classifier: Classifier
    protocols: Sequence[ViewProtocol]
    truth: Mapping[str, int]
    settings: Mapping[str, str]

    def __call__(self, decoded: Decoded, on_view: OnView) -> tuple[Result, Record]:
        """Compute each distinct view once, and judge it by every protocol."""
        name = decoded.found.video
        true_index = self.truth[name]
        outcomes: list[Record] = []
        result: Result
        if decoded.views is None:
            result = failure_of(decoded, self.classifier.setup)
        else:
            start_seconds = perf_counter()
            views = decoded.views
            outputs = self.classifier.compute(views, on_view)
            probabilities = outputs.views.probabilities.astype(np.float64)
            start = 0
            for protocol in self.protocols:
                order = views.order[start : start + protocol.num_views]
                outcomes.append(outcome_record(probabilities, order, true_index, protocol))
                start += protocol.num_views
            first = self.protocols[0]
            order = views.order[: first.num_views]
            result = Prediction(
                video=name,
                setup=self.classifier.setup,
                num_frames=views.num_frames,
                clips=tuple(tuple(clip) for clip in views.clips[: first.num_clips].tolist()),
                num_crops=first.num_crops,
                num_distinct_views=len(set(order.tolist())),
                num_views_used=len(set(order.tolist())),
                scored_labels=best_labels(
                    mean_of(probabilities, order), self.classifier.labels, self.classifier.top_k
                ),
                elapsed_seconds=decoded.seconds + perf_counter() - start_seconds,
                warnings=tuple(views.warnings),
            )
        record = {
            **label_record(decoded.found, result, self.settings[name]),
            "true_index": true_index,
            "true_label": self.classifier.labels[true_index],
            "outcomes": outcomes,
        }
        return result, record


def mean_of(probabilities: np.ndarray, order: np.ndarray) -> np.ndarray:
    """The mean over views of which some are the same, float64 (num_classes,).

    Args:
        probabilities: (distinct views, num_classes).
        order: Which distinct view each view is.
    """
    weights = np.bincount(order, minlength=len(probabilities))
    mean: np.ndarray = np.average(probabilities, 0, weights)
    return mean


def rank_of(probabilities: np.ndarray, index: int) -> int:
    """A class's place, from 1, among all by probability; of equal ones the lower index is first."""
    own = probabilities[index]
    return int(1 + (probabilities > own).sum() + (probabilities[:index] == own).sum())


def outcome_record(
    probabilities: np.ndarray, order: np.ndarray, true_index: int, protocol: ViewProtocol
) -> Record:
    """What one protocol, and every cheaper one whose views are among its own, made of a video.

    Args:
        probabilities: (distinct views, num_classes).
        order: Which of these each of the protocol's views is, clip by clip.
        true_index: The right class.
        protocol: Says how many clips and crops there are.
    """
    mean = mean_of(probabilities, order)
    best = int(np.argmax(mean))  # the first of equal ones
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


def evaluation_settings(digests: Sequence[str], truth: Mapping[str, int]) -> dict[str, str]:
    """Sum up what each video's record depends on: the protocols' settings, and its true class.

    Args:
        digests: Of `settings_digest`, one a protocol.
        truth: Class index by the name of the video.
    """
    joint = hashlib.sha256(" ".join(["evaluate", *digests]).encode()).hexdigest()[:16]
    return {video: f"{joint}-{index}" for video, index in truth.items()}
