"""What the model says of windows: those of a batch at once, equal ones once."""

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

_RECENT = 64  # windows whose probabilities are known should equal ones come
_MOST_BATCHED = 32  # windows that wait for each other: each holds some megabytes of frames
_SPARE = 2  # windows that are there when a batch is done

Wait = Callable[[], np.ndarray]  # a window's probabilities, float32 (num_classes,), once computed


class Computing(Protocol):
    """Computes windows; what takes their probabilities may be that many windows behind."""

    num_ahead: int

    def start(self, clip: Clip) -> Wait:
        """Ask for a window's probabilities."""


class Remembered(Protocol):
    """Where the probabilities of windows are kept; see `Checkpoint`."""

    def get(self, key: bytes) -> np.ndarray | None:
        """What is kept under a key."""

    def put(self, key: bytes, probabilities: np.ndarray) -> None:
        """Keep it."""


@dataclass
class _Asked:
    """A window whose probabilities come."""

    probabilities: np.ndarray | None = None


class EngineComputing(AbstractContextManager["EngineComputing"]):
    """Computes windows by an engine; as a context, it leaves the engine idle, however it ends.

    Args:
        engine: The model.
        remembered: Probabilities that are known, and where new ones go.
    """

    def __init__(self, engine: Engine, remembered: Remembered | None = None) -> None:
        self.num_ahead = num_ahead(engine)
        self._batches = Batches[bytes, np.ndarray](engine)
        self._remembered = remembered
        self._asked: dict[bytes, _Asked] = {}
        self._recent = OrderedDict[bytes, np.ndarray]()

    def __exit__(self, *error: object) -> None:
        """Take what the engine is computing."""
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
        """Keep the engine busy, as far as there are whole batches."""
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
    """How many windows an engine is to be asked for before the first is taken."""
    return min(engine.batch_size * engine.num_at_once, _MOST_BATCHED) + _SPARE


def _mean(clip: Clip) -> Generator[Sequence[View], Sequence[Outputs], np.ndarray]:
    """Ask for a window's views; the mean over them, float32 (num_classes,)."""
    outputs = yield clip.views
    rows = [each.probabilities for each in outputs]
    mean: np.ndarray = np.concatenate(rows).mean(axis=0, dtype=np.float64).astype(np.float32)
    return mean
