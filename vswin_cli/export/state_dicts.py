"""State dicts of PyTorch programs: the variables under their names, in their layout."""

from collections.abc import Mapping

import numpy as np

from vswin_cli.conversion.pytorch_styles import PyTorchStyle
from vswin_cli.conversion.styles import DENSE, SAME, TensorKey
from vswin_cli.export.request import Request
from vswin_cli.network.windows import bias_index


def state_dict(
    request: Request, style: PyTorchStyle, *, prefix: str, head: str
) -> dict[str, np.ndarray]:
    """Name every variable as a program does, and add the indices that it stores.

    Args:
        request: The export.
        style: Names that the program uses.
        prefix: Prefix of the backbone's names.
        head: Module of the last layer.
    """
    architecture = request.network.architecture
    sources = {
        variable: TensorKey(prefix + source.key, source.layout)
        for variable, source in style.sources(architecture.depths, ()).items()
    }
    if request.network.num_classes is not None:
        sources["head/kernel"] = TensorKey(f"{head}.weight", DENSE)
        sources["head/bias"] = TensorKey(f"{head}.bias", SAME)
    found = {source.key: _theirs(request.weights, name, source) for name, source in sources.items()}
    if request.half:
        found = {key: values.astype(np.float16) for key, values in found.items()}
    t, h, w = architecture.window
    index = bias_index(architecture.window, t * h * w).astype(np.int64)
    for stage, depth in enumerate(architecture.depths):
        for block in range(depth):
            key = prefix + style.index_key(stage, block)
            found[key] = index.copy()
    return found


def _theirs(weights: Mapping[str, np.ndarray], name: str, source: TensorKey) -> np.ndarray:
    """Undo the layout that a conversion applies."""
    axes = source.layout.axes
    values = weights[name] if axes is None else weights[name].transpose(np.argsort(axes))
    return np.ascontiguousarray(values)
