"""PyTorch's `.pt2`: the program that `torch.export` makes."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from vswin_cli.export.network import EPSILON
from vswin_cli.export.request import Request, Run

METADATA_ENTRY = "vswin.json"

LANGUAGE = "python"
EXAMPLE = """
import json, numpy as np, torch

about = {{"vswin.json": ""}}
model = torch.export.load("{file}", extra_files=about).module()
labels = json.loads(json.loads(about["vswin.json"])["labels"])
{views}
found = model(torch.from_numpy(views))
{outputs} = (found[name].numpy() for name in {names})
"""


class TorchGraph:
    """Calls PyTorch; see `Graph`."""

    def __init__(self, constants: Mapping[str, Tensor]) -> None:
        self._constants = constants

    def constant(self, name: str) -> Tensor:
        found = self._constants[name]
        return found.float() if found.dtype == torch.float16 else found

    def number(self, value: float) -> float:
        return value

    def reshape(self, x: Tensor, shape: Sequence[int]) -> Tensor:
        return x.reshape(tuple(shape))

    def transpose(self, x: Tensor, axes: Sequence[int]) -> Tensor:
        return x.permute(tuple(axes))

    def add(self, x: Tensor, y: Tensor) -> Tensor:
        return x + y

    def multiply(self, x: Tensor, y: Tensor) -> Tensor:
        return x * y

    def matmul(self, x: Tensor, y: Tensor) -> Tensor:
        return torch.matmul(x, y)

    def part(self, x: Tensor, axis: int, start: int, stop: int) -> Tensor:
        return x.narrow(axis, start, stop - start)

    def join(self, parts: Sequence[Tensor], axis: int) -> Tensor:
        return torch.cat(list(parts), axis)

    def pad(self, x: Tensor, after: Sequence[int]) -> Tensor:
        pairs = [side for count in reversed(after) for side in (0, count)]
        return torch.nn.functional.pad(x, pairs)

    def take(self, table: Tensor, rows: Tensor) -> Tensor:
        return table.index_select(0, rows)

    def where_different(self, a: Tensor, b: Tensor, value: float, x: Tensor) -> Tensor:
        return torch.where(a == b, x, value)

    def normalise(self, x: Tensor, gamma: Tensor, beta: Tensor) -> Tensor:
        return torch.nn.functional.layer_norm(x, gamma.shape, gamma, beta, EPSILON)

    def gelu(self, x: Tensor) -> Tensor:
        return torch.nn.functional.gelu(x)

    def softmax(self, x: Tensor) -> Tensor:
        return x.softmax(-1)

    def mean(self, x: Tensor, axis: int) -> Tensor:
        return x.mean(axis)


class NetworkModule(torch.nn.Module):
    """The network with its numbers as buffers."""

    def __init__(self, request: Request) -> None:
        super().__init__()
        self._network = request.network
        self._names = {}
        for name, values in request.stored.items():
            self._names[name] = name.replace("/", "__")
            self.register_buffer(self._names[name], torch.from_numpy(values))

    def forward(self, views: Tensor) -> dict[str, Tensor]:
        """From views to the outputs by name."""
        constants = {name: getattr(self, key) for name, key in self._names.items()}
        outputs = self._network.outputs(TorchGraph(constants), views.float())
        return dict(zip(self._network.output_names, outputs, strict=True))


def write(request: Request, path: Path) -> None:
    """Write the program, with its description in the extra file `vswin.json`."""
    network = request.network
    pixel = torch.float32 if network.is_normalised else torch.uint8
    # Two views, since torch.export takes a side of one for a constant.
    views = torch.zeros((request.batch or 2, *network.input_size, 3), dtype=pixel)
    shapes = None if request.batch else {"views": {0: torch.export.Dim("batch", min=1)}}
    with torch.no_grad():
        program = torch.export.export(NetworkModule(request), (views,), dynamic_shapes=shapes)
    program.example_inputs = None  # which would be in the file
    description = json.dumps(dict(request.description))
    torch.export.save(program, path, extra_files={METADATA_ENTRY: description})


def load(path: Path, request: Request) -> Run:
    """Open the file in PyTorch."""
    module = torch.export.load(path).module()

    def run(views: np.ndarray) -> dict[str, np.ndarray]:
        with torch.no_grad():
            outputs = module(torch.from_numpy(views))
        return {name: outputs[name].numpy() for name in request.network.output_names}

    return run
