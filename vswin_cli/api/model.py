"""A model that is set up: weights are found, a backend is chosen, and it loads when needed."""

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
    """A model with the options to run it.

    Args:
        engine: The model, and its backend.
        views: How videos become views. If there are several protocols, the first gives the answer.
        head: True requires weights with a head; False takes the published file without a head; None
            accepts both.
        compares_protocols: Whether the views may name several protocols.
        spares_keras: As for `load_engine`; for programs that may use Keras themselves.
        fetch: Downloads a missing weights file.

    Raises:
        UsageError: The options contradict each other, no model has this name, or the model has no
            classes.
        BackendError: The backend is not installed.
    """

    def __init__(
        self,
        engine: EngineOptions,
        views: ViewOptions,
        *,
        head: bool | None = None,
        compares_protocols: bool = False,
        spares_keras: bool = False,
        fetch: FetchFile = fetch_file,
    ) -> None:
        self.model = (find_classifier if head else find_model)(engine.model, engine.cache_dir)
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
        if head is False and engine.weights is None and not is_published:
            raise UsageError(f"{self.model.name} has one file of weights; remove --no-head")
        self.has_many_videos = False  # so that every GPU is worth its start
        self._head = head
        self._spares_keras = spares_keras
        self._fetch = fetch

    @property
    def protocol(self) -> ViewProtocol:
        """How a video becomes views."""
        return self.protocols[0]

    @cached_property
    def weights_file(self) -> Path:
        """The path of the weights, which are downloaded on first use if they are missing.

        Raises:
            WeightsError, UsageError: As for `find_or_fetch`.
        """
        return self.options.weights or find_or_fetch(
            self.model,
            cache_dir=self.options.cache_dir,
            mirror=self.options.mirror,
            offline=self.options.offline,
            head=self._head is not False,
            fetch=self._fetch,
        )

    @cached_property
    def has_head(self) -> bool:
        """Whether the weights have a head, so that the model has classes.

        Raises:
            WeightsError: The weights cannot be read.
        """
        if self._head:
            return True
        if self.options.weights is not None:
            return self._file_has_head()
        return self.model.has_head if isinstance(self.model, CustomModel) else self._head is None

    def _file_has_head(self) -> bool:
        from vswin_cli.network.checkpoint import has_head  # noqa: PLC0415 - imports HDF5

        return has_head(self.weights_file)

    @cached_property
    def engine(self) -> Engine:
        """The engine that computes the model; loaded on first use.

        Raises:
            VswinError: As for `load_engine`.
        """
        return load_engine(
            self.model,
            self.weights_file,
            backend=self.backend,
            precision=self.options.precision,
            view_size=self.protocol.view_size,
            with_head=self.has_head,
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
        """Load the model to label videos or compute features.

        Args:
            top_k: Labels per video; 0 computes features only.
            threads: Decoding threads; None is the number of processors.
            min_probability: Leave out labels that are less probable.

        Raises:
            VswinError: As for `load_engine`.
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
        """Return the number of labels per video: `asked`, or else 5 or all classes.

        Raises:
            UsageError: The model has no classes, or fewer than `asked`.
        """
        if not self.has_head:
            raise UsageError(f"{self.model.name} has no head: it only computes features")
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
        """Collect everything that predictions depend on, except the video.

        Args:
            top_k: Labels per video.
            min_probability: Least probability of a label.
        """
        protocol = self.protocol
        setup = Setup(self.model.name, protocol.sampling, self.backend, self.options.precision)
        # A missing file is an error of loading, which has the better message.
        sha256 = file_sha256(self.weights_file) if self.weights_file.is_file() else ""
        others: dict[str, object] = {"adaptive": self.views.is_adaptive, "top_k": top_k}
        if min_probability:
            others["min_probability"] = min_probability
        if isinstance(self.model, CustomModel):  # its file may change without the weights
            model = self.model
            parts = repr((model.architecture, model.label_set, model.multi_label))
            others["model_file"] = hashlib.sha256(parts.encode()).hexdigest()[:16]
        return settings_of(setup, protocol, sha256, self.views.reader, **others)

    def features_origin(self, dtype: FeatureType = "float32", *, per_view: bool = False) -> Origin:
        """Collect everything that features depend on, except the video.

        Raises:
            WeightsError: The weights file is missing, or is not a weights file.
        """
        with_head = self._file_has_head()  # before the checksum, because its errors are clearer
        return Origin(
            model=self.model.name,
            weights_sha256=file_sha256(self.weights_file),
            with_head=with_head,
            protocol=self.protocol,
            backend=self.backend,
            precision=self.options.precision,
            reader=self.views.reader,
            dtype=dtype,
            per_view=per_view,
            num_features=self.model.architecture.num_features,
        )

    def decoding_pool(self, run: RunOptions) -> DecodingPool:
        """Make the pool that decodes each video once for all protocols; its processes start later.

        The workers and the model share all processors. The faster side waits for the slower one,
        so it uses only the time that its work needs, not half of the processors.
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
        """The number of decoding processes."""
        has_gpu = self.backend in gpu_candidates()
        return run.workers or default_workers(self.options.threads, has_gpu=has_gpu)
