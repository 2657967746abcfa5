"""Batches of views from several videos, between the decoders and the records."""

from collections.abc import Callable, Iterator
from time import monotonic

from vswin_cli.classify import Classifier, OnView, VideoOutputs, counted
from vswin_cli.engines.batches import Batches
from vswin_cli.runs.pool import DecodedVideo

_PATIENCE_SECONDS = 0.2  # longest time that views wait for others to fill their batch
_MAX_VIDEOS = 64  # videos in memory: each holds frames


def computed_each(
    videos: Iterator[DecodedVideo],
    is_ready: Callable[[float], bool],
    classifier: Classifier,
    on_start: Callable[[DecodedVideo], OnView],
) -> Iterator[tuple[DecodedVideo, VideoOutputs | None, float]]:
    """Yield each video with its outputs, or None if it has no views, in any order.

    A batch is computed when it is full or its first view has waited long enough. Meanwhile, the
    next batch is prepared and finished videos are recorded.

    Args:
        videos: Decoded videos.
        is_ready: Whether the next video arrives within a number of seconds.
        classifier: Computes the views.
        on_start: Called for each video; returns a function to call after each of its views.

    Yields:
        The video, its outputs, and the seconds that the engine spent on them.
    """
    batches = Batches[DecodedVideo, VideoOutputs](classifier.engine)
    has_more, since = True, monotonic()  # when the oldest waiting view arrived
    while has_more or batches.num_jobs:
        left = since + _PATIENCE_SECONDS - monotonic()
        takes_more = has_more and not batches.is_full and batches.num_jobs < _MAX_VIDEOS
        # Wait without a limit if nothing is pending, and not at all while a batch is computed.
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
