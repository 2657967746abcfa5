"""A model that is set up: its weights found, what computes it chosen, loaded when it is needed."""

import hashlib
from functools import cached_property, partial
from pathlib import Path

from vswin_cli.api.options import EngineOptions, ViewOptions
from vswin_cli.classify import Classifier
from vswin_cli.engines.base import Engine
from vswin_cli.engines.gpu import gpu_candidates
from vswin_cli.engines.graph_cache import graph_folder, graph_limit_bytes
from vswin_cli.engines.registry import load_engine, resolve_backend
from vswin_cli.errors import UsageError
from vswin_cli.features.origin import FeatureType, Origin
from vswin_cli.results import Setup
from vswin_cli.runs.options import RunOptions
from vswin_cli.runs.pool import DecodingPool, default_workers
from vswin_cli.runs.records import Settings, settings_of
from vswin_cli.runs.worker import Decoding, decode_views
from vswin_cli.system.files import file_sha256
from vswin_cli.system.processors import available_processors
from vswin_cli.weights.needed import FetchFile, fetch_file, find_or_fetch
from vswin_cli.zoo.catalog import find_classifier, find_model
from vswin_cli.zoo.models import CustomModel, PublishedModel
from vswin_cli.zoo.protocols import ViewProtocol

_USUAL_TOP_K = 5


