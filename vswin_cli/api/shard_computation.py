"""The computation of a sharded run, as it is sent to the workers."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from types import SimpleNamespace

from vswin_cli.api.model import VideoModel
from vswin_cli.api.options import EngineOptions, ViewOptions
from vswin_cli.classify import Classifier
from vswin_cli.errors import UsageError
from vswin_cli.features.origin import FeatureType
from vswin_cli.features.task import EmbedTask
from vswin_cli.results import Setup
from vswin_cli.runs.output import Output
from vswin_cli.runs.plan import differences, listed
from vswin_cli.runs.records import Settings
from vswin_cli.runs.task import Task


@dataclass(frozen=True)
class Computation:
    """A factory that each worker calls once, for a function that makes the task of a shard.

    Attributes:
        engine: Options of the model, which is loaded when the first video arrives.
        views: View options of the model.
        settings: What the records of the run depend on.
        top_k: Labels per video.
        min_probability: Least probability of a label.
        dtype: Data type of features.
        per_view: Write a row of features per distinct view.
        has_features: Whether the run computes features instead of labels.
        head: As for `VideoModel`.
        only_records_failures: Compute nothing and load no model; only record failures.
        model: A model of this process; None makes one from `engine` and `views`.
    """

    engine: EngineOptions
    views: ViewOptions
    settings: Settings
    top_k: int = 0
    min_probability: float = 0.0
    dtype: FeatureType = "float32"
    per_view: bool = False
    has_features: bool = False
    head: bool | None = True
    only_records_failures: bool = False
    model: VideoModel | None = None

    def __call__(self) -> Callable[[Output], Task]:
        """Make the function.

        Raises:
            UsageError: This machine has another model with the name of the run's model.
        """
        model = self.model or VideoModel(self.engine, self.views, head=self.head)
        load = cache(partial(model.classifier, self.top_k, min_probability=self.min_probability))
        if self.only_records_failures:
            protocol = model.protocol.sampling
            setup = Setup(model.model.name, protocol, model.backend, self.engine.precision)
            load = cache(partial(_setup_alone, setup))
        if self.has_features:
            origin = model.features_origin(self.dtype, per_view=self.per_view)
            self._check(origin.settings)
            return lambda output: EmbedTask(load, model.decoding_pool, origin, output)
        settings = model.settings(self.top_k, self.min_probability)
        self._check(settings)
        return lambda output: Task(load, model.decoding_pool, settings)

    def _check(self, settings: Settings) -> None:
        """Check that this machine has the model of the run.

        Raises:
            UsageError: It has different weights with that name, or another backend.
        """
        if changes := differences(self.settings, settings):
            raise UsageError(
                f"a machine of the cluster has different settings: {listed(changes)}; use the "
                "same on all machines"
            )


def _setup_alone(setup: Setup) -> Classifier:
    engine = SimpleNamespace(batch_size=1, num_at_once=1, num_queued=0)  # that nothing is given to
    return SimpleNamespace(setup=setup, engine=engine)  # type: ignore[return-value]
