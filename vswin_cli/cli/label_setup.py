"""What a run of `vswin label` computes with, once its options are understood."""

from dataclasses import dataclass
from functools import partial

from vswin_cli.classify import Classifier
from vswin_cli.cli.engine_setup import EngineSetup
from vswin_cli.results import Setup
from vswin_cli.runs.pool import DecodingPool
from vswin_cli.runs.records import settings_digest
from vswin_cli.runs.worker import Decoding, decode_views
from vswin_cli.system.files import file_sha256
from vswin_cli.system.processors import available_processors
from vswin_cli.zoo.models import CustomModel
from vswin_cli.zoo.protocols import ViewProtocol


@dataclass(frozen=True)
class LabelSetup:
    """The choices of a run; nothing is loaded until it is asked for."""

    engine: EngineSetup
    protocol: ViewProtocol
    reader: str
    top_k: int
    num_workers: int
    timeout_seconds: float
    adaptive: bool = False

    def settings(self) -> str:
        """Sum up what the predictions depend on."""
        model, file = self.engine.model, self.engine.weights_file
        setup = Setup(
            model.name, self.protocol.sampling, self.engine.backend, self.engine.precision
        )
        # A file that is not there is reported by the loading, which knows what to say.
        sha256 = file_sha256(file) if file.is_file() else ""
        if isinstance(model, CustomModel):  # whose file may change, with the same weights
            sha256 += repr((model.architecture, model.label_set))
        return settings_digest(
            setup, self.protocol, sha256, self.reader, self.top_k, adaptive=self.adaptive
        )

    def make_classifier(self) -> Classifier:
        """Load the model, and make ready to classify.

        Raises:
            VswinError: As `load_engine`.
        """
        return Classifier(
            self.engine.model,
            self.engine.load(self.protocol.view_size),
            self.protocol,
            reader=self.reader,
            top_k=self.top_k,
            adaptive=self.adaptive,
        )

    def make_pool(self, others: tuple[ViewProtocol, ...] = ()) -> DecodingPool:
        """Make the pool that decodes; its processes start later.

        The workers and the model have the same processors: whichever is the faster waits for the
        other, so that only its share of the work, and not half of them, is taken from the slower.

        Args:
            others: Protocols whose views follow those of the run's own.
        """
        threads = max((self.engine.threads or available_processors()) // self.num_workers, 1)
        decode = partial(decode_views, others=others, threads=threads)
        return DecodingPool(
            Decoding(decode, self.protocol, self.reader),
            num_workers=self.num_workers,
            timeout_seconds=self.timeout_seconds,
        )


def default_workers(threads: int | None = None) -> int:
    """Half the processors, since the model needs some; two at least, as one may hang."""
    return min(max((threads or available_processors()) // 2, 2), 8)
