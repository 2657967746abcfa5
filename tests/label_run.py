"""A run as `vswin label` makes it, with an engine that needs no weights; a process for itself.

`python label_run.py FOLDER OUTPUT [seconds a view]` prints how many it labelled and what failed.
"""

import sys
import time
from collections import Counter
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
from label_decoders import decode_or_break

from vswin_cli.classify import Classifier
from vswin_cli.engines.base import Outputs
from vswin_cli.runs.finding import Selection, find_videos
from vswin_cli.runs.journal import Journal
from vswin_cli.runs.pool import DecodingPool
from vswin_cli.runs.run import Run, labelling, plan
from vswin_cli.runs.target import Target
from vswin_cli.runs.worker import Decoding
from vswin_cli.zoo.catalog import find_model

MODEL = find_model("swin-t-k400")
PROTOCOL = replace(MODEL.protocol, num_crops=1)
SETTINGS = "0123456789abcdef"


class BrightnessEngine:
    """Outputs that depend on the pixels alone."""

    backend = "openvino"
    precision = "float32"

    def __init__(self, view_seconds=0.0):
        self.view_seconds = view_seconds

    def compute(self, views):
        time.sleep(self.view_seconds)
        classes = np.arange(MODEL.num_classes)
        means = views.reshape(len(views), -1)[:, ::997].mean(axis=1, dtype=np.float64)
        logits = np.cos(means[:, np.newaxis] * (classes + 1))
        exponentials = np.exp(logits)
        probabilities = exponentials / exponentials.sum(axis=1, keepdims=True)
        return Outputs(probabilities.astype(np.float32), means[:, np.newaxis].astype(np.float32))


class Quiet:
    """Watches nothing."""

    def on_start(self, found):
        pass

    def on_view(self, done, total):
        pass

    def on_result(self, found, result, notes):
        pass


def label_folder(
    folder,
    output,
    *,
    view_seconds=0.0,
    decode=decode_or_break,
    timeout_seconds=2.0,
    num_workers=2,
    retry_failed=False,
    settings=SETTINGS,
    watcher=None,
    max_failures=None,
):
    """Label a folder in this process; returns the plan that was carried out, and the journal."""
    target = Target(Path(output), resume=True)
    found = find_videos([str(folder)], Selection(), target.is_own)
    pool = DecodingPool(
        Decoding(decode, PROTOCOL, "auto"),
        num_workers=num_workers,
        timeout_seconds=timeout_seconds,
    )
    classifier = Classifier(MODEL, BrightnessEngine(view_seconds), PROTOCOL, reader="auto", top_k=3)
    with target.locked(), closing(Journal(target.journal_path, resume=True)) as journal:
        todo = plan(found, journal, settings, retry_failed=retry_failed)
        answer = labelling(classifier, settings)
        run = Run(answer, pool, journal, watcher or Quiet(), max_failures)
        run.label(todo.todo)
        target.finish(journal, [video.video for video in found], 3)
    return todo, journal


if __name__ == "__main__":
    _, written = label_folder(*sys.argv[1:3], view_seconds=float(sys.argv[3]))
    print(Counter("ok" if e.is_ok else e.summary for e in written.entries.values()))
