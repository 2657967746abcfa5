"""Models of other projects' checkpoints, which are converted when they are first used.

Both projects put the first eight digits of a file's SHA-256 into its name. Accuracies are from
MMAction2's model zoo and torchvision's metadata, each with the protocol that the model has here.
"""

from dataclasses import replace
from math import prod

from vswin_cli.zoo.architectures import BASE, LARGE, SMALL, TINY, Architecture, num_parameters
from vswin_cli.zoo.labels import KINETICS400, KINETICS700, KINETICS710, LabelSet
from vswin_cli.zoo.models import CommunityModel, PublishedFile, Source
from vswin_cli.zoo.protocols import KINETICS, TORCHVISION, Sampling, ViewProtocol

MMACTION2 = Source(
    "MMAction2",
    "https://github.com/open-mmlab/mmaction2/tree/main/configs/recognition/swin",
    "Apache-2.0; terms of the data may apply to weights",
)
VISION = Source(
    "torchvision",
    "https://docs.pytorch.org/vision/stable/models/video_swin_transformer.html",
    "BSD-3-Clause; terms of the data may apply to weights",
)
_VISION_FOLDER = "https://download.pytorch.org/models"
_MMACTION2_FOLDER = "https://download.openmmlab.com/mmaction/v1.0/recognition/swin"
_MMACTION2_4X3 = replace(KINETICS, sampling=Sampling.MMACTION2)


def _model(
    name: str,
    source: Source,
    architecture: Architecture,
    labels: LabelSet,
    protocol: ViewProtocol,
    top1: float,
    top5: float,
    sha256_start: str,
    address: str,
) -> CommunityModel:
    file = PublishedFile(
        address.rpartition("/")[2],
        _about_bytes(architecture, labels.num_classes),
        address,
        sha256_start,
        is_exact=False,
    )
    return CommunityModel(name, architecture, labels, protocol, source, file, top1, top5)


def _about_bytes(architecture: Architecture, num_classes: int) -> int:
    """Compute a file's size: float32 numbers, and an int64 index of token pairs per block."""
    indices = sum(architecture.depths) * prod(architecture.window) ** 2
    return 4 * num_parameters(architecture, num_classes) + 8 * indices


def _mmaction2(
    name: str,
    architecture: Architecture,
    labels: LabelSet,
    top1: float,
    top5: float,
    configuration: str,
    date: str,
    sha256_start: str,
) -> CommunityModel:
    folder = f"swin-{architecture.name}-p244-w877_{configuration}_{labels.name}-rgb"
    address = f"{_MMACTION2_FOLDER}/{folder}/{folder}_{date}-{sha256_start}.pth"
    return _model(
        name, MMACTION2, architecture, labels, _MMACTION2_4X3, top1, top5, sha256_start, address
    )


def _torchvision(
    name: str, architecture: Architecture, top1: float, top5: float, file: str
) -> CommunityModel:
    sha256_start = file.removesuffix(".pth").rpartition("-")[2]
    address = f"{_VISION_FOLDER}/{file}"
    return _model(
        name, VISION, architecture, KINETICS400, TORCHVISION, top1, top5, sha256_start, address
    )


_IN1K = "in1k-pre_8xb8-amp-32x2x1-30e"
_IN22K = "in22k-pre_8xb8-amp-32x2x1-30e"

COMMUNITY_MODELS: tuple[CommunityModel, ...] = (
    _mmaction2(
        "swin-t-k400-mmaction2", TINY, KINETICS400, 78.90, 93.77, _IN1K, "20220930", "241016b2"
    ),
    _mmaction2(
        "swin-s-k400-mmaction2", SMALL, KINETICS400, 80.54, 94.46, _IN1K, "20220930", "e91ab986"
    ),
    _mmaction2(
        "swin-b-k400-mmaction2", BASE, KINETICS400, 80.57, 94.49, _IN1K, "20220930", "182ec6cc"
    ),
    _mmaction2("swin-l-k400", LARGE, KINETICS400, 83.46, 95.91, _IN22K, "20220930", "78ad8b11"),
    _mmaction2(
        "swin-l-k700", LARGE, KINETICS700, 75.92, 92.72,
        "in22k-pre_16xb8-amp-32x2x1-30e", "20220930", "f8d74db7",
    ),
    _mmaction2(
        "swin-s-k710", SMALL, KINETICS710, 76.90, 92.96,
        "in1k-pre_32xb4-amp-32x2x1-30e", "20230612", "8e082ff1",
    ),
    _torchvision("swin-t-k400-torchvision", TINY, 77.715, 93.519, "swin3d_t-7615ae03.pth"),
    _torchvision("swin-s-k400-torchvision", SMALL, 79.521, 94.158, "swin3d_s-da41c237.pth"),
    _torchvision("swin-b-k400-torchvision", BASE, 79.427, 94.386, "swin3d_b_1k-24f7c7c6.pth"),
    _torchvision(
        "swin-b-k400-in22k-torchvision", BASE, 81.643, 95.574, "swin3d_b_22k-7c6ae6fa.pth"
    ),
)  # fmt: skip
