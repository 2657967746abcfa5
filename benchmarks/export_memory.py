"""Memory for exporting a model and for running one view in the target runtime.

python benchmarks/export_memory.py swin-b-k400 onnx

Weights are random. The process does nothing else: `vswin export` computes the views to compare
before, and frees their memory.
"""

import argparse
import resource
import tempfile
import time
from pathlib import Path

import numpy as np

from vswin_cli.export.formats import FORMAT_NAMES, export_format
from vswin_cli.export.network import Network
from vswin_cli.export.request import Request
from vswin_cli.network.checkpoint import key_table
from vswin_cli.zoo.catalog import find_model


def main() -> None:
    """Print the peak memory of the process after each step."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("model")
    parser.add_argument("format", choices=FORMAT_NAMES)
    arguments = parser.parse_args()
    model, chosen = find_model(arguments.model), export_format(arguments.format)
    generator = np.random.default_rng(0)
    weights = {
        key.variable: generator.standard_normal(key.shape, np.float32) / np.float32(100)
        for key in key_table(model.architecture, model.num_classes)
    }
    network = Network(model.architecture, model.protocol.view_size, model.num_classes, False)
    about = {"vswin": "", "labels": "[]"}
    request = Request(model.name, (), network, weights, about, half=False, batch=None)
    start = time.perf_counter()

    def say(step: str) -> None:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
        print(f"{step:8} {peak:5.1f} GB at most, {time.perf_counter() - start:.0f} s", flush=True)

    say("weights")
    module = chosen.load()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f"model{chosen.suffix}")
        module.write(request, path)
        say("written")
        run = module.load(path, request)
        run(generator.integers(0, 256, (1, *network.input_size, 3), np.uint8))
        say("run")


if __name__ == "__main__":
    main()
