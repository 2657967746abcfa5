"""An export from start to end: written under a temporary name, run, compared, then renamed."""

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from vswin_cli.engines.keras import without_extras
from vswin_cli.errors import OutputError, UsageError, VswinError
from vswin_cli.export.formats import ExportFormat
from vswin_cli.export.readme import section_of, write_readme
from vswin_cli.export.request import Request
from vswin_cli.system.files import sync_file
from vswin_cli.system.lent_folder import NAMING, lent_folder
from vswin_cli.system.native_stderr import native_stderr_dropped
from vswin_cli.system.platform import replace, sync_folder
from vswin_cli.zoo.protocols import MEAN, STD

BOUNDS = {"float32": 1e-5, "float16": 1e-2}  # of a probability
# Of a feature, as a share of the largest; they are compared too, and alone without a head.
_FEATURE_BOUNDS = {"float32": 1e-4, "float16": 5e-2}
_NUM_VIEWS = 2  # to compare, so that the batch axis counts

# From uint8 views to the outputs that the package itself computes, by name.
Reference = Callable[[np.ndarray], dict[str, np.ndarray]]


@dataclass(frozen=True)
class Exported:
    """The result of `export_model`.

    Attributes:
        path: The file or the folder.
        readme: The README.md that shows how to run it.
        num_bytes: Size of the file with its companion files, or of the folder.
        difference: Largest difference of a probability from vswin's; without a head, of a
            feature, as a share of the largest feature.
        bound: Largest difference that is allowed.
        runtime: Runtime that computed it, with its version.
    """

    path: Path
    readme: Path
    num_bytes: int
    difference: float
    bound: float
    runtime: str


def export(
    chosen: ExportFormat, request: Request, path: Path, reference: Reference, *, overwrite: bool
) -> Exported:
    """Write a model, run it in its runtime on random views, and keep it if the outputs agree.

    Args:
        chosen: Output format.
        request: Model to export.
        path: Path of the file or folder, which is complete or missing.
        reference: Function that computes the expected outputs.
        overwrite: Replace existing files.

    Raises:
        BackendError: A library is missing.
        UsageError: Another process exports to this path.
        OutputError: It cannot be written, or its outputs differ.
    """
    # What TensorFlow and others say about the CPU; TensorFlow imports Keras.
    with native_stderr_dropped(), without_extras():
        module = chosen.load()
    if hasattr(module, "check"):
        module.check(request)
    views = np.random.default_rng(0).integers(
        0, 256, (request.batch or _NUM_VIEWS, *request.network.input_size, 3), np.uint8
    )
    try:
        with lent_folder(path) as folder:
            expected = reference(views)
            written = folder / path.name
            with native_stderr_dropped():
                module.write(request, written)
                found = module.load(written, request)(_as_asked(views, request))
            difference, bound = _compared(request, expected, found)
            runtime = f"{chosen.runtime} {version(chosen.runtime)}"
            what = (
                "probability" if "probabilities" in found else "feature, as a share of the largest,"
            )
            checked = (
                f"On {len(views)} random views, {runtime} gives the same results as vswin: the "
                f"largest difference of a {what} is {difference:.1e}."
            )
            section = section_of(request, module, path.name, checked)
            num_bytes = sum(each.stat().st_size for each in folder.rglob("*") if each.is_file())
            _move(folder, path, overwrite=overwrite)
    except VswinError:
        raise
    except FileExistsError as exc:
        raise OutputError(f"{exc} already exists; use --force, or choose another --output") from exc
    except BlockingIOError as exc:
        raise UsageError(
            f"cannot write {exc.filename}: {exc.strerror}, or choose another --output"
        ) from exc
    except OSError as exc:
        raise OutputError(
            f"cannot write {path}: {exc.strerror or exc}; choose another --output"
        ) from exc
    except Exception as exc:  # whatever a library raises
        reason = (str(exc).strip().splitlines() or [type(exc).__name__])[0]
        needed = sum(each.nbytes for each in request.weights.values()) // (1 + request.half)
        if shutil.disk_usage(path.parent).free < needed:  # which few libraries say
            reason = f"there is no room for {needed / 1e6:.1f} MB in {path.absolute().parent}"
        raise OutputError(
            f"cannot export {request.name} as {chosen.name}: {reason}; nothing was kept"
        ) from exc
    return Exported(path, _readme_written(path, section), num_bytes, difference, bound, runtime)


