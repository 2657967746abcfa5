"""Options of models and views, as frozen values; all their defaults are defined here."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from vswin_cli.engines.base import Backend, Precision
from vswin_cli.errors import UsageError
from vswin_cli.system.terminal import counted
from vswin_cli.zoo.models import DEFAULT_MODEL
from vswin_cli.zoo.protocols import Sampling, ViewProtocol

BackendName = Literal["auto", Backend]
PrecisionName = Precision
ReaderName = Literal["auto", "av", "decord"]
BatchSize = int | Literal["auto"]
ViewChoice = Literal["fast", "full", "adaptive"]

_YES = ("1", "true", "t", "yes", "y", "on")


@dataclass(frozen=True)
class EngineOptions:
    """The model, its weights, and its backend.

    Attributes:
        model: Model name (see `vswin models`), or path of a custom model's file.
        weights: Weights file; None is the model's, which is downloaded if missing.
        backend: `auto` is OpenVINO, or TensorFlow if OpenVINO is not installed; on a machine with
            a GPU, the fastest backend, measured once.
        precision: Arithmetic.
        threads: CPU threads to use; None is all that this process may use.
        batch_size: Views to compute at once, at most, from several videos if there are many. It
            changes no result by more than 1e-5.
        cache_dir: Folder for weights and exported models; None is VSWIN_CACHE, or the platform's.
        mirror: Folder to download from; None is VSWIN_MIRROR, or the release page.
        offline: Never download.
    """

    model: str = DEFAULT_MODEL.name
    weights: Path | None = None
    backend: BackendName = "auto"
    precision: PrecisionName = "float32"
    threads: int | None = None
    batch_size: BatchSize = "auto"
    cache_dir: Path | None = None
    mirror: str | None = None
    offline: bool = False

    def __post_init__(self) -> None:
        _demand_positive("threads", self.threads)
        _demand_positive("batch_size", None if self.batch_size == "auto" else self.batch_size)


def engine_options(
    model: str | Path,
    *,
    weights: str | Path | None = None,
    cache_dir: str | Path | None = None,
    mirror: str | None = None,
    offline: bool | None = None,
    backend: BackendName = "auto",
    precision: PrecisionName = "float32",
    threads: int | None = None,
    batch_size: BatchSize = "auto",
) -> EngineOptions:
    """Make options from API arguments: paths may be text; `offline` defaults to VSWIN_OFFLINE."""
    if offline is None:
        offline = os.environ.get("VSWIN_OFFLINE", "").lower() in _YES
    return EngineOptions(
        model=os.fspath(model),
        weights=None if weights is None else Path(weights),
        backend=backend,
        precision=precision,
        threads=threads,
        batch_size=batch_size,
        cache_dir=None if cache_dir is None else Path(cache_dir),
        mirror=mirror,
        offline=offline,
    )


@dataclass(frozen=True)
class ViewOptions:
    """How a video becomes views; None is the value of the model's protocol.

    Attributes:
        views: `fast` is one clip and one crop. `full` is all views of the protocol. `adaptive`
            computes views until the best label is settled.
        protocol: `official`, `uniform`, `mmaction2` or `torchvision`; to compare several, separate
            them by commas (not `torchvision`).
        clips: Clips per video.
        crops: Crops per clip, 1 or 3.
        reader: Video reader; `auto` is the first that reads the file exactly.
    """

    views: ViewChoice | None = None
    protocol: str | None = None
    clips: int | None = None
    crops: Literal[1, 3] | None = None
    reader: ReaderName = "auto"

    def __post_init__(self) -> None:
        _demand_positive("clips", self.clips)

    @property
    def is_adaptive(self) -> bool:
        """Whether to leave out views that cannot change the most probable label."""
        return self.views == "adaptive"

    def protocol_for(self, usual: ViewProtocol) -> ViewProtocol:
        """Apply these options to a model's protocol.

        Raises:
            UsageError: The options contradict each other, or name several protocols.
        """
        protocols = self.protocols_for(usual)
        if len(protocols) > 1:
            raise UsageError(
                f"--protocol {self.protocol}: choose one; `vswin evaluate` compares several"
            )
        return protocols[0]

    def protocols_for(self, usual: ViewProtocol) -> tuple[ViewProtocol, ...]:
        """Apply these options to a model's protocol, once for each named protocol.

        Raises:
            UsageError: The options contradict each other, or a protocol does not exist.
        """
        samplings: list[Sampling | None] = [None]
        if self.protocol is not None:
            samplings = list(map(self._sampling, self.protocol.split(",")))
            if len(set(samplings)) < len(samplings):
                raise UsageError(f"--protocol {self.protocol} has a protocol twice; give it once")
        protocols = tuple(self._adapted(usual, sampling) for sampling in samplings)
        if len({(each.short_side, each.num_crops) for each in protocols}) > 1:
            raise UsageError(
                f"--protocol {self.protocol}: {Sampling.TORCHVISION} has frames of its own size, "
                "so it is compared with no other; evaluate it in another run"
            )
        return protocols

    def _sampling(self, name: str) -> Sampling:
        try:
            return Sampling(name.strip())
        except ValueError:
            raise UsageError(
                f"--protocol {self.protocol}: {name.strip()!r} is not one of {', '.join(Sampling)}"
            ) from None

    def _adapted(self, usual: ViewProtocol, sampling: Sampling | None) -> ViewProtocol:
        if self.views == "fast":
            self._demand("one clip and one crop", 1, 1)
            return usual.adapted(sampling, 1, 1)
        if self.views == "full":
            full = usual.adapted(sampling)
            what = f"{counted(full.num_clips, 'clip')} and {counted(full.num_crops, 'crop')}"
            self._demand(what, full.num_clips, full.num_crops)
        return usual.adapted(sampling, self.clips, self.crops)

    def _demand(self, meaning: str, clips: int, crops: int) -> None:
        for option, due, given in (("--clips", clips, self.clips), ("--crops", crops, self.crops)):
            if given not in (None, due):
                raise UsageError(
                    f"--views {self.views} means {meaning}, not {option} {given}; remove "
                    "one of the two"
                )


def _demand_positive(name: str, value: float | None) -> None:
    if value is not None and not value > 0:
        raise UsageError(f"{name} {value} is not greater than 0")
