"""What computes a command's model, once its options are understood."""

from dataclasses import dataclass
from pathlib import Path

from vswin_cli.cli.commands.cache import graph_cache_folder, graph_cache_limit_bytes
from vswin_cli.cli.needed_weights import find_or_fetch
from vswin_cli.engines.base import Backend, Engine, Precision
from vswin_cli.engines.registry import load_engine, resolve_backend
from vswin_cli.errors import UsageError
from vswin_cli.zoo.architectures import Size
from vswin_cli.zoo.models import AnyModel, CustomModel, PublishedModel


@dataclass(frozen=True)
class EngineSetup:
    """A model, its weights and what computes it; nothing is loaded until it is asked for."""

    model: AnyModel
    weights_file: Path
    backend: Backend
    precision: Precision
    graph_folder: Path
    graph_limit_bytes: int
    threads: int | None = None  # processors to keep busy; None is all
    with_top: bool = True  # whether the weights have a head

    def load(self, view_size: Size) -> Engine:
        """Load the model for views of (T, H, W).

        Raises:
            VswinError: As `load_engine`.
        """
        return load_engine(
            self.model,
            self.weights_file,
            backend=self.backend,
            precision=self.precision,
            view_size=view_size,
            cache_folder=self.graph_folder,
            cache_limit_bytes=self.graph_limit_bytes,
            with_top=self.with_top,
            threads=self.threads,
        )


def set_up_engine(
    model: AnyModel,
    weights: Path | None,
    *,
    backend: str = "auto",
    precision: Precision = "float32",
    threads: int | None = None,
    cache_dir: Path | None,
    mirror: str | None,
    offline: bool,
    features: bool = False,
    no_top: bool = False,
) -> EngineSetup:
    """Choose the backend and find the weights, downloading them if they are needed.

    Args:
        model: What to compute.
        weights: The user's file; None is the model's.
        backend: As `resolve_backend`.
        precision: Of the arithmetic.
        threads: Processors to keep busy; None is all.
        cache_dir: Folder of weights and graphs; None is the usual one.
        mirror: Where to download from.
        offline: Never download.
        features: Whether features are wanted, for which weights without a head will do.
        no_top: Whether the model's file shall be the one without top.

    Raises:
        BackendError: The backend is not there.
        WeightsError, UsageError: As `find_or_fetch`.
    """
    # What can fail at once comes before a download.
    chosen_backend = resolve_backend(backend)
    graph_limit_bytes = graph_cache_limit_bytes()
    if no_top and weights is None and not isinstance(model, PublishedModel):
        raise UsageError(f"{model.name} has one file of weights; leave --no-top out")
    weights_file = weights or find_or_fetch(
        model, cache_dir=cache_dir, mirror=mirror, offline=offline, top=not no_top
    )
    with_top = True
    if features and weights is not None:
        from vswin_cli.network.checkpoint import has_top  # imports HDF5

        with_top = has_top(weights)
    elif features:
        with_top = model.has_top if isinstance(model, CustomModel) else not no_top
    return EngineSetup(
        model,
        weights_file,
        chosen_backend,
        precision,
        graph_cache_folder(cache_dir),
        graph_limit_bytes,
        threads,
        with_top,
    )
