"""LiteRT's `.tflite`, of built-in operators alone; its description is a zip at its end."""

import json
import zipfile
from pathlib import Path

import numpy as np
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter

from vswin_cli.export.request import Request, Run
from vswin_cli.export.tensorflow_graph import module_of

METADATA_ENTRY = "vswin.json"
_SIGNATURE = "serving_default"

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


def write(request: Request, path: Path) -> None:
    """Write the file. `unzip` reads `vswin.json` and `labels.txt` from it, as from others."""
    module = module_of(request, request.constants)
    converter = tf.lite.TFLiteConverter.from_concrete_functions(
        [module.call.get_concrete_function()], module
    )
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
    if request.half:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.target_spec.supported_types = [tf.float16]
    path.write_bytes(converter.convert())
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(METADATA_ENTRY, json.dumps(dict(request.description)))
        archive.writestr("labels.txt", "\n".join(json.loads(request.description["labels"])))


def load(path: Path, request: Request) -> Run:
    """Open the file in LiteRT's interpreter."""
    interpreter = Interpreter(str(path))
    runner = interpreter.get_signature_runner()

    def run(views: np.ndarray) -> dict[str, np.ndarray]:
        outputs = runner(views=views)
        return {name: outputs[name].copy() for name in request.network.output_names}

    return run
