"""What a user sees of an evaluation while it runs: that of labelling, and whether it was right."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from vswin_cli.cli.label_display import LabelDisplay
from vswin_cli.results import ScoredLabel

if TYPE_CHECKING:  # it imports NumPy and OpenCV
    from vswin_cli.runs.finding import Found


class EvaluateDisplay(LabelDisplay):
    """Counts right and wrong answers instead of labels.

    Args:
        truth: Class index by the name of the video.
        labels: In index order.
        quiet: Show nothing at all.
        verbose: Show how each video was read.
    """

    def __init__(
        self, truth: Mapping[str, int], labels: Sequence[str], *, quiet: bool, verbose: bool
    ) -> None:
        super().__init__(quiet=quiet, verbose=verbose)
        self._truth = truth
        self._labels = labels

    def counted_as(self, found: "Found", best: ScoredLabel) -> str:
        """Count what was right."""
        return "right" if best.index == self._truth[found.video] else "wrong"

    def described(self, found: "Found", best: ScoredLabel) -> str:
        """Tell the truth where the answer is wrong."""
        answer = super().described(found, best)
        true_index = self._truth[found.video]
        return (
            answer if best.index == true_index else f"{answer}, but is {self._labels[true_index]}"
        )
