"""Time one view on every installed engine, in turns with the bare matrix product.

    python benchmarks/engines.py swin-t-k400 --rounds 7

Each engine has a separate process, because Keras has one backend per process. They take turns, so
that a busy machine affects all equally. Weights are random numbers, which do not affect the time.
Prints a Markdown table.
"""

import argparse
import platform
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

import numpy as np

from vswin_cli.system.processors import available_processors
from vswin_cli.zoo.catalog import find_model
from vswin_cli.zoo.models import Model

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

PRECISIONS = ("float32", "bfloat16")


def contenders() -> list[tuple[str, str]]:
    """List what can be timed here: (`matrix product`, a backend or `torchvision`; precision)."""
    names = ["matrix product", "openvino", "tensorflow", "jax", "torch", "torchvision"]
    return [
        (name, precision)
        for name in names
        if name == "matrix product" or find_spec(name)
        for precision in PRECISIONS
    ]


def main() -> None:
    """Time the contenders and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", nargs="?", default="swin-t-k400")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--work", nargs=3, metavar=("NAME", "PRECISION", "WEIGHTS"))
    arguments = parser.parse_args()
    model = find_model(arguments.model)
    if arguments.work:
        work(model, *arguments.work)
        return
    from reference import write_checkpoint  # noqa: PLC0415 - of the tests; h5py, here alone

    with TemporaryDirectory() as folder:
        weights = write_checkpoint(Path(folder, "random.weights.h5"), model)
        workers = {}
        for name, precision in contenders():
            print(f"loading {name} {precision}", file=sys.stderr)
            workers[name, precision] = start(model, name, precision, weights)
        seconds: dict[tuple[str, str], list[float]] = {key: [] for key in workers}
        for turn in range(arguments.rounds):
            print(f"round {turn + 1} of {arguments.rounds}", file=sys.stderr)
            for key, worker in workers.items():
                seconds[key].append(run_once(worker))
        for worker in workers.values():
            worker.communicate()
    print_table(model, seconds)


def start(model: Model, name: str, precision: str, weights: Path) -> "subprocess.Popen[str]":
    """Start a worker, and wait until it has run once without timing."""
    worker = subprocess.Popen(
        [sys.executable, __file__, model.name, "--work", name, precision, str(weights)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    run_once(worker)
    return worker


def run_once(worker: "subprocess.Popen[str]") -> float:
    """Have a worker compute one view; return its seconds."""
    assert worker.stdin
    assert worker.stdout
    worker.stdin.write("\n")
    worker.stdin.flush()
    return float(worker.stdout.readline())


def work(model: Model, name: str, precision: str, weights: str) -> None:
    """Compute a view for every line on stdin, and print the seconds that it took."""
    with computation(model, name, precision, Path(weights)) as compute:
        for _ in sys.stdin:
            began = perf_counter()
            compute()
            print(perf_counter() - began, flush=True)


@contextmanager
def computation(
    model: Model, name: str, precision: str, weights: Path
) -> Iterator[Callable[[], object]]:
    """Make the function that computes one view with a contender."""
    views = np.random.default_rng(0).integers(
        0, 256, (1, *model.protocol.view_size, 3), dtype=np.uint8
    )
    if name == "matrix product":
        yield matrix_products(model, precision)
    elif name == "torchvision":
        yield torchvision_model(model, precision, views)
    else:
        from vswin_cli.engines.registry import load_engine  # noqa: PLC0415 - takes Keras's backend

        engine = load_engine(
            model,
            weights,
            backend=name,
            precision=precision,  # type: ignore[arg-type]
            view_size=model.protocol.view_size,
        )
        yield lambda: engine.compute(views)


def matrix_products(model: Model, precision: str) -> Callable[[], None]:
    """Compute the multiply-accumulates of a view as large matrix products with OpenVINO."""
    from vswin_cli.benchmark.matrix_product import SIDE, matrix_product  # noqa: PLC0415

    multiply = matrix_product(precision, available_processors())  # type: ignore[arg-type]
    repetitions = round(model.gmacs * 1e9 / SIDE**3)

    def compute() -> None:
        for _ in range(repetitions):
            multiply()

    return compute


def torchvision_model(model: Model, precision: str, views: np.ndarray) -> Callable[[], None]:
    """Make the same architecture in torchvision, eager, under autocast for bfloat16."""
    import torch  # noqa: PLC0415
    from torchvision.models import video  # noqa: PLC0415

    build = {"tiny": video.swin3d_t, "small": video.swin3d_s, "base": video.swin3d_b}
    network = build[model.architecture.name]().eval()
    clip = torch.from_numpy(views.transpose(0, 4, 1, 2, 3).astype(np.float32) / 255)

    def compute() -> None:
        with (
            torch.inference_mode(),
            torch.autocast("cpu", torch.bfloat16, enabled=precision == "bfloat16"),
        ):
            network(clip)

    return compute


def print_table(model: Model, seconds: dict[tuple[str, str], list[float]]) -> None:
    """Print medians, compared with the bare matrix product of the same precision."""
    size = "×".join(map(str, model.protocol.view_size))
    print(
        f"{model.name}, one view of {size}, {2 * model.gmacs:.0f} GFLOP; "
        f"{available_processors()} cores of {processor()}\n"
    )
    print("| | seconds (median) | fastest | × matrix product |")
    print("|---|---|---|---|")
    for (name, precision), times in seconds.items():
        floor = statistics.median(seconds["matrix product", precision])
        median = statistics.median(times)
        print(f"| {name} {precision} | {median:.2f} | {min(times):.2f} | {median / floor:.2f} |")


def processor() -> str:
    """Return the name of the processor, on Linux."""
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":")[1].strip()
    return platform.machine()


if __name__ == "__main__":
    main()
