"""From the name of a class in annotations to its index: exactly, or ignoring case and spaces."""

import re
from collections import defaultdict
from collections.abc import Sequence
from difflib import get_close_matches

from vswin_cli.evaluation.rows import NoMatchError

_SPACES = re.compile(r"[\s_]+")


class LabelNames:
    """Looks up classes.

    A name is compared exactly. If no class has it, case is ignored, and underscores and runs of
    spaces count as one space, if exactly one class then matches. Some label sets have names that
    differ only in these.

    Args:
        labels: Class names in index order.
        first_index: Index of the first class in annotations with indices.
    """

    def __init__(self, labels: Sequence[str], first_index: int = 0) -> None:
        self._labels = labels
        self._first_index = first_index
        self._hints: dict[str, str] = {}
        self._exact = {label: index for index, label in enumerate(labels)}
        self._folded = defaultdict[str, list[int]](list)
        for index, label in enumerate(labels):
            self._folded[_folded(label)].append(index)

    def index(self, label: str | int) -> int:
        """Return the index of a class.

        Raises:
            NoMatchError: No class matches, or several do.
        """
        if isinstance(label, int):
            first = self._first_index
            if 0 <= label - first < len(self._labels):
                return label - first
            there = f"{first} to {first + len(self._labels) - 1}"
            hint = "; --first-index 1 if they count from 1" if label == len(self._labels) else ""
            raise NoMatchError("no_label", f"no class {label}: there are {there}{hint}")
        if label in self._exact:
            return self._exact[label]
        found = self._folded.get(_folded(label), [])
        if len(found) == 1:
            return found[0]
        if found:
            names = " or ".join(repr(self._labels[index]) for index in found)
            raise NoMatchError("no_label", f"{label!r} could be {names}")
        if label not in self._hints:  # the search is slow, and many rows have the same label
            nearest = get_close_matches(label, self._labels, n=1)
            self._hints[label] = f"; the nearest is {nearest[0]!r}" if nearest else ""
        raise NoMatchError("no_label", f"no class is called {label!r}{self._hints[label]}")


def _folded(label: str) -> str:
    return _SPACES.sub(" ", label).strip().casefold()
