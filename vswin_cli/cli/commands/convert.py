"""`vswin convert`: a checkpoint of another program becomes a model for `--model`."""

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vswin_cli.api.options import ViewOptions
from vswin_cli.cli.options import (
    CacheDirOption,
    ClipsOption,
    CropsOption,
    ProtocolOption,
    QuietOption,
)
from vswin_cli.errors import OutputError, UsageError
from vswin_cli.system.terminal import printable
from vswin_cli.zoo.architectures import Size
from vswin_cli.zoo.labels import (
    KINETICS400,
    KINETICS600,
    KINETICS700,
    KINETICS710,
    LABEL_SETS,
    MOTION,
    SOMETHING_SOMETHING_V2,
    LabelSet,
    custom_label_set,
)
from vswin_cli.zoo.models import CustomModel, model_names
from vswin_cli.zoo.protocols import KINETICS, SMALL_KINETICS, SOMETHING_SOMETHING, ViewProtocol

if TYPE_CHECKING:  # it imports HDF5
    from vswin_cli.conversion.matching import FoundModel

_ENDING = ".weights.h5"
# Label sets that a number of classes tells; nine classes may be anything.
_BY_NUM_CLASSES = {
    label_set.num_classes: label_set
    for label_set in (KINETICS400, KINETICS600, KINETICS700, KINETICS710, SOMETHING_SOMETHING_V2)
}
_PROTOCOLS = {SOMETHING_SOMETHING_V2: SOMETHING_SOMETHING, MOTION: SMALL_KINETICS}


