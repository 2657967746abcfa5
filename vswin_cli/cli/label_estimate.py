"""`vswin label --dry-run`: what would be done, and how long it would take."""

from collections.abc import Sequence
from contextlib import closing
from time import perf_counter

import numpy as np
from rich.table import Table
from rich.text import Text

from vswin_cli.cli.label_display import duration
from vswin_cli.cli.label_setup import LabelSetup
from vswin_cli.engines.base import Engine
from vswin_cli.errors import UsageError
from vswin_cli.formats.tables import print_table, result_console
from vswin_cli.formats.text import printable
from vswin_cli.runs.finding import Found
from vswin_cli.runs.pool import DecodingPool
from vswin_cli.runs.run import Plan
from vswin_cli.zoo.models import MODELS
from vswin_cli.zoo.protocols import ViewProtocol

_NUM_DECODED = 4  # videos, spread over the list
_NUM_TIMED = 2  # views


def print_todo(plan: Plan) -> None:
    """List the videos to label, a line each, then how many and why."""
    for found in plan.todo:
        print(printable(found.video))
    print(f"{plan.num_found} videos found: {plan.summary}", flush=True)


def print_estimates(setup: LabelSetup, todo: Sequence[Found]) -> None:
    """Time a few views and a few videos, and print what each choice would take for all.

    The chosen model is timed; the others are scaled by their arithmetic. Videos that merge equal
    views, short or square ones, take less.
    """
    model, protocol = setup.engine.model, setup.protocol
    view_seconds = _view_seconds(setup.engine.load(protocol.view_size), protocol)
    video_seconds = _decoding_seconds(setup.make_pool(), todo) / setup.num_workers
    table = Table(box=None, pad_edge=False)
    for title in ("model", "clips × crops"):
        table.add_column(title)
    for title in ("s/video", f"{len(todo)} videos"):
        table.add_column(title, justify="right")
    table.add_column("")
    for candidate in (model, *(other for other in MODELS if other.name != model.name)):
        own = protocol if candidate == model else candidate.protocol
        for choice in _choices(own):
            size_ratio = candidate.gmacs / model.gmacs
            seconds = choice.num_views * view_seconds * size_ratio + video_seconds
            table.add_row(
                candidate.name,
                f"{choice.num_clips} × {choice.num_crops}",
                f"{seconds:.2f}",
                duration(seconds * len(todo)),
                Text("this command" if choice == protocol and candidate == model else ""),
            )
    console = result_console()
    print_table(console, table)
    console.print(
        f"timed here: {view_seconds:.2f} s a view of {model.name}, "
        f"{video_seconds:.2f} s to decode a video"
    )


def _choices(own: ViewProtocol) -> list[ViewProtocol]:
    """The model's own clips and crops first, then fewer."""
    found = [own]
    for num_clips, num_crops in ((4, 3), (4, 1), (1, 3), (1, 1)):
        try:
            choice = own.adapted(num_clips=num_clips, num_crops=num_crops)
        except UsageError:  # one clip spans the video
            continue
        if choice not in found:
            found.append(choice)
    return found


def _view_seconds(engine: Engine, protocol: ViewProtocol) -> float:
    shape = (1, *protocol.view_size, 3)
    views = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    engine.compute(views)  # the first is slower
    start = perf_counter()
    for _ in range(_NUM_TIMED):
        engine.compute(views)
    return (perf_counter() - start) / _NUM_TIMED


def _decoding_seconds(pool: DecodingPool, todo: Sequence[Found]) -> float:
    """Seconds to decode a video in one worker, the mean of a few."""
    readable = [found for found in todo if found.error is None]
    few = readable[:: max(len(readable) // _NUM_DECODED, 1)][:_NUM_DECODED]
    with closing(pool.decode_each(few)) as decoded_each:
        seconds = [decoded.seconds for decoded in decoded_each]
    return sum(seconds) / len(seconds) if seconds else 0.0
