"""Between the decoders and the records: views of several videos become batches, and outputs."""

from collections.abc import Callable, Iterator
from time import monotonic

from vswin_cli.classify import Classifier, OnView, VideoOutputs, counted
from vswin_cli.engines.batches import Batches
from vswin_cli.runs.pool import DecodedVideo

_PATIENCE_SECONDS = 0.2  # that views wait for others to fill their batch
_MAX_VIDEOS = 64  # in hand: each holds frames


def computed_each(
    videos: Iterator[DecodedVideo],
    is_ready: Callable[[float], bool],
    classifier: Classifier,
    on_start: Callable[[DecodedVideo], OnView],
) -> Iterator[tuple[DecodedVideo, VideoOutputs | None, float]]:
    """Yield each video with its outputs, or None where it has no views, in no certain order.

    A batch is computed once it is full, or its first view has waited long enough for others; while
    it is, the next one is made ready, and what is done is recorded.

    Args:
        videos: Decoded.
        is_ready: Whether the next of them is there within so many seconds.
        classifier: Computes them.
        on_start: Told of each video; makes what is told of its views.

    Yields:
        The video, its outputs, and the seconds that the engine took for them.
    """
    batches = Batches[DecodedVideo, VideoOutputs](classifier.engine)
    has_more, since = True, monotonic()  # when the oldest view that waits has come
    while has_more or batches.num_jobs:
        left = since + _PATIENCE_SECONDS - monotonic()
        takes_more = has_more and not batches.is_full and batches.num_jobs < _MAX_VIDEOS
        # With nothing in hand there is all the time of the world; with a batch on its way, none.
        if takes_more and (
            not batches.num_jobs or is_ready(0.0 if batches.num_computing else max(left, 0.0))
        ):
            decoded = next(videos, None)
            if decoded is None:
                has_more = False
                continue
            told = on_start(decoded)
            if decoded.views is None:
                yield decoded, None, 0.0
                continue
            if not batches.num_waiting:
                since = monotonic()
            batches.add(decoded, classifier.steps(decoded.views), counted(decoded.views, told))
        elif batches.num_computing and takes_more and left > 0:
            batches.take()
        else:
            batches.step()
        while batches.ended:
            yield batches.ended.popleft()
