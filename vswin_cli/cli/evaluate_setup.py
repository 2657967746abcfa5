"""What a run of `vswin evaluate` computes with: that of `vswin label`, and several protocols."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from vswin_cli.cli.label_setup import LabelSetup
from vswin_cli.evaluation.answering import Evaluating, evaluation_settings
from vswin_cli.runs.pool import DecodingPool
from vswin_cli.zoo.protocols import ViewProtocol


@dataclass(frozen=True)
class EvaluateSetup:
    """The choices of a run; nothing is loaded until it is asked for."""

    labelling: LabelSetup  # by the first protocol
    protocols: tuple[ViewProtocol, ...]

    def settings(self, truth: Mapping[str, int]) -> dict[str, str]:
        """Sum up what the record of each video depends on."""
        setups = [replace(self.labelling, protocol=protocol) for protocol in self.protocols]
        return evaluation_settings([setup.settings() for setup in setups], truth)

    def make_answer(self, truth: Mapping[str, int], settings: Mapping[str, str]) -> Evaluating:
        """Load the model, and make ready to evaluate."""
        return Evaluating(self.labelling.make_classifier(), self.protocols, truth, settings)

    def make_pool(self) -> DecodingPool:
        """Make the pool that decodes each video once, for all protocols."""
        return self.labelling.make_pool(self.protocols[1:])
