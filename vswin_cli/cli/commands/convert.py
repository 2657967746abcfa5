"""`vswin convert`: convert a checkpoint from another program to a model for `--model`."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vswin_cli.api.options import ViewOptions
from vswin_cli.cli.messages import print_path
from vswin_cli.cli.options import (
    MODEL,
    OUTPUT,
    VIEWS,
    CacheDirOption,
    ClipsOption,
    CropsOption,
    ProtocolOption,
    QuietOption,
    option,
)
from vswin_cli.errors import UsageError
from vswin_cli.system.terminal import printable
from vswin_cli.zoo.architectures import Size
from vswin_cli.zoo.labels import LABEL_SETS
from vswin_cli.zoo.models import CustomModel

if TYPE_CHECKING:  # it imports HDF5
    from vswin_cli.conversion.matching import FoundModel


def convert(
    checkpoint: Annotated[
        Path,
        typer.Argument(
            metavar="CHECKPOINT",
            help="File of PyTorch (.pth), safetensors or Keras (.weights.h5, .keras); or the "
            "list of its shards (.index.json).",
        ),
    ],
    output: Annotated[
        Path | None,
        option(
            OUTPUT,
            "--output",
            "-o",
            metavar="FILE",
            help="Weights file to write, which ends in .weights.h5; the model file goes next to "
            "it. Default: in the cache folder's models/, where --model finds it by name.",
        ),
    ] = None,
    labels: Annotated[
        str | None,
        option(
            MODEL,
            "--labels",
            metavar="FILE",
            help=f"File with a class name per line, in order; or one of {', '.join(LABEL_SETS)}. "
            "Default: the set with the same number of classes, or numbers.",
        ),
    ] = None,
    name: Annotated[
        str | None,
        option(
            MODEL,
            "--name",
            metavar="NAME",
            help="Name of the model. Default: the name of the file.",
        ),
    ] = None,
    window: Annotated[
        str | None,
        option(
            MODEL,
            "--window",
            metavar="T,H,W",
            help="Attention window in tokens, if the checkpoint does not store it.",
        ),
    ] = None,
    part: Annotated[
        str | None,
        option(
            MODEL,
            "--part",
            metavar="NAME",
            help="Model to convert, if the checkpoint contains several.",
        ),
    ] = None,
    multi_label: Annotated[
        bool,
        option(
            MODEL,
            "--multi-label",
            help="Several classes per video, with independent probabilities. Checkpoints do not "
            "store this.",
        ),
    ] = False,
    protocol: ProtocolOption = None,
    clips: ClipsOption = None,
    crops: CropsOption = None,
    clip_len: Annotated[
        int | None,
        option(
            VIEWS, "--clip-len", min=1, max=1024, metavar="N", help="Frames per clip. Default: 32."
        ),
    ] = None,
    crop_size: Annotated[
        int | None,
        option(
            VIEWS,
            "--crop-size",
            min=1,
            max=4096,
            metavar="N",
            help="Height and width of a view in pixels. Default: 224.",
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace existing files.")] = False,
    cache_dir: CacheDirOption = None,
    quiet: QuietOption = False,
) -> None:
    """Convert a Video Swin checkpoint from another program and print the path of its model file.

    The keys of the original project, MMAction2 1.x, torchvision and Keras are recognised. The
    checkpoint is read as data: nothing in it is ever executed. Its contents and any unused parts
    are listed on stderr.

    Examples:
        vswin convert swin3d_t.pth
        vswin convert epoch_30.pth --output mine.weights.h5 --labels classes.txt
    """
    views = ViewOptions(protocol=protocol, clips=clips, crops=crops)
    size = None if window is None else _window(window)

    from vswin_cli.api.converting import ConvertOptions, convert_to

    def tell(found: "FoundModel", model: CustomModel) -> None:
        if not quiet:
            _tell_found(found)
            _tell_chosen(model, is_asked=labels is not None)

    options = ConvertOptions(labels, name, size, part, views, clip_len, crop_size, multi_label)
    model = convert_to(
        checkpoint, output, options, overwrite=force, cache_dir=cache_dir, on_found=tell
    )
    if not quiet:
        num_bytes = model.weights_path.stat().st_size
        _tell(f"weights: {model.weights_path}, {num_bytes / 1e6:.1f} MB")
    print_path(model.path)


def _window(text: str) -> Size:
    try:
        t, h, w = (int(side) for side in text.split(","))
    except ValueError:
        t = h = w = 0
    if min(t, h, w) < 1:
        raise UsageError(f"--window {text} is not three sizes in tokens, such as 8,7,7")
    return t, h, w


def _tell_found(found: "FoundModel") -> None:
    architecture, match = found.match.architecture, found.match
    classes = "no head" if match.num_classes is None else f"{match.num_classes} classes"
    where = f" in {found.part.name}" if found.part.name else ""
    _tell(f"keys: {match.style}{where}")
    _tell(
        f"architecture: {architecture.name}, {architecture.embed_dim} channels, depths "
        f"{_listed(architecture.depths)}, heads {_listed(architecture.num_heads)}, patch "
        f"{_listed(architecture.patch)}, window {_listed(architecture.window)}, {classes}"
    )
    if match.is_window_guessed:
        _tell("window: guessed from the size of the bias tables; --window sets another")
    _tell(f"tensors: {len(match.variables)} used, {len(match.checked)} checked but not needed")
    for key in (*match.unused, *found.others):
        _tell(f"unused: {key}")


def _tell_chosen(model: CustomModel, *, is_asked: bool) -> None:
    if model.has_head:
        label_set = model.label_set
        if is_asked:
            names = "as given"
        elif label_set.names is None:
            names = f"{label_set.name}, which has the same number of classes"
        else:
            names = f"{label_set.names[0]} and so on"
        _tell(f"labels: {names}{'' if is_asked else '; --labels FILE replaces them'}")
    protocol = model.protocol
    _tell(
        f"protocol: {protocol.sampling} {protocol.num_clips}×{protocol.num_crops}, views of "
        f"{protocol.clip_len} frames of {protocol.crop_size}×{protocol.crop_size}"
    )


def _listed(numbers: tuple[int, ...]) -> str:
    return ",".join(map(str, numbers))


def _tell(text: str) -> None:
    print(printable(text), file=sys.stderr)