def _readme_written(path: Path, section: str) -> Path:
    try:
        return write_readme(path.parent, path.name, section)
    except OSError as exc:
        raise OutputError(
            f"{path} is complete, but the README.md next to it cannot be written: "
            f"{exc.strerror or exc}; correct this, and use --force to export again"
        ) from exc


def description_of(
    version_: str,
    weights_sha256: str,
    protocol: dict[str, Any],
    request: Request,
    chosen: ExportFormat,
) -> dict[str, str]:
    """Make the metadata of a file: text, with lists and tables in JSON."""
    network = request.network
    libraries = {name: version(name) for name in chosen.libraries}
    normalisation = {"mean": MEAN, "std": STD, "inside": not network.is_normalised}
    views = {
        "name": "views",
        "axes": "B,T,H,W,C",
        "shape": [request.batch or -1, *network.input_size, 3],
        "dtype": "float32" if network.is_normalised else "uint8",
        "colour": "RGB",
    }
    activation = "sigmoid" if network.is_multi_label else "softmax"
    return {
        "vswin": version_,
        "model": request.name,
        "labels": json.dumps(request.labels),
        "protocol": json.dumps(protocol),
        "normalisation": json.dumps(normalisation),
        "input": json.dumps(views),
        "outputs": json.dumps(request.output_widths),
        **({} if network.num_classes is None else {"activation": activation}),
        "precision": "float16" if request.half else "float32",
        "weights_sha256": weights_sha256,
        "versions": json.dumps(libraries),
    }


def _as_asked(views: np.ndarray, request: Request) -> np.ndarray:
    if not request.network.is_normalised:
        return views
    return (views.astype(np.float32) - np.array(MEAN, np.float32)) / np.array(STD, np.float32)


def _compared(
    request: Request, expected: dict[str, np.ndarray], found: dict[str, np.ndarray]
) -> tuple[float, float]:
    """Return the largest difference, and its bound.

    Raises:
        OutputError: It is larger than the bound, or not a number.
    """
    precision = request.description["precision"]
    differences = {name: float(np.abs(found[name] - expected[name]).max()) for name in found}
    differences["features"] /= float(np.abs(expected["features"]).max())
    bounds = {"probabilities": BOUNDS[precision], "features": _FEATURE_BOUNDS[precision]}
    for name, difference in differences.items():
        if not difference <= bounds[name]:
            raise OutputError(
                f"{request.name} in {request.description['versions']} computes other {name}: they "
                f"differ by {difference:.1e}, more than {bounds[name]:.0e}; nothing was kept"
            )
    name = "probabilities" if "probabilities" in found else "features"
    return differences[name], bounds[name]


def _move(folder: Path, path: Path, *, overwrite: bool) -> None:
    """Give the files their names, `path` last.

    The old graph is removed first, so that it is never next to new weights.

    Raises:
        FileExistsError: A path exists already.
        OSError: It cannot be replaced.
    """
    for each in folder.rglob("*"):
        if each.is_file():
            sync_file(each)
    written = folder / path.name
    companions = [each for each in folder.iterdir() if each != written]
    for each in (*companions, written):
        place = path.with_name(each.name)
        if os.path.lexists(place) and not overwrite:
            raise FileExistsError(place)
        if each != written and place.is_dir():
            raise OSError(f"{place} is a folder")
    with NAMING:
        if path.is_dir() and not path.is_symlink():
            path.rename(folder / ".old")
        elif companions:
            path.unlink(missing_ok=True)
        for each in (*companions, written):
            replace(each, path.with_name(each.name))
    sync_folder(path.parent)
