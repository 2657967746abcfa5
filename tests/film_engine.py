"""A model for films that is quick: it says whether they are bright; and what the tour shows."""

import numpy as np

from vswin_cli.engines.base import Engine, Outputs
from vswin_cli.results import Setup
from vswin_cli.timeline.film import FilmAnalyst
from vswin_cli.timeline.segments import Cutting
from vswin_cli.timeline.sliding import Sliding
from vswin_cli.zoo.protocols import SMALL_KINETICS

LABELS = ["pan right", "zoom in", "tilt up", "static", "roll clockwise", "pan left", "zoom out"]


class Counting(Engine):
    """An engine that says whether views are bright, and may die on the way."""

    backend, precision = "openvino", "float32"

    def __init__(self, dies_after=None):
        self.num_computed = 0
        self._dies_after = dies_after

    def start(self, views):
        if self.num_computed == self._dies_after:
            raise KeyboardInterrupt
        self.num_computed += 1
        bright = views.reshape(len(views), -1).mean(axis=1) / 255
        outputs = Outputs(np.stack([bright, 1 - bright], 1).astype(np.float32), np.zeros((1, 1)))
        return lambda: outputs


def analyst(engine):
    sliding = Sliding(SMALL_KINETICS.adapted(num_clips=1, num_crops=1), 0.25, 2.0)
    return FilmAnalyst(engine, ("bright", "dark"), Setup("m", "p", "b", "f"), sliding, Cutting())
