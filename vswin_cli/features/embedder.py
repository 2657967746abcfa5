"""The answer that `vswin embed` gives to a decoded video: the features of its views."""

from collections.abc import Sequence
from time import perf_counter

import numpy as np

from vswin_cli.classify import Classifier, OnView, VideoOutputs
from vswin_cli.features.embeddings import Embeddings
from vswin_cli.features.origin import Origin
from vswin_cli.results import Result
from vswin_cli.runs.journal import Record
from vswin_cli.runs.pool import Decoded
from vswin_cli.runs.records import label_record
from vswin_cli.runs.run import Answer, failure_of
from vswin_cli.video.view_order import Place


class Embedder:
    """Computes a video once, and stores its features; see `labelling.run.Answer`.

    Args:
        classifier: What computes.
        embeddings: Where the features go.
    """

    def __init__(self, classifier: Classifier, embeddings: Embeddings) -> None:
        self._classifier = classifier
        self._embeddings = embeddings

    def __call__(self, decoded: Decoded, on_view: OnView) -> tuple[Result, Record]:
        """Compute a video; its features are on disk when this returns, and named by the record.

        Raises:
            OutputError: They cannot be written.
        """
        start = perf_counter()
        found, views, rows = decoded.found, decoded.views, None
        result: Result
        if views is None:
            result = failure_of(decoded, self._classifier.setup)
        else:
            outputs = self._classifier.compute(views, on_view)
            seconds = decoded.seconds + perf_counter() - start
            result = self._classifier.conclude(found.video, views, outputs, seconds)
            rows = feature_rows(self._embeddings.origin, outputs, views.places)
        return result, self._embeddings.stored(found, result, rows)


def embedding_too(embedder: Embedder, embeddings: Embeddings, settings: str) -> Answer:
    """Make what answers a decoded video by its best labels, and keeps its features before that.

    Args:
        embedder: Computes both.
        embeddings: Where the features go.
        settings: The digest that the records of labels carry.
    """

    def answer(decoded: Decoded, on_view: OnView) -> tuple[Result, Record]:
        result, record = embedder(decoded, on_view)
        embeddings.journal.append(record)
        return result, label_record(decoded.found, result, settings)

    return answer


def feature_rows(origin: Origin, outputs: VideoOutputs, places: Sequence[Place]) -> np.ndarray:
    """Make the rows of a video: one of the mean over its views, or one for each distinct view.

    Args:
        origin: Says which, and in which type.
        outputs: Of the distinct views.
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