def convert(
    checkpoint: Annotated[
        Path,
        typer.Argument(
            metavar="CHECKPOINT",
            help="A file of PyTorch (.pth), safetensors or Keras (.weights.h5, .keras); or the "
            "list of its shards (.index.json).",
        ),
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help=f"Weights file to write, which ends in {_ENDING}; the model file goes next to it. "
            "Default: in the cache folder's models/, where --model finds it by name.",
        ),
    ] = None,
    labels: Annotated[
        str | None,
        typer.Option(
            "--labels",
            metavar="FILE",
            help=f"File with a class name per line, in order; or one of {', '.join(LABEL_SETS)}. "
            "Default: the one with as many classes, else numbers.",
        ),
    ] = None,
    name: Annotated[
        str | None,
        typer.Option(
            "--name", metavar="NAME", help="Name of the model. Default: the name of the file."
        ),
    ] = None,
    window: Annotated[
        str | None,
        typer.Option(
            "--window",
            metavar="T,H,W",
            help="Attention window in tokens, if the checkpoint does not say.",
        ),
    ] = None,
    part: Annotated[
        str | None,
        typer.Option(
            "--part",
            metavar="NAME",
            help="Which model to convert, if the checkpoint holds several.",
        ),
    ] = None,
    protocol: ProtocolOption = None,
    clips: ClipsOption = None,
    crops: CropsOption = None,
    clip_len: Annotated[
        int | None,
        typer.Option(
            "--clip-len", min=1, max=1024, metavar="N", help="Frames per clip. Default: 32."
        ),
    ] = None,
    crop_size: Annotated[
        int | None,
        typer.Option(
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
    """Convert a Video Swin checkpoint of another program, and print the path of its model file.

    Keys of the original project, MMAction2 1.x, torchvision and Keras are known. The checkpoint is
    read as data: nothing in it is ever executed. What it holds, and what is not used, goes to
    stderr.

    Examples:
        vswin convert swin3d_t.pth
        vswin convert epoch_30.pth --output mine.weights.h5 --labels classes.txt
    """
    from vswin_cli.system.cache_folder import cache_folder, is_passing
    from vswin_cli.zoo.catalog import MODELS
    from vswin_cli.zoo.model_file import valid_name

    if output == Path("-"):
        raise UsageError("--output -: a model is two files; name one that ends in .weights.h5")
    if output is None and is_passing(cache_folder(cache_dir)):
        raise UsageError("there is no home folder to keep the model in; give --output")
    views = ViewOptions(protocol=protocol, clips=clips, crops=crops)
    weights_path, model_path = _places(checkpoint, output, name, cache_dir)
    chosen_window = _parse_window(window) if window is not None else None
    if name is None:
        name = valid_name(model_path.stem)
    if name in model_names(MODELS):
        raise UsageError(f"vswin has a model {name}; call yours something else with --name")

    from vswin_cli.conversion.matching import find_model_in
    from vswin_cli.conversion.writing import refuse_existing, write_model
    from vswin_cli.system.files import share

    with find_model_in(checkpoint, part, chosen_window) as found:
        label_set = _label_set(labels, found.match.num_classes)
        own = views.protocol_for(_PROTOCOLS.get(label_set, KINETICS))
        own = replace(own, clip_len=clip_len or own.clip_len, crop_size=crop_size or own.crop_size)
        model = CustomModel(
            name=name,
            architecture=found.match.architecture,
            label_set=label_set,
            protocol=own,
            path=model_path,
            weights_path=weights_path,
            sha256="0" * 64,
            has_top=found.match.num_classes is not None,
        )
        refuse_existing(model, overwrite=force)
        if not quiet:
            _say_found(found)
            _say_chosen(model, own, is_asked=labels is not None)
        try:
            weights_path.parent.mkdir(parents=output is None, exist_ok=True)
        except OSError as exc:
            raise OutputError(f"cannot make {weights_path.parent}: {exc.strerror}") from exc
        model = write_model(model, found.match, checkpoint=checkpoint, overwrite=force)
        if output is None:  # into the cache, which users may share
            for path in (weights_path.parent, weights_path, model_path):
                share(path)
    if not quiet:
        _say(f"weights: {weights_path}, {weights_path.stat().st_size / 1e6:.1f} MB")
    print(model.path)


def _places(
    checkpoint: Path, output: Path | None, name: str | None, cache_dir: Path | None
) -> tuple[Path, Path]:
    """Name the weights and the model file.

    Raises:
        UsageError: They have no good names, or would replace the checkpoint.
    """
    from vswin_cli.zoo.catalog import SUFFIX, models_folder
    from vswin_cli.zoo.model_file import valid_name

    if output is None:
        own_name = checkpoint.name
        is_keras = own_name.endswith(_ENDING)
        own_stem = Path(own_name.removesuffix(".index.json")).stem  # of a list of shards, the model
        stem = valid_name(name or (own_name.removesuffix(_ENDING) if is_keras else own_stem))
        weights_path = models_folder(cache_dir) / f"{stem}{_ENDING}"
    else:
        weights_path, stem = output, output.name.removesuffix(_ENDING)
        if stem in ("", output.name):
            raise UsageError(f"--output {output} must end in {_ENDING}, with a name before it")
        if not output.parent.is_dir():
            raise UsageError(f"--output {output}: no folder {output.parent}; make it first")
        if not output.name.isprintable():
            raise UsageError(f"--output {output}: choose a name that can be printed")
    try:
        is_checkpoint = weights_path.samefile(checkpoint)
    except OSError:  # one of them is not there
        is_checkpoint = False
    if is_checkpoint:
        raise UsageError(f"--output {weights_path} is the checkpoint itself; choose another file")
    return weights_path, weights_path.with_name(f"{stem}{SUFFIX}")


def _parse_window(text: str) -> Size:
    try:
        t, h, w = (int(side) for side in text.split(","))
    except ValueError:
        t = h = w = 0
    if min(t, h, w) < 1:
        raise UsageError(f"--window {text} is not three sizes in tokens, such as 8,7,7")
    return t, h, w


def _label_set(labels: str | None, num_classes: int | None) -> LabelSet:
    """Choose the classes' names.

    Raises:
        UsageError: The names asked for are not those of a model of so many classes.
    """
    from vswin_cli.zoo.labels import read_label_file
    from vswin_cli.zoo.model_file import numbered_names

    if num_classes is None:
        if labels is not None:
            raise UsageError("--labels names classes, but the checkpoint has no head")
        return custom_label_set(())
    if labels is None:
        known = _BY_NUM_CLASSES.get(num_classes)
        return known or custom_label_set(numbered_names(num_classes))
    label_set = LABEL_SETS.get(labels) or custom_label_set(read_label_file(Path(labels)))
    if label_set.num_classes != num_classes:
        raise UsageError(
            f"--labels {labels} has {label_set.num_classes} names, but the checkpoint "
            f"{num_classes} classes"
        )
    return label_set


def _say_found(found: "FoundModel") -> None:
    architecture, match = found.match.architecture, found.match
    classes = "no head" if match.num_classes is None else f"{match.num_classes} classes"
    where = f" in {found.part.name}" if found.part.name else ""
    _say(f"keys: {match.style}{where}")
    _say(
        f"architecture: {architecture.name}, {architecture.embed_dim} channels, depths "
        f"{_list(architecture.depths)}, heads {_list(architecture.num_heads)}, patch "
        f"{_list(architecture.patch)}, window {_list(architecture.window)}, {classes}"
    )
    if match.is_window_guessed:
        _say("window: by the size of the bias tables; if it is another one, give --window")
    _say(f"tensors: {len(match.variables)} used, {len(match.checked)} compared and not needed")
    for key in (*match.unused, *found.others):
        _say(f"unused: {key}")


def _say_chosen(model: CustomModel, protocol: ViewProtocol, *, is_asked: bool) -> None:
    if model.has_top:
        label_set = model.label_set
        if is_asked:
            names = "as given"
        elif label_set.names is None:
            names = f"those of {label_set.name}, as it has {label_set.num_classes}"
        else:
            names = f"{label_set.names[0]} and so on"
        _say(f"labels: {names}{'' if is_asked else '; --labels FILE gives others'}")
    _say(
        f"protocol: {protocol.sampling} {protocol.num_clips}×{protocol.num_crops}, views of "
        f"{protocol.clip_len} frames of {protocol.crop_size}×{protocol.crop_size}"
    )


def _list(numbers: tuple[int, ...]) -> str:
    return ",".join(map(str, numbers))


def _say(text: str) -> None:
    print(printable(text), file=sys.stderr)
