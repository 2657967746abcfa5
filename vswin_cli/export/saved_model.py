"""TensorFlow's SavedModel: a folder."""

import json
from pathlib import Path

import numpy as np
import tensorflow as tf

from vswin_cli.export.request import Request, Run
from vswin_cli.export.tensorflow_graph import module_of

_SIGNATURE = "serving_default"

LANGUAGE = "python"
EXAMPLE = """
import json, numpy as np, tensorflow as tf

model = tf.saved_model.load("{file}")
labels = json.loads(json.loads(model.metadata.numpy())["labels"])
{views}
found = model.signatures["serving_default"](views=tf.constant(views))
{outputs} = (found[name].numpy() for name in {names})
"""


def write(request: Request, path: Path) -> None:
    """Write the folder; `metadata` of the loaded object is the description, as JSON."""
    module = module_of(request, request.stored)
    module.metadata = tf.Variable(json.dumps(dict(request.description)), trainable=False)
    tf.saved_model.save(
        module, str(path), signatures={_SIGNATURE: module.call.get_concrete_function()}
    )


def load(path: Path, request: Request) -> Run:
    """Open the folder in TensorFlow."""
    loaded = tf.saved_model.load(str(path))
    serve = loaded.signatures[_SIGNATURE]

    def run(views: np.ndarray) -> dict[str, np.ndarray]:
        outputs = serve(views=tf.constant(views))
        _ = loaded  # whose variables the signature alone would not keep
        return {name: outputs[name].numpy() for name in request.network.output_names}

    return run
