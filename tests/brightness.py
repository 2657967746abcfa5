"""A command over many videos, as a contributor would add it: the brightness of the views."""

from functools import partial

import numpy as np

from vswin_cli.api.model import VideoModel
from vswin_cli.api.options import EngineOptions, ViewOptions
from vswin_cli.cli.display import RunDisplay
from vswin_cli.cli.options import OutputOption, PathsArgument, QuietOption, VerboseOption
from vswin_cli.cli.progress import fetch_shown
from vswin_cli.cli.tables import print_summary
from vswin_cli.runs.options import RunOptions
from vswin_cli.runs.output import Output
from vswin_cli.runs.run import run_over
from vswin_cli.runs.task import Task
from vswin_cli.runs.videos import Selection, find_videos


class BrightnessTask(Task):
    """Adds the mean of all pixels, 0 to 255, to the record of a video."""

    def conclude(self, decoded, views, outputs, seconds):
        prediction, more = super().conclude(decoded, views, outputs, seconds)
        return prediction, {**more, "brightness": float(np.mean([v.frames.mean() for v in views]))}


def brightness(
    paths: PathsArgument,
    output: OutputOption,
    engine: EngineOptions,
    views: ViewOptions,
    selection: Selection,
    run: RunOptions,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Record the brightness of videos."""
    model = VideoModel(engine, views, head=True, fetch=fetch_shown(quiet=quiet))
    target = Output(output, resume=run.resume)
    settings = {**model.settings(1), "measured": "brightness"}
    task = BrightnessTask(partial(model.classifier, 1), model.decoding_pool, settings)
    display = RunDisplay(quiet=quiet, verbose=verbose)
    videos = find_videos(paths, selection, target.is_own)
    outcome = run_over(videos, task, target, run, display)
    if not quiet:
        print_summary(outcome, display, output, done="measured")
    display.end(outcome, is_complete=outcome.is_complete)
