"""The Keras model as an OpenVINO graph, exported once and kept in the cache folder.

Later runs find the graph there and need no Keras. An entry is a folder with the graph, its
constants and the digests of both; it appears under its name complete, is checked before every use,
and is rebuilt when it is damaged.
"""

import hashlib
import json
import logging
import os
import shutil
from importlib.metadata import version
from pathlib import Path
from tempfile import mkdtemp

import openvino
from openvino import opset16

from vswin_cli import __version__
from vswin_cli.model.keras_backend import import_keras
from vswin_cli.zoo.architectures import Size
from vswin_cli.zoo.models import Model

GRAPH = "model.xml"
CONSTANTS = "model.bin"
DIGESTS = "digests.json"

_log = logging.getLogger(__name__)


def load_graph(
    core: openvino.Core,
    model: Model,
    weights_file: Path,
    view_size: Size,
    cache_folder: Path | None,
    limit_bytes: int,
) -> openvino.Model:
    """Return the graph from one uint8 view (1, T, H, W, 3) to its probabilities (1, num_classes).

    A cache folder that cannot be used costs the export anew, and nothing else.

    Args:
        core: Reads what is in the cache.
        model: As of `build_inference_model`, like the next two.
        weights_file: The published file; its content is part of the entry's name.
        view_size: (T, H, W).
        cache_folder: Where entries are kept; None keeps nothing.
        limit_bytes: The least recently used entries go when all together are larger.

    Raises:
        WeightsNotFoundError, CheckpointError: As `read_checkpoint`.
    """
    if cache_folder is None or not weights_file.is_file():  # the export says what is wrong with it
        return _export(model, weights_file, view_size)
    try:
        entry = cache_folder / _entry_name(model, weights_file, view_size)
        if _is_whole(entry):
            return core.read_model(entry / GRAPH)
    except OSError as exc:
        _log.info("the engine cache %s is not read: %s", cache_folder, exc)
        return _export(model, weights_file, view_size)
    graph = _export(model, weights_file, view_size)
    try:
        _store(graph, entry)
        _prune(cache_folder, limit_bytes, keep=entry)
    except (OSError, RuntimeError) as exc:  # OpenVINO reports a full disk as the latter
        _log.info("the engine cache %s is not written: %s", cache_folder, exc)
    return graph


def entries(cache_folder: Path) -> list[tuple[Path, int]]:
    """List the entries, least recently used first, with their sizes in bytes."""
    found = []
    for folder in cache_folder.iterdir() if cache_folder.is_dir() else ():
        if (folder / DIGESTS).is_file():
            num_bytes = sum(file.stat().st_size for file in folder.iterdir())
            found.append((folder.stat().st_mtime, folder, num_bytes))
    return [(folder, num_bytes) for _, folder, num_bytes in sorted(found)]


def _entry_name(model: Model, weights_file: Path, view_size: Size) -> str:
    """Everything that the graph depends on."""
    parts = (
        _digest(weights_file),
        "x".join(map(str, view_size)),
        __version__,
        version("keras"),
        version("openvino"),
    )
    return f"{model.name}-{hashlib.sha256(' '.join(parts).encode()).hexdigest()[:32]}"


def _digest(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _digests(folder: Path) -> dict[str, str]:
    return {name: _digest(folder / name) for name in (GRAPH, CONSTANTS)}


def _is_whole(entry: Path) -> bool:
    try:
        whole = bool(json.loads((entry / DIGESTS).read_bytes()) == _digests(entry))
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return False
    if whole and os.access(entry, os.W_OK):
        os.utime(entry)  # for the order in which entries go
    return whole


def _store(graph: openvino.Model, entry: Path) -> None:
    """Write beside the entry's place and move the whole folder there."""
    entry.parent.mkdir(parents=True, exist_ok=True)
    folder = Path(mkdtemp(prefix=".new-", dir=entry.parent))
    try:
        openvino.serialize(graph, folder / GRAPH, folder / CONSTANTS)
        (folder / DIGESTS).write_text(json.dumps(_digests(folder)))
        for file in folder.iterdir():
            with file.open("rb") as stream:
                os.fsync(stream.fileno())
        try:
            folder.rename(entry)
        except OSError:  # something stands there
            if _is_whole(entry):
                return  # another run was first
            shutil.rmtree(entry)
            folder.rename(entry)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _prune(cache_folder: Path, limit_bytes: int, keep: Path) -> None:
    kept = entries(cache_folder)
    total = sum(num_bytes for _, num_bytes in kept)
    for folder, num_bytes in kept:
        if total > limit_bytes and folder != keep:
            shutil.rmtree(folder)
            total -= num_bytes


def _export(model: Model, weights_file: Path, view_size: Size) -> openvino.Model:
    """Call the Keras model, on Keras's OpenVINO backend, with a graph's input."""
    import_keras("openvino")
    from keras import ops  # noqa: PLC0415 - both after the above

    from vswin_cli.model.inference import build_inference_model  # noqa: PLC0415

    inference_model = build_inference_model(model, weights_file, view_size)
    views = opset16.parameter([1, *view_size, 3], openvino.Type.u8, name="views")
    keras_tensor = type(ops.convert_to_tensor(0.0))  # the class that wraps a graph's outputs
    probabilities = inference_model(keras_tensor(views.output(0)))
    return openvino.Model([opset16.result(probabilities.output)], [views], model.name)
