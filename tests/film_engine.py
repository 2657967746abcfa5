"""Fast models for films: one for bright and dark frames, and one for the tour."""

import os
import signal
import time

import numpy as np

from vswin_cli.engines.base import Engine, Outputs
from vswin_cli.films.sequence import FrameSequence
from vswin_cli.results import Setup
from vswin_cli.timeline.computing import EngineComputing
from vswin_cli.timeline.film import FilmAnalyst
from vswin_cli.timeline.segments import Cutting
from vswin_cli.timeline.sliding import Sliding
from vswin_cli.zoo.protocols import SMALL_KINETICS

LABELS = ["pan right", "zoom in", "tilt up", "static", "roll clockwise", "pan left", "zoom out"]


class Counting(Engine):
    """An engine that tells bright views from dark ones, and may die on the way."""

    backend, precision = "openvino", "float32"

    def __init__(self, dies_after=None):
        self.num_computed = self.num_views = self.num_waiting = self.largest = 0
        self._dies_after = dies_after

    def start(self, views):
        if self.num_computed == self._dies_after:
            raise KeyboardInterrupt
        assert len(views) <= self.batch_size
        assert self.num_waiting < self.num_at_once
        self.num_computed += 1
        self.num_views += len(views)
        self.num_waiting += 1
        self.largest = max(self.largest, len(views))
        bright = views.reshape(len(views), -1).mean(axis=1) / 255
        rows = np.stack([bright, 1 - bright], 1).astype(np.float32)
        outputs = Outputs(rows, np.zeros((len(views), 1)))

        def wait():
            self.num_waiting -= 1
            return outputs

        return wait


SLIDING = Sliding(SMALL_KINETICS.adapted(num_clips=1, num_crops=1), 0.25, 2.0)
ANALYST = FilmAnalyst(("bright", "dark"), Setup("m", "p", "b", "f"), SLIDING, Cutting())


def watched(frames, engine, remembered=None):
    """Make the timeline of frames."""
    with EngineComputing(engine, remembered) as computing:
        return ANALYST.timeline("v", frames, computing)


class Breaking(FrameSequence):
    """Frames of a file whose name says how its decoder breaks after a while."""

    def __iter__(self):
        for frame in super().__iter__():
            yield frame
            if frame.index == 30:
                name = self._location.name
                if "hangs" in name:
                    time.sleep(60)
                for word in ("SEGV", "STOP"):
                    if word in name:
                        os.kill(os.getpid(), getattr(signal, f"SIG{word}"))
                if "raises" in name:
                    raise RuntimeError("a bug")
