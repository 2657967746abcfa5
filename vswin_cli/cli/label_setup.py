"""What a run of `vswin label` computes with, once its options are understood."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path

from vswin_cli.classify import Classifier
from vswin_cli.labelling.pool import DecodingPool
from vswin_cli.labelling.records import settings_digest
from vswin_cli.labelling.worker import Decoding, decode_views
from vswin_cli.model.engine import Backend, Engine, Precision, load_engine
from vswin_cli.processors import available_processors
from vswin_cli.results import Setup
from vswin_cli.weights.pins import file_sha256
from vswin_cli.zoo.models import Model, OwnModel
from vswin_cli.zoo.protocols import Protocol


@dataclass(frozen=True)
class LabelSetup:
    """The choices of a run; nothing is loaded until it is asked for."""

    model: Model
    protocol: Protocol
    weights_file: Path
    backend: Backend
    precision: Precision
    reader: str
    top_k: int
    num_workers: int
    timeout_seconds: float
    graph_folder: Path
    graph_limit_bytes: int
    threads: int | None = None  # processors to keep busy; None is all
    adaptive: bool = False
    with_top: bool = True  # whether the weights have a head

    def settings(self) -> str:
        """Sum up what the predictions depend on."""
        setup = Setup(self.model.name, self.protocol.sampling, self.backend, self.precision)
        # A file that is not there is reported by the loading, which knows what to say.
        sha256 = file_sha256(self.weights_file) if self.weights_file.is_file() else ""
        if isinstance(self.model, OwnModel):  # whose file may change, with the same weights
            sha256 += repr((self.model.architecture, self.model.label_set))
        return settings_digest(
            setup, self.protocol, sha256, self.reader, self.top_k, adaptive=self.adaptive
        )

    def load(self) -> Engine:
        """Load the model.

        Raises:
            VswinError: As `load_engine`.
        """
        return load_engine(
            self.model,
            self.weights_file,
            backend=self.backend,
            precision=self.precision,
            view_size=self.protocol.view_size,
            cache_folder=self.graph_folder,
            cache_limit_bytes=self.graph_limit_bytes,
            with_top=self.with_top,
            threads=self.threads,
        )

    def make_classifier(self) -> Classifier:
        """Load the model, and make ready to classify."""
        return Classifier(
            self.model,
            self.load(),
            self.protocol,
            reader=self.reader,
            top_k=self.top_k,
            adaptive=self.adaptive,
        )

    def make_pool(self, others: tuple[Protocol, ...] = ()) -> DecodingPool:
        """Make the pool that decodes; its processes start later.

        The workers and the model have the same processors: whichever is the faster waits for the
        other, so that only its share of the work, and not half of them, is taken from the slower.

        Args:
            others: Protocols whose views follow those of the run's own.
        """
        threads = max((self.threads or available_processors()) // self.num_workers, 1)
        decode = partial(decode_views, others=others, threads=threads)
        return DecodingPool(
            Decoding(decode, self.protocol, self.reader),
            num_workers=self.num_workers,
            timeout_seconds=self.timeout_seconds,
        )


def default_workers(threads: int | None = None) -> int:
    """Half the processors, since the model needs some; two at least, as one may hang."""
    return min(max((threads or available_processors()) // 2, 2), 8)