class VideoModel:
    """A model, by what was asked of it.

    Args:
        engine: Which model, and what computes it.
        views: How videos become views; several protocols have the first as the model's.
        top: Whether the weights have a head: True where classes are wanted; False takes the
            published file without top; None takes what the weights have.
        compares_protocols: Whether the views may be those of several protocols.
        spares_keras: As of `load_engine`; for programs that may use Keras themselves.
        fetch: Downloads a weights file that is not here.

    Raises:
        UsageError: The options contradict each other, or name no model, or none with classes.
        BackendError: The backend is not installed.
    """

    def __init__(
        self,
        engine: EngineOptions,
        views: ViewOptions,
        *,
        top: bool | None = None,
        compares_protocols: bool = False,
        spares_keras: bool = False,
        fetch: FetchFile = fetch_file,
    ) -> None:
        self.model = (find_classifier if top else find_model)(engine.model, engine.cache_dir)
        self.protocols = (
            views.protocols_for(self.model.protocol)
            if compares_protocols
            else (views.protocol_for(self.model.protocol),)
        )
        self.views = views
        self.options = engine
        self.graph_folder = graph_folder(engine.cache_dir)
        self.backend = resolve_backend(engine.backend, self.graph_folder)
        self._graph_limit_bytes = graph_limit_bytes()
        is_published = isinstance(self.model, PublishedModel)
        if top is False and engine.weights is None and not is_published:
            raise UsageError(f"{self.model.name} has one file of weights; leave --no-top out")
        self.has_many_videos = False  # so that every GPU is worth its start
        self._top = top
        self._spares_keras = spares_keras
        self._fetch = fetch

    @property
    def protocol(self) -> ViewProtocol:
        """How a video becomes views."""
        return self.protocols[0]

    @cached_property
    def weights_file(self) -> Path:
        """The weights: looked for, and downloaded if they are not here, when first asked for.

        Raises:
            WeightsError, UsageError: As `find_or_fetch`.
        """
        return self.options.weights or find_or_fetch(
            self.model,
            cache_dir=self.options.cache_dir,
            mirror=self.options.mirror,
            offline=self.options.offline,
            top=self._top is not False,
            fetch=self._fetch,
        )

    @cached_property
    def has_top(self) -> bool:
        """Whether the weights have a head, and the model classes.

        Raises:
            WeightsError: They cannot be read.
        """
        if self._top:
            return True
        if self.options.weights is not None:
            return self._file_has_top()
        return self.model.has_top if isinstance(self.model, CustomModel) else self._top is None

    def _file_has_top(self) -> bool:
        from vswin_cli.network.checkpoint import has_top  # noqa: PLC0415 - imports HDF5

        return has_top(self.weights_file)

    @cached_property
    def engine(self) -> Engine:
        """What computes the model; loaded when it is first asked for.

        Raises:
            VswinError: As `load_engine`.
        """
        return load_engine(
            self.model,
            self.weights_file,
            backend=self.backend,
            precision=self.options.precision,
            view_size=self.protocol.view_size,
            with_top=self.has_top,
            cache_folder=self.graph_folder,
            cache_limit_bytes=self._graph_limit_bytes,
            threads=self.options.threads,
            batch_size=None if self.options.batch_size == "auto" else self.options.batch_size,
            num_views=self.protocol.num_views,
            uses_all_gpus=self.has_many_videos,
            spares_keras=self._spares_keras,
        )

    def classifier(
        self, top_k: int, threads: int | None = None, min_probability: float = 0.0
    ) -> Classifier:
        """Make ready to label, or to compute features; the model is loaded by then.

        Args:
            top_k: Labels per video; 0 where features alone are wanted.
            threads: To decode with; None is as many as there are processors.
            min_probability: Labels that are less probable are left out.

        Raises:
            VswinError: As `load_engine`.
        """
        return Classifier(
            self.model,
            self.engine,
            self.protocol,
            reader=self.views.reader,
            top_k=top_k,
            adaptive=self.views.is_adaptive,
            threads=threads,
            min_probability=min_probability,
        )

    def top_k(self, asked: int | None) -> int:
        """Return how many labels a video gets: as many as are asked for, else 5 or all.

        Raises:
            UsageError: There are no classes, or fewer.
        """
        if not self.has_top:
            raise UsageError(
                f"{self.model.name} is without top here: it computes features, and names no classes"
            )
        if asked is None:
            return min(_USUAL_TOP_K, self.model.num_classes)
        if asked > self.model.num_classes:
            raise UsageError(
                f"--top-k {asked} is more than the {self.model.num_classes} classes of "
                f"{self.model.name}"
            )
        if asked < 1:
            raise UsageError(f"--top-k {asked} is less than 1")
        return asked

    def settings(self, top_k: int, min_probability: float = 0.0) -> Settings:
        """Name whatever predictions depend on apart from their video.

        Args:
            top_k: Labels per video.
            min_probability: Of a label.
        """
        protocol = self.protocol
        setup = Setup(self.model.name, protocol.sampling, self.backend, self.options.precision)
        # A file that is not there is reported by the loading, which knows what to say.
        sha256 = file_sha256(self.weights_file) if self.weights_file.is_file() else ""
        others: dict[str, object] = {"adaptive": self.views.is_adaptive, "top_k": top_k}
        if min_probability:
            others["min_probability"] = min_probability
        if isinstance(self.model, CustomModel):  # whose file may change, with the same weights
            model = self.model
            parts = repr((model.architecture, model.label_set, model.multi_label))
            others["model_file"] = hashlib.sha256(parts.encode()).hexdigest()[:16]
        return settings_of(setup, protocol, sha256, self.views.reader, **others)

    def features_origin(self, dtype: FeatureType = "float32", *, per_view: bool = False) -> Origin:
        """Sum up what features depend on.

        Raises:
            WeightsError: The weights file is missing, or none.
        """
        with_top = self._file_has_top()  # before the sum, since it says what is wrong
        return Origin(
            model=self.model.name,
            weights_sha256=file_sha256(self.weights_file),
            with_top=with_top,
            protocol=self.protocol,
            backend=self.backend,
            precision=self.options.precision,
            reader=self.views.reader,
            dtype=dtype,
            per_view=per_view,
            num_features=self.model.architecture.num_features,
        )

    def decoding_pool(self, run: RunOptions) -> DecodingPool:
        """Make the pool that decodes each video once, for all protocols; its processes start later.

        The workers and the model have the same processors: whichever is the faster waits for the
        other, so that only its share of the work, and not half of them, is taken from the slower.
        """
        workers = self.num_workers(run)
        threads = max((self.options.threads or available_processors()) // workers, 1)
        decode = partial(decode_views, others=self.protocols[1:], threads=threads)
        return DecodingPool(
            Decoding(decode, self.protocol, self.views.reader),
            num_workers=workers,
            timeout_seconds=run.timeout,
        )

    def num_workers(self, run: RunOptions) -> int:
        """Processes that decode."""
        has_gpu = self.backend in gpu_candidates()
        return run.workers or default_workers(self.options.threads, has_gpu=has_gpu)
