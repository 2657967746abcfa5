"""LiteRT's `.tflite`, with built-in operators only; its description is a zip at its end."""

import json
import shutil
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from math import prod
from pathlib import Path

import numpy as np
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter

from vswin_cli.errors import UsageError
from vswin_cli.export.request import Request, Run
from vswin_cli.export.tensorflow_graph import module_of

METADATA_ENTRY = "vswin.json"

LANGUAGE = "python"
EXAMPLE = """
import json, numpy as np, zipfile
from ai_edge_litert.interpreter import Interpreter

labels = json.loads(json.loads(zipfile.ZipFile("{file}").read("vswin.json"))["labels"])
run = Interpreter("{file}").get_signature_runner()
{views}
found = run(views=views)
{outputs} = (found[name] for name in {names})
"""


_MAX_BYTES = 2**31  # of a FlatBuffer


def check(request: Request) -> None:
    """Refuse a model that is too large for a file; TensorFlow would report that after minutes.

    Raises:
        UsageError: It is too large.
    """
    architecture = request.network.architecture
    scores = prod(architecture.window) ** 2  # of a head, whose biases are stored one by one
    pairs = zip(architecture.depths, architecture.num_heads, strict=True)
    num_biases = sum(depth * num_heads * scores for depth, num_heads in pairs)
    num_bytes = (num_biases + sum(each.size for each in request.weights.values())) * (
        2 if request.half else 4
    )
    if num_bytes > _MAX_BYTES:
        smaller = "" if request.half else "--precision float16, or "
        raise UsageError(
            f"{request.name} would be {num_bytes / 1e9:.1f} GB, and a LiteRT file is at most "
            f"2.1 GB; choose {smaller}another --format"
        )


def write(request: Request, path: Path) -> None:
    """Write the file. `unzip` can read `vswin.json` and `labels.txt` from it."""
    module = module_of(request, request.constants)
    converter = tf.lite.TFLiteConverter.from_concrete_functions(
        [module.call.get_concrete_function()], module
    )
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
    if request.half:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.target_spec.supported_types = [tf.float16]
    with _temporary_files_in(path.with_name(".temporary")):
        path.write_bytes(converter.convert())
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(METADATA_ENTRY, json.dumps(dict(request.description)))
        archive.writestr("labels.txt", "\n".join(json.loads(request.description["labels"])))


@contextmanager
def _temporary_files_in(folder: Path) -> Iterator[None]:
    """Let TensorFlow write its copy of the model to a folder that is removed even after a crash."""
    before = tempfile.tempdir
    folder.mkdir()
    tempfile.tempdir = str(folder)
    try:
        yield
    finally:
        tempfile.tempdir = before
        shutil.rmtree(folder, ignore_errors=True)


def load(path: Path, request: Request) -> Run:
    """Open the file in LiteRT's interpreter."""
    interpreter = Interpreter(str(path))
    runner = interpreter.get_signature_runner()

    def run(views: np.ndarray) -> dict[str, np.ndarray]:
        outputs = runner(views=views)
        return {name: outputs[name].copy() for name in request.network.output_names}

    return run
