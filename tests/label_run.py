"""A run like `vswin label`, with an engine that needs no weights, for a separate process.

`python label_run.py FOLDER OUTPUT [seconds per view]` prints the number of labelled videos and the
failures.
"""

import sys
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
from label_decoders import decode_or_break

from vswin_cli.classify import Classifier
from vswin_cli.engines.base import Engine, Outputs
from vswin_cli.runs.options import RunOptions
from vswin_cli.runs.output import Output
from vswin_cli.runs.pool import DecodingPool
from vswin_cli.runs.run import run_over
from vswin_cli.runs.task import RunWatcher, Task
from vswin_cli.runs.videos import Selection, find_videos
from vswin_cli.runs.worker import Decoding
from vswin_cli.zoo.catalog import find_model

MODEL = find_model("swin-t-k400")
PROTOCOL = replace(MODEL.protocol, num_crops=1)


class BrightnessEngine(Engine):
    """Outputs that depend only on the pixels."""

    backend = "openvino"
    precision = "float32"

    def __init__(self, view_seconds=0.0, batch_size=1):
        self.view_seconds = view_seconds
        self.batch_size = batch_size

    def start(self, views):
        time.sleep(self.view_seconds)
        classes = np.arange(MODEL.num_classes)
        means = views.reshape(len(views), -1)[:, ::997].mean(axis=1, dtype=np.float64)
        logits = np.cos(means[:, np.newaxis] * (classes + 1))
        exponentials = np.exp(logits)
        probabilities = exponentials / exponentials.sum(axis=1, keepdims=True)
        outputs = Outputs(probabilities.astype(np.float32), means[:, np.newaxis].astype(np.float32))
        return lambda: outputs


class BrightnessTask(Task):
    """Labels by brightness."""

    def __init__(self, *, decode=decode_or_break, view_seconds=0.0, batch_size=1, **settings):
        engine = BrightnessEngine(view_seconds, batch_size)
        super().__init__(
            lambda: Classifier(
                MODEL, engine, PROTOCOL, reader="auto", top_k=self.settings["top_k"]
            ),
            lambda options: DecodingPool(
                Decoding(decode, PROTOCOL, "auto"),
                num_workers=options.workers,
                timeout_seconds=options.timeout,
            ),
            {"model": MODEL.name, "top_k": 3, **settings},
        )


def label_folder(
    folder, output, *, watcher=None, retry_failed=False, max_failures=None,
    timeout_seconds=2.0, num_workers=2, resume=True, **task,
):  # fmt: skip
    """Label a folder in this process; return the outcome and the plan."""

    class Watcher(RunWatcher):
        def on_plan(self, plan):
            self.plan = plan

    watcher = watcher or Watcher()
    target = Output(Path(output), resume=resume)
    videos = find_videos([str(folder)], Selection(), target.is_own)
    options = RunOptions(
        retry_failed=retry_failed,
        workers=num_workers,
        timeout=timeout_seconds,
        max_failures=max_failures,
        resume=resume,
    )
    outcome = run_over(videos, BrightnessTask(**task), target, options, watcher)
    return getattr(watcher, "plan", None), outcome


if __name__ == "__main__":
    _, written = label_folder(*sys.argv[1:3], view_seconds=float(sys.argv[3]))
    print(Counter("ok" if e.is_ok else e.summary for e in written.entries.values()))
