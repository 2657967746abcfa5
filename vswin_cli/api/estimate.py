"""Estimates of how long `vswin label` takes, by model and number of views."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from time import perf_counter

import numpy as np

from vswin_cli.api.model import VideoModel
from vswin_cli.errors import UsageError, VideoError
from vswin_cli.runs.options import RunOptions
from vswin_cli.runs.pool import DecodingPool
from vswin_cli.runs.videos import Found
from vswin_cli.zoo.models import KERAS_MODELS
from vswin_cli.zoo.protocols import ViewProtocol

_NUM_DECODED = 4  # videos, spread over the list
_NUM_TIMED = 2  # views


@dataclass(frozen=True)
class Choice:
    """A model with a number of views."""

    model: str
    protocol: ViewProtocol
    seconds: float  # per video
    is_asked_for: bool


@dataclass(frozen=True)
class Estimate:
    """What was timed, and the estimates that follow from it."""

    view_seconds: float  # of the chosen model
    video_seconds: float  # to decode one, with all workers at work
    choices: tuple[Choice, ...]


def estimate(model: VideoModel, run: RunOptions, videos: Sequence[Found]) -> Estimate:
    """Time a few views and a few videos.

    The chosen model is timed; the estimates of the others are scaled by their arithmetic. Short
    and square videos take less, because their equal views are merged.

    Raises:
        VideoError: No video that was tried can be read.
    """
    video_seconds = _decoding_seconds(model.decoding_pool(run), videos) / model.num_workers(run)
    view_seconds = _view_seconds(model)
    choices = [
        Choice(
            name,
            protocol,
            protocol.num_views * view_seconds * gmacs / model.model.gmacs + video_seconds,
            is_asked_for=(name, protocol) == (model.model.name, model.protocol),
        )
        for name, gmacs, protocol in _choices(model)
    ]
    return Estimate(view_seconds, video_seconds, tuple(choices))


def _choices(model: VideoModel) -> Iterator[tuple[str, float, ViewProtocol]]:
    """List each model's name, arithmetic and protocols; the chosen model comes first."""
    chosen = model.model
    for other in (chosen, *(other for other in KERAS_MODELS if other.name != chosen.name)):
        usual = model.protocol if other == chosen else other.protocol
        for protocol in dict.fromkeys((usual, *_fewer_views(usual))):
            yield other.name, other.gmacs, protocol


def _fewer_views(usual: ViewProtocol) -> Iterator[ViewProtocol]:
    for num_clips, num_crops in ((4, 3), (4, 1), (1, 3), (1, 1)):
        try:
            yield usual.adapted(num_clips=num_clips, num_crops=num_crops)
        except UsageError:  # one clip spans the video
            continue


def _view_seconds(model: VideoModel) -> float:
    count = max(model.engine.batch_size * model.engine.num_at_once, _NUM_TIMED)
    shape = (count, *model.protocol.view_size, 3)
    views = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    model.engine.compute(views[:1])  # the first is slower
    start = perf_counter()
    model.engine.compute(views)
    return (perf_counter() - start) / count


def _decoding_seconds(pool: DecodingPool, videos: Sequence[Found]) -> float:
    """Measure the mean seconds that one worker needs to decode a video."""
    readable = [found for found in videos if found.error is None and not found.is_missing]
    few = readable[:: max(len(readable) // _NUM_DECODED, 1)][:_NUM_DECODED]
    with closing(pool.decode_each(few)) as decoded_each:
        seconds = [decoded.seconds for decoded in decoded_each if decoded.views is not None]
    if not seconds:
        raise VideoError("cannot estimate the time: none of the videos tried can be read")
    return sum(seconds) / len(seconds)
