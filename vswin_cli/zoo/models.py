"""Models: the bundled one, the published ones, and the definition of custom ones.

Accuracies are from the model zoo at https://github.com/SwinTransformer/Video-Swin-Transformer; the
files are the Keras conversions at https://github.com/innat/VideoSwin, release v2.0. Checkpoints of
other programs are in `community.py`.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from vswin_cli.zoo.architectures import (
    BASE,
    NANO,
    SMALL,
    TINY,
    Architecture,
    num_macs,
    num_parameters,
)
from vswin_cli.zoo.labels import (
    KINETICS400,
    KINETICS600,
    MOTION,
    SOMETHING_SOMETHING_V2,
    LabelSet,
)
from vswin_cli.zoo.protocols import KINETICS, SMALL_KINETICS, SOMETHING_SOMETHING, ViewProtocol

RELEASE_URL = "https://github.com/innat/VideoSwin/releases/download/v2.0/"


@dataclass(frozen=True)
class PublishedFile:
    """A checkpoint file as it is served.

    Attributes:
        name: Name of the file.
        num_bytes: Size of the file.
        address: Address of the file; None is the release page.
        sha256_start: First digits of its SHA-256, if the publisher states them.
        is_exact: Whether the size is known, not computed from the tensors in it.
    """

    name: str
    num_bytes: int
    address: str | None = None
    sha256_start: str = ""
    is_exact: bool = True

    @property
    def url(self) -> str:
        """Address of the file."""
        return self.address or RELEASE_URL + self.name

    @property
    def is_torch(self) -> bool:
        """Whether it is a file of `torch.save`, which must be converted."""
        return self.name.endswith(".pth")


@dataclass(frozen=True)
class Model:
    """An architecture with a label set and a protocol; subclasses define the checkpoint."""

    name: str
    architecture: Architecture
    label_set: LabelSet
    protocol: ViewProtocol

    @property
    def num_classes(self) -> int:
        """Length of the label set."""
        return self.label_set.num_classes

    @property
    def is_multi_label(self) -> bool:
        """Whether a video may have several classes: each probability is then independent."""
        return False

    @property
    def num_parameters(self) -> int:
        """Number of trainable parameters of the classifier."""
        return num_parameters(self.architecture, self.num_classes)

    @property
    def gmacs(self) -> float:
        """Billions of multiply-accumulates for one view."""
        return num_macs(self.architecture, self.num_classes, self.protocol.view_size) / 1e9


@dataclass(frozen=True)
class PublishedModel(Model):
    """A model whose checkpoint is downloaded."""

    classifier_file: PublishedFile
    backbone_file: PublishedFile  # the same without the head
    top1: float  # published accuracy, percent
    top5: float


@dataclass(frozen=True)
class Source:
    """Who publishes checkpoints.

    Attributes:
        name: Name of the project.
        page: Address of its list of checkpoints.
        licence: Known terms, in a line.
    """

    name: str
    page: str
    licence: str


@dataclass(frozen=True)
class CommunityModel(Model):
    """A model with a checkpoint of another program: downloaded, and converted once."""

    source: Source
    classifier_file: PublishedFile
    top1: float  # published accuracy, percent, by the model's protocol
    top5: float


@dataclass(frozen=True)
class BundledModel(Model):
    """A model whose checkpoint is a file of this package."""

    about: str  # one line: what it is and is not good for

    @property
    def weights_path(self) -> Path:
        """The checkpoint, with the head."""
        return Path(__file__).parent / "weights" / f"{self.name}.weights.h5"


@dataclass(frozen=True)
class CustomModel(Model):
    """A custom model, as its model file describes it."""

    path: Path  # of the model file
    weights_path: Path  # in the layout of the published files
    sha256: str  # of the weights
    has_head: bool  # whether the weights have a head; without, there are no classes
    multi_label: bool = False

    @property
    def is_multi_label(self) -> bool:
        """As stated in the model file."""
        return self.multi_label


def _files(
    stem: str, classifier_bytes: int, backbone_bytes: int
) -> tuple[PublishedFile, PublishedFile]:
    return (
        PublishedFile(f"{stem}_classifier.weights.h5", classifier_bytes),
        PublishedFile(f"{stem}.weights.h5", backbone_bytes),
    )


_SSV2_BASE = replace(BASE, window=(16, 7, 7))

SWIN_N_MOTION = BundledModel(
    "swin-n-motion", NANO, MOTION, SMALL_KINETICS,
    about="names the camera's motion, trained on synthetic clips only; no actions, no objects",
)  # fmt: skip

PUBLISHED_MODELS: tuple[PublishedModel, ...] = (
    PublishedModel(
        "swin-t-k400", TINY, KINETICS400, KINETICS,
        *_files("videoswin_tiny_kinetics400", 113_094_608, 111_855_496),
        top1=78.8, top5=93.6,
    ),
    PublishedModel(
        "swin-s-k400", SMALL, KINETICS400, KINETICS,
        *_files("videoswin_small_kinetics400", 200_141_912, 198_902_800),
        top1=80.6, top5=94.5,
    ),
    PublishedModel(
        "swin-b-k400", BASE, KINETICS400, KINETICS,
        *_files("videoswin_base_kinetics400", 353_030_608, 351_381_896),
        top1=80.6, top5=94.6,
    ),
    PublishedModel(
        "swin-b-k400-in22k", BASE, KINETICS400, KINETICS,
        *_files("videoswin_base_kinetics400_imagenet22k", 353_030_608, 351_381_896),
        top1=82.7, top5=95.5,
    ),
    PublishedModel(
        "swin-b-k600", BASE, KINETICS600, KINETICS,
        *_files("videoswin_base_kinetics600_imagenet22k", 353_850_608, 351_381_896),
        top1=84.0, top5=96.5,
    ),
    PublishedModel(
        "swin-b-ssv2", _SSV2_BASE, SOMETHING_SOMETHING_V2, SOMETHING_SOMETHING,
        *_files("videoswin_base_something_something_v2", 356_168_352, 355_448_712),
        top1=69.6, top5=92.7,
    ),
)  # fmt: skip


DownloadedModel = PublishedModel | CommunityModel
AnyModel = BundledModel | DownloadedModel | CustomModel
KERAS_MODELS: tuple[BundledModel | PublishedModel, ...] = (SWIN_N_MOTION, *PUBLISHED_MODELS)
DEFAULT_MODEL = SWIN_N_MOTION


def model_names(models: Iterable[Model]) -> list[str]:
    """Names in the order of the table."""
    return [model.name for model in models]
