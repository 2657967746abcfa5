"""`export_model`: a model of the zoo, or a custom one, as a file for another runtime."""

import os
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np

from vswin_cli import __version__
from vswin_cli.api.model import VideoModel
from vswin_cli.api.options import EngineOptions, ViewOptions, engine_options
from vswin_cli.errors import OutputError, UsageError
from vswin_cli.export.exporting import Exported, description_of, export
from vswin_cli.export.formats import ExportFormat, export_format
from vswin_cli.export.network import Network
from vswin_cli.export.protocol import protocol_stated
from vswin_cli.export.request import Request
from vswin_cli.network.checkpoint import read_checkpoint
from vswin_cli.system.files import file_sha256
from vswin_cli.weights.needed import FetchFile, fetch_file
from vswin_cli.zoo.labels import read_labels


def export_model(
    name: str | Path,
    output: str | Path,
    *,
    format: str,  # noqa: A002 - as the command's option
    precision: Literal["float32", "float16"] = "float32",
    batch: int | None = None,
    input: Literal["uint8", "float"] = "uint8",  # noqa: A002
    overwrite: bool = False,
    weights: str | Path | None = None,
    cache_dir: str | Path | None = None,
    mirror: str | None = None,
    offline: bool | None = None,
) -> Exported:
    """Export a model for another runtime, and check the outputs of the file.

    >>> exported = vswin.export_model("swin-n-motion", "motion.xml", format="openvino")
    >>> exported.path.name, exported.difference < exported.bound
    ('motion.xml', True)

    Args:
        name: As for `load_model`.
        output: File to write, or folder for a SavedModel. It contains labels, protocol and
            normalisation; a README.md next to it shows how to run it.
        format: `onnx`, `openvino`, `saved_model`, `litert` or `torch`; or weights only, with the
            keys of the original project (`pytorch-original`) or of `torchvision`.
        precision: Data type of the weights; the arithmetic is always float32.
        batch: Views per batch. Default: any number.
        input: `uint8` is RGB in 0 … 255, normalised inside; `float` is normalised views.
        overwrite: Replace existing files.
        weights: As for `load_model`.
        cache_dir: As for `load_model`.
        mirror: As for `load_model`.
        offline: As for `load_model`.

    Returns:
        The exported file, and how much its outputs differ from vswin's.

    Raises:
        UsageError: The options contradict each other, or no model has this name.
        WeightsError: As for `load_model`.
        BackendError: A library that the format needs is not installed.
        OutputError: The output cannot be written, or its outputs differ from vswin's.
    """
    engine = engine_options(
        name, weights=weights, cache_dir=cache_dir, mirror=mirror, offline=offline
    )
    options = ExportOptions(format, precision, batch, input)
    return export_to(Path(output), engine, options, overwrite=overwrite)


@dataclass(frozen=True)
class ExportOptions:
    """What to write; see `export_model`."""

    format: str
    precision: Literal["float32", "float16"] = "float32"
    batch: int | None = None
    input: Literal["uint8", "float"] = "uint8"


def export_to(
    path: Path,
    engine: EngineOptions,
    options: ExportOptions,
    *,
    overwrite: bool = False,
    fetch: FetchFile = fetch_file,
    computing: Callable[[], AbstractContextManager[None]] = nullcontext,
) -> Exported:
    """Export the model that the engine options name; see `export_model`.

    Args:
        path: File or folder to write.
        engine: Model and its weights.
        options: Format.
        overwrite: Replace existing files.
        fetch: Downloads a file.
        computing: Makes the context of everything after the download.
    """
    chosen, batch = export_format(options.format), options.batch
    _check_place(path, chosen, overwrite=overwrite)
    if not chosen.is_graph and (batch is not None or options.input != "uint8"):
        raise UsageError(
            f"--format {options.format} contains only weights; remove --batch and --input"
        )
    chosen.check_libraries()
    model = VideoModel(engine, ViewOptions(), spares_keras=True, fetch=fetch)
    spec = model.model
    num_classes = spec.num_classes if model.has_head else None
    request = Request(
        name=spec.name,
        labels=read_labels(spec.label_set) if model.has_head else (),
        network=Network(
            spec.architecture,
            model.protocol.view_size,
            num_classes,
            is_normalised=options.input == "float",
            is_multi_label=spec.is_multi_label,
        ),
        weights=read_checkpoint(model.weights_file, spec.architecture, num_classes),
        description={},
        half=options.precision == "float16",
        batch=batch,
    )
    about = description_of(
        __version__,
        file_sha256(model.weights_file),
        protocol_stated(model.protocol),
        request,
        chosen,
    )

    def reference(views: np.ndarray) -> dict[str, np.ndarray]:
        outputs = asdict(model.engine.compute(views))
        del model.engine  # the other runtime may need its memory
        return outputs

    described = replace(request, description=about)
    with computing():
        return export(chosen, described, path, reference, overwrite=overwrite)


_SAVED_MODEL = {"saved_model.pb", "fingerprint.pb", "variables", "assets", "assets.extra"}


def _check_place(path: Path, chosen: ExportFormat, *, overwrite: bool) -> None:
    """Refuse an unusable output before anything is computed.

    Raises:
        UsageError: The name or the folder cannot be used.
        OutputError: The output exists already.
    """
    suffix = chosen.suffix
    if suffix and (path.suffix != suffix or path.stem == suffix):
        raise UsageError(f"--output {path} of --format {chosen.name} must end in {suffix}")
    if not path.parent.is_dir():
        raise UsageError(f"--output {path}: no folder {path.parent}; make it first")
    if not path.name or not path.name.isprintable():
        raise UsageError(f"--output {path}: choose a name that can be printed")
    for each in (path, *(path.with_suffix(end) for end in chosen.companions)):
        if not overwrite and os.path.lexists(each):
            raise OutputError(f"{each} already exists; use --force, or choose another --output")
    if path.is_dir() and suffix:
        raise OutputError(f"{path} is a folder; choose another --output")
    if not suffix and (path.is_symlink() or (path.exists() and not _is_saved_model(path))):
        raise OutputError(
            f"{path} contains files that are not part of a SavedModel, and is not replaced; choose "
            "another --output"
        )


def _is_saved_model(path: Path) -> bool:
    """Whether everything in a folder comes from an earlier export."""
    names = {each.name for each in path.iterdir()} if path.is_dir() else {""}
    return not names or ("saved_model.pb" in names and names <= _SAVED_MODEL)
