"""`convert_checkpoint`: a checkpoint from another program becomes a model for `load_model`."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from vswin_cli.api.options import ViewOptions
from vswin_cli.conversion.matching import FoundModel, find_model_in
from vswin_cli.conversion.writing import refuse_existing, write_model
from vswin_cli.errors import OutputError, UsageError
from vswin_cli.system.cache_folder import cache_folder, is_passing
from vswin_cli.system.files import share
from vswin_cli.zoo.architectures import Size
from vswin_cli.zoo.catalog import MODELS, SUFFIX, models_folder
from vswin_cli.zoo.labels import (
    LABEL_SETS,
    MOTION,
    LabelSet,
    custom_label_set,
    read_label_file,
)
from vswin_cli.zoo.model_file import numbered_names, valid_name
from vswin_cli.zoo.models import KERAS_MODELS, CustomModel, model_names
from vswin_cli.zoo.protocols import KINETICS, ViewProtocol

_ENDING = ".weights.h5"
# Label sets that follow from a number of classes; nine classes may be anything.
_BY_NUM_CLASSES = {
    label_set.num_classes: label_set for label_set in LABEL_SETS.values() if label_set != MOTION
}
_PROTOCOLS = {model.label_set: model.protocol for model in reversed(KERAS_MODELS)}  # the first

OnFound = Callable[[FoundModel, CustomModel], None]  # before anything is written


@dataclass(frozen=True)
class ConvertOptions:
    """Properties of a converted model; None takes them from the checkpoint, or the usual ones.

    Attributes:
        labels: Class names, a file of them, or the name of a label set.
        name: Name of the model.
        window: Attention window in tokens.
        part: Which model to convert, if the checkpoint contains several.
        views: Protocol, clips and crops.
        clip_len: Frames per clip.
        crop_size: Height and width of a view in pixels.
        multi_label: Whether a video may have several classes, with independent probabilities.
    """

    labels: str | Path | Sequence[str] | None = None
    name: str | None = None
    window: Size | None = None
    part: str | None = None
    views: ViewOptions = field(default_factory=ViewOptions)
    clip_len: int | None = None
    crop_size: int | None = None
    multi_label: bool = False

    def protocol_of(self, label_set: LabelSet) -> ViewProtocol:
        """Apply the chosen options to the usual protocol of this label set."""
        usual = self.views.protocol_for(_PROTOCOLS.get(label_set, KINETICS))
        return replace(
            usual,
            clip_len=self.clip_len or usual.clip_len,
            crop_size=self.crop_size or usual.crop_size,
        )

    def label_set_of(self, num_classes: int | None) -> LabelSet:
        """Choose the class names; `num_classes` is None for a model without a head.

        Raises:
            UsageError: The chosen names do not fit the number of classes.
        """
        if num_classes is None:
            if self.labels is not None:
                raise UsageError("--labels names classes, but the checkpoint has no head")
            if self.multi_label:
                raise UsageError("--multi-label is about classes, but the checkpoint has no head")
            return custom_label_set(())
        if self.labels is None:
            known = _BY_NUM_CLASSES.get(num_classes)
            return known or custom_label_set(numbered_names(num_classes))
        label_set = _label_set(self.labels)
        if label_set.num_classes != num_classes:
            named = f" {self.labels}" if isinstance(self.labels, str | Path) else ""
            raise UsageError(
                f"--labels{named} has {label_set.num_classes} names, but the checkpoint "
                f"has {num_classes} classes"
            )
        return label_set


def convert_checkpoint(
    checkpoint: str | Path,
    output: str | Path | None = None,
    *,
    labels: str | Path | Sequence[str] | None = None,
    name: str | None = None,
    window: tuple[int, int, int] | None = None,
    part: str | None = None,
    multi_label: bool = False,
    overwrite: bool = False,
    cache_dir: str | Path | None = None,
) -> Path:
    """Convert a Video Swin checkpoint from another program; nothing in it is ever executed.

    The keys of the original project, MMAction2 1.x, torchvision and Keras are recognised.

    Args:
        checkpoint: File of PyTorch, safetensors or Keras; or the list of its shards.
        output: Weights file to write, which ends in `.weights.h5`; the model file goes next to it.
            Default: in the cache folder's `models/`, where `load_model` finds it by name.
        labels: Class names, a file with a name per line, or the name of a label set. Default: the
            label set with the same number of classes, or numbers if there is none.
        name: Name of the model. Default: the name of the file.
        window: Attention window in tokens (T, H, W), if the checkpoint does not contain it.
        part: Which model to convert, if the checkpoint contains several.
        multi_label: Whether a video may have several classes: the probability of each is then
            independent of the others. Checkpoints do not store this.
        overwrite: Replace existing files.
        cache_dir: As for `load_model`.

    Returns:
        The path of the model file, to give to `load_model`.

    Raises:
        UsageError: The options contradict the checkpoint or each other.
        VswinError: The checkpoint is damaged, or is not a Video Swin.
        OutputError: A file exists already, or cannot be written.
    """
    model = convert_to(
        Path(checkpoint),
        None if output is None else Path(output),
        ConvertOptions(labels, name, window, part, multi_label=multi_label),
        overwrite=overwrite,
        cache_dir=None if cache_dir is None else Path(cache_dir),
    )
    return model.path


def convert_to(
    checkpoint: Path,
    output: Path | None,
    options: ConvertOptions,
    *,
    overwrite: bool = False,
    cache_dir: Path | None = None,
    on_found: OnFound = lambda found, model: None,
) -> CustomModel:
    """Convert a checkpoint by these options; see `convert_checkpoint`."""
    if output is None and is_passing(cache_folder(cache_dir)):
        raise UsageError("there is no home folder to keep the model in; give --output")
    weights_path, model_path = _places(checkpoint, output, options.name, cache_dir)
    name = options.name or valid_name(model_path.stem)
    if name in model_names(MODELS):
        raise UsageError(f"vswin already has a model named {name}; choose another --name")
    with find_model_in(checkpoint, options.part, options.window) as found:
        label_set = options.label_set_of(found.match.num_classes)
        model = CustomModel(
            name=name,
            architecture=found.match.architecture,
            label_set=label_set,
            protocol=options.protocol_of(label_set),
            path=model_path,
            weights_path=weights_path,
            sha256="0" * 64,
            has_head=found.match.num_classes is not None,
            multi_label=options.multi_label,
        )
        refuse_existing(model, overwrite=overwrite)
        on_found(found, model)
        try:
            weights_path.parent.mkdir(parents=output is None, exist_ok=True)
        except OSError as exc:
            raise OutputError(f"cannot make {weights_path.parent}: {exc.strerror}") from exc
        model = write_model(model, found.match, checkpoint=checkpoint, overwrite=overwrite)
    if output is None:  # into the cache, which users may share
        for path in (weights_path.parent, weights_path, model_path):
            share(path)
    return model


def _places(
    checkpoint: Path, output: Path | None, name: str | None, cache_dir: Path | None
) -> tuple[Path, Path]:
    """Choose the paths of the weights and the model file.

    Raises:
        UsageError: The names cannot be used, or a file would replace the checkpoint.
    """
    if output is None:
        own_name = checkpoint.name
        is_keras = own_name.endswith(_ENDING)
        own_stem = Path(own_name.removesuffix(".index.json")).stem  # a list of shards ends in this
        stem = valid_name(name or (own_name.removesuffix(_ENDING) if is_keras else own_stem))
        weights_path = models_folder(cache_dir) / f"{stem}{_ENDING}"
    else:
        weights_path, stem = output, output.name.removesuffix(_ENDING)
        if output == Path("-"):
            raise UsageError(f"--output -: a model is two files; give a name ending in {_ENDING}")
        if stem in ("", output.name):
            raise UsageError(f"--output {output} must end in {_ENDING}, with a name before it")
        if not output.parent.is_dir():
            raise UsageError(f"--output {output}: no folder {output.parent}; make it first")
        if not output.name.isprintable():
            raise UsageError(f"--output {output}: choose a name that can be printed")
    try:
        is_checkpoint = weights_path.samefile(checkpoint)
    except OSError:  # one of them does not exist
        is_checkpoint = False
    if is_checkpoint:
        raise UsageError(f"--output {weights_path} is the checkpoint itself; choose another file")
    return weights_path, weights_path.with_name(f"{stem}{SUFFIX}")


def _label_set(labels: str | Path | Sequence[str]) -> LabelSet:
    if isinstance(labels, str | Path):
        return LABEL_SETS.get(str(labels)) or custom_label_set(read_label_file(Path(labels)))
    return custom_label_set(tuple(labels))
