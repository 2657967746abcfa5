"""Computing windows in batches, and equal windows once."""

from collections import OrderedDict
from collections.abc import Callable, Generator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from vswin_cli.engines.base import Engine, Outputs
from vswin_cli.engines.batches import Batches
from vswin_cli.timeline.windows import Clip
from vswin_cli.views.views import View

_RECENT = 64  # windows whose probabilities are remembered for equal windows
_MOST_BATCHED = 32  # windows that may wait for a batch; the frames of each take some megabytes
_SPARE = 2  # windows that are ready when a batch is done

Wait = Callable[[], np.ndarray]  # returns a window's probabilities, float32 (num_classes,)


class Computing(Protocol):
    """Computes windows; the caller may request several before it takes the first result."""

    num_ahead: int

    def start(self, clip: Clip) -> Wait:
        """Ask for the probabilities of a window."""


class Remembered(Protocol):
    """Store for the probabilities of windows; see `Checkpoint`."""

    def get(self, key: bytes) -> np.ndarray | None:
        """Return the probabilities under a key, or None."""

    def put(self, key: bytes, probabilities: np.ndarray) -> None:
        """Keep probabilities under a key."""


@dataclass
class _Asked:
    """A window that is being computed."""

    probabilities: np.ndarray | None = None


class EngineComputing(AbstractContextManager["EngineComputing"]):
    """Computes windows with an engine; as a context manager, it leaves the engine idle at its end.

    Args:
        engine: Engine with the model.
        remembered: Store for known probabilities and new ones.
    """

    def __init__(self, engine: Engine, remembered: Remembered | None = None) -> None:
        self.num_ahead = num_ahead(engine)
        self._batches = Batches[bytes, np.ndarray](engine)
        self._remembered = remembered
        self._asked: dict[bytes, _Asked] = {}
        self._recent = OrderedDict[bytes, np.ndarray]()

    def __exit__(self, *error: object) -> None:
        """Wait for the windows that the engine is computing."""
        while self._batches.num_computing:
            self._batches.take()

    def start(self, clip: Clip) -> Wait:
        """See `Computing`."""
        known = self._recent.get(clip.key)
        if known is None and self._remembered is not None:
            known = self._remembered.get(clip.key)
        if known is not None:
            self._keep(clip.key, known)
            return lambda: known
        asked = self._asked.get(clip.key)
        if asked is None:
            asked = self._asked[clip.key] = _Asked()
            self._batches.add(clip.key, _mean(clip))
            self._fill()
        return lambda: self._wait(asked)

    def _wait(self, asked: _Asked) -> np.ndarray:
        while asked.probabilities is None:
            self._batches.step()
            self._hand_out()
            self._fill()
        return asked.probabilities

    def _fill(self) -> None:
        """Start full batches while the engine has room."""
        while self._batches.is_full and self._batches.can_start:
            self._batches.start()

    def _hand_out(self) -> None:
        while self._batches.ended:
            key, probabilities, _ = self._batches.ended.popleft()
            self._asked.pop(key).probabilities = probabilities
            if self._remembered is not None:
                self._remembered.put(key, probabilities)
            self._keep(key, probabilities)

    def _keep(self, key: bytes, probabilities: np.ndarray) -> None:
        self._recent[key] = probabilities
        self._recent.move_to_end(key)
        if len(self._recent) > _RECENT:
            self._recent.popitem(last=False)


def num_ahead(engine: Engine) -> int:
    """Return how many windows to ask an engine for before taking the first result."""
    return min(engine.batch_size * engine.num_at_once, _MOST_BATCHED) + _SPARE


def _mean(clip: Clip) -> Generator[Sequence[View], Sequence[Outputs], np.ndarray]:
    """Ask for the views of a window, and return their mean, float32 (num_classes,)."""
    outputs = yield clip.views
    rows = [each.probabilities for each in outputs]
    mean: np.ndarray = np.concatenate(rows).mean(axis=0, dtype=np.float64).astype(np.float32)
    return mean
