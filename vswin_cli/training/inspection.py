"""The inspection of every clip before the first step: features, and a fingerprint of frames.

The features are those of `vswin embed`, with a row per view. A head is fitted to them, and they
help to find clips that appear in two splits.
"""

from base64 import b85decode, b85encode
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from vswin_cli.classify import VideoOutputs
from vswin_cli.errors import UsageError
from vswin_cli.features.duplicates import find_pairs
from vswin_cli.features.task import EmbedTask
from vswin_cli.results import Prediction
from vswin_cli.runs.journal import Journal
from vswin_cli.runs.output import Output
from vswin_cli.runs.pool import DecodedVideo
from vswin_cli.runs.records import Record
from vswin_cli.runs.videos import Found
from vswin_cli.training.examples import Example
from vswin_cli.video.reading import USED_WHOLE
from vswin_cli.views.views import Views

PRINT = (4, 12, 12)  # frames, rows and columns of a print
_ALIKE = 0.999  # least cosine of features for comparing prints
_MOST_APART = 3.0  # largest mean difference in grey levels between two encodings of a clip


@dataclass(frozen=True)
class Inspected:
    """The inspection of a readable clip.

    Attributes:
        features: float32 (views, num_features).
        weights: (views,), number of the protocol's views per row.
        print: uint8 `PRINT`, grey.
        num_frames: Number of frames in the file.
    """

    features: np.ndarray
    weights: np.ndarray
    print: np.ndarray
    num_frames: int


@dataclass(frozen=True)
class Broken:
    """A clip that cannot be read, and why."""

    video: str
    kind: str
    message: str


class InspectionTask(EmbedTask):
    """Keeps features and fingerprints, in `inspected` and `broken` once the run has ended."""

    inspected: dict[str, Inspected]
    broken: list[Broken]

    def conclude(
        self, decoded: DecodedVideo, views: Views, outputs: VideoOutputs, seconds: float
    ) -> tuple[Prediction, Record]:
        """Keep the features and the print of a clip."""
        prediction, record = super().conclude(decoded, views, outputs, seconds)
        first = views.view(views.places[0]).frames
        return prediction, {**record, "print": b85encode(print_of(first).tobytes()).decode()}

    def finish(self, output: Output, journal: Journal, videos: Sequence[Found]) -> None:
        """Collect the results in the order of the videos."""
        super().finish(output, journal, videos)
        self.inspected, self.broken = {}, []
        rows = Counter(found.place for found in videos)
        for found in videos:
            if found.video not in journal.entries:
                continue
            record = journal.record(found.video)
            if record["status"] != "ok":
                error = record["error"] or {"kind": "skipped", "message": "skipped"}
                self.broken.append(Broken(found.video, error["kind"], error["message"]))
                continue
            is_whole = any(text.endswith(USED_WHOLE) for text in record["warnings"])
            if is_whole and rows[found.place] > 1:  # a file with other segments is not cut
                what = "its segment begins after its end"
                self.broken.append(Broken(found.video, "no_segment", what))
                continue
            features = self._embeddings.rows(found.video)
            if features is None:
                continue
            self.inspected[found.video] = Inspected(
                features["features"].astype(np.float32),
                features["weight"].astype(np.float64),
                np.frombuffer(b85decode(record["print"]), np.uint8).reshape(PRINT),
                record["num_frames"],
            )


def print_of(frames: np.ndarray) -> np.ndarray:
    """Shrink a view, uint8 (T, H, W, 3), to `PRINT`."""
    chosen = np.linspace(0, len(frames) - 1, PRINT[0]).round().astype(int)
    grey = frames[chosen].mean(-1)
    return np.stack(
        [cv2.resize(each, PRINT[:0:-1], interpolation=cv2.INTER_AREA) for each in grey]
    ).astype(np.uint8)


def find_alike(
    examples: Sequence[Example], inspected: dict[str, Inspected]
) -> list[tuple[int, int]]:
    """Find pairs of examples with the same content in any encoding, as indices.

    Features are not enough, because some models see only motion; the prints of examples with
    similar features are compared.
    """
    numbers = [i for i, each in enumerate(examples) if each.found.video in inspected]
    if not numbers:
        return []
    looks = [inspected[examples[i].found.video] for i in numbers]
    matrix = np.stack(
        [np.average(each.features, 0, each.weights) for each in looks], dtype=np.float32
    )
    try:
        candidates = find_pairs(matrix, _ALIKE)
    except UsageError:  # the features distinguish nothing
        return []
    prints = np.stack([each.print for each in looks]).astype(np.float32)
    return [
        (numbers[pair.first], numbers[pair.second])
        for pair in candidates
        if np.abs(prints[pair.first] - prints[pair.second]).mean() <= _MOST_APART
    ]
