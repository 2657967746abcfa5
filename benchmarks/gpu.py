"""Video Swin on a GPU: parity, views per second, and `vswin label`, in one table.

    python benchmarks/gpu.py --output results [--seconds 450] [--quick]

Writes results/gpu.json and results/gpu.md. Nothing is downloaded: weights are pseudo-random (from
tests/reference.py, with known outputs of the original code), and videos are generated. So it runs
from a checkout after `pip install --no-index --find-links WHEELS vswin torch torchvision av`; JAX,
TensorFlow and torchvision may be missing. The most important measurements come first; those that
do not fit into the seconds are left out, and failures are in the table with their reason. `--quick`
is for a machine without a GPU: the small model and few sizes, to show that everything runs.

Views are timed from host memory to host memory, so copies are included. The matrix rate is that of
products of 8192 × 8192 in the same process.
"""

import argparse
import json
import platform
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from itertools import product
from pathlib import Path
from time import perf_counter
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "tests"), str(HERE)]

MODELS = ("swin-t-k400", "swin-s-k400", "swin-b-k400")
TORCHVISION = {"swin-t-k400": "swin3d_t", "swin-s-k400": "swin3d_s", "swin-b-k400": "swin3d_b"}
BATCH_SIZES = (32, 8, 64, 1)
PARITY = {"float32": 2e-4, "bfloat16": 2e-3}  # of probabilities, against the original's
_LEAST_SECONDS = 25.0  # that must be left to begin a measurement
_TIMED_SECONDS = 2.0  # per figure


@dataclass(frozen=True)
class Job:
    """The measurements of one process: a backend with one model and precision, in several sizes."""

    backend: str  # or `torchvision`, `torchvision compiled`, `matrix`, `label`
    model: str
    precision: str
    batch_sizes: tuple[int, ...]
    seconds: float = 0.0
    quick: bool = False


def main() -> None:
    """Measure as much as time allows, and write both files."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--output", type=Path, default=Path("results"))
    parser.add_argument("--seconds", type=float, default=450.0, help="for all of it")
    parser.add_argument("--backends", default="torch,jax,tensorflow")
    parser.add_argument("--quick", action="store_true", help="for a machine without a GPU")
    parser.add_argument("--job", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.job:
        run(Job(**json.loads(asked.job)))
        return
    asked.output.mkdir(parents=True, exist_ok=True)
    deadline, rows = perf_counter() + asked.seconds, []
    for job in jobs(asked.backends.split(","), quick=asked.quick):
        left = deadline - perf_counter()
        if left < (5 if asked.quick else _LEAST_SECONDS):
            rows.append({**asdict(job), "failed": "no time left"})
            continue
        print(f"{perf_counter() - deadline + asked.seconds:4.0f} s: {name_of(job)}", flush=True)
        rows += list(outcomes(job, left))
        write(asked.output, rows, seconds=asked.seconds - (deadline - perf_counter()))
    write(asked.output, rows, seconds=asked.seconds - (deadline - perf_counter()))
    print((asked.output / "gpu.md").read_text())


def jobs(backends: list[str], *, quick: bool) -> Iterator[Job]:
    """List the measurements, the most important first."""
    sizes = (1, 4) if quick else BATCH_SIZES
    models = ("swin-n-motion",) if quick else MODELS
    present = [name for name in backends if find_spec(name)]
    if quick and find_spec("openvino"):
        present.append("openvino")
    first, *others = models
    best, rest = present[:1], present[1:]
    has_torchvision = bool(find_spec("torchvision"))
    eager, compiled = ["torchvision"][:has_torchvision], ["torchvision compiled"][:has_torchvision]
    for backends_of_these, models_of_these, precision, sizes_of_these in (
        (["matrix"], [""], "", ()),
        (best, [first], "bfloat16", sizes),
        (best, [first], "float32", sizes),
        (["label"], [first], "bfloat16", ()),
        ([*eager, *compiled], [first], "bfloat16", sizes[:2]),
        (best, others[::-1], "bfloat16", sizes[:2]),
        (rest, [first], "bfloat16", sizes[:2]),
        (rest, [first], "float32", sizes[:2]),
        (best, others[::-1], "float32", sizes[:1]),
        (compiled, others, "bfloat16", sizes[:1]),
        ([*eager, *compiled], [first], "float32", sizes[:1]),
        (rest, others, "bfloat16", sizes[:1]),
    ):
        if quick and precision == "bfloat16" and backends_of_these != ["label"]:
            continue  # most CPUs compute it a hundred times more slowly
        for backend, model in product(backends_of_these, models_of_these):
            yield Job(backend, model, precision, tuple(sizes_of_these), quick=quick)


def outcomes(job: Job, seconds: float) -> Iterator[dict[str, Any]]:
    """Run a job in a separate process; each line that it prints is a row."""
    described = json.dumps(asdict(job) | {"seconds": seconds})
    command = [sys.executable, __file__, "--job", described]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=seconds, check=False)
        printed, reason = done.stdout, done.stderr.strip().rpartition("\n")[2]
        failed = reason or "no reason told" if done.returncode else ""
    except subprocess.TimeoutExpired as exc:
        printed = exc.stdout or ""
        printed = printed if isinstance(printed, str) else printed.decode()
        failed = "no time left"
    for line in printed.splitlines():
        if line.startswith("{"):
            yield {**asdict(job), **json.loads(line)}
    if failed:
        yield {**asdict(job), "failed": failed[:200]}


def run(job: Job) -> None:
    """Run a job in its process."""
    if job.backend == "matrix":
        say(**matrix_rates(quick=job.quick))
    elif job.backend == "label":
        label(job)
    elif job.backend.startswith("torchvision"):
        torchvision_views(job)
    else:
        engine_views(job)


def matrix_rates(*, quick: bool) -> dict[str, Any]:
    """Measure TFLOP/s of large matrix products with each library."""
    if find_spec("torch") is None:
        from vswin_cli.benchmark.matrix_product import SIDE, matrix_product  # noqa: PLC0415

        multiply = matrix_product("float32", 1)
        return {"device": platform.processor(), "float32": 2e-12 * SIDE**3 * rate(multiply, 1)}
    import torch  # noqa: PLC0415

    device = "cuda" if torch.cuda.is_available() else "cpu"
    name = torch.cuda.get_device_name() if device == "cuda" else platform.processor()
    found: dict[str, Any] = {"device": name or platform.machine()}
    side = 256 if quick else 8192
    for precision in ("float32", "bfloat16")[: 1 if quick else 2]:
        left, right = (
            torch.randn(side, side, device=device, dtype=getattr(torch, precision))
            for _ in range(2)
        )

        def multiply(left: Any = left, right: Any = right) -> None:  # noqa: ANN401
            for _ in range(10):
                left @ right
            if device == "cuda":
                torch.cuda.synchronize()

        found[precision] = 2e-12 * side**3 * rate(multiply, 10)
    return found


def engine_views(job: Job) -> None:
    """Measure parity, then views per second at each size."""
    import numpy as np  # noqa: PLC0415

    for batch_size in job.batch_sizes:
        start = perf_counter()
        engine, model = loaded(job, batch_size)
        load_seconds = perf_counter() - start
        count = engine.batch_size * engine.num_at_once * 2
        shape = (count, *model.protocol.view_size, 3)
        views = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
        batches = [engine.new_batch(shape[1:]) for _ in range(engine.num_at_once)]
        for batch in batches:
            batch[:] = views[: len(batch)]

        def compute(engine: Any = engine, batches: Any = batches) -> None:  # noqa: ANN401
            pending = []
            for _ in range(2):
                for batch in batches:
                    if len(pending) == engine.num_at_once:
                        pending.pop(0)()
                    pending.append(engine.start(batch))
            for wait in pending:
                wait()

        say(
            batch_size=engine.batch_size,
            views_per_second=rate(compute, count),
            load_seconds=load_seconds,
            gflop=2 * model.gmacs,
            **(parity(engine, job) if batch_size == job.batch_sizes[0] else {}),
        )
        del engine


def loaded(job: Job, batch_size: int | None) -> tuple[Any, Any]:
    """Load an engine with the weights of the tests."""
    from reference import write_checkpoint  # noqa: PLC0415 - of the tests

    from vswin_cli.engines.registry import load_engine  # noqa: PLC0415
    from vswin_cli.zoo.catalog import find_model  # noqa: PLC0415

    model = find_model(job.model)
    with tempfile.TemporaryDirectory() as folder:
        weights = write_checkpoint(Path(folder, "random.weights.h5"), model)
        engine = load_engine(
            model,
            weights,
            backend=job.backend,
            precision=job.precision,  # type: ignore[arg-type]
            view_size=model.protocol.view_size,
            batch_size=batch_size,
        )
    return engine, model


def parity(engine: Any, job: Job) -> dict[str, Any]:  # noqa: ANN401
    """Return the difference of probabilities from those of the original code, if they are known."""
    import numpy as np  # noqa: PLC0415
    from reference import video  # noqa: PLC0415

    cases = json.loads((HERE.parent / "tests" / "data" / "logits.json").read_text())["cases"]
    for case in cases:
        if case["model"] == job.model and case["input"] == [32, 224, 224]:
            logits = np.array(case["logits"])
            powers = np.exp(logits - logits.max())
            expected = powers / powers.sum()
            found = engine.compute(video()[np.newaxis]).probabilities[0]
            away = float(np.abs(found - expected).max())
            return {"away": away, "has_parity": away <= PARITY[job.precision]}
    return {}


def torchvision_views(job: Job) -> None:
    """Time the same architecture in torchvision, under autocast; compiled or eager."""
    import torch  # noqa: PLC0415
    from torchvision.models import video  # noqa: PLC0415

    from vswin_cli.zoo.catalog import find_model  # noqa: PLC0415

    device = "cuda" if torch.cuda.is_available() else "cpu"
    size = find_model(job.model).protocol.view_size
    network = getattr(video, TORCHVISION.get(job.model, "swin3d_t"))().eval().to(device)
    if job.backend.endswith("compiled"):
        network = torch.compile(network, dynamic=False)
    for batch_size in job.batch_sizes:
        views = torch.zeros((batch_size, 3, *size), pin_memory=device == "cuda")

        def compute(views: Any = views) -> None:  # noqa: ANN401
            with (
                torch.inference_mode(),
                torch.autocast(device, torch.bfloat16, enabled=job.precision == "bfloat16"),
            ):
                network(views.to(device, non_blocking=True)).cpu()

        say(batch_size=batch_size, views_per_second=rate(compute, batch_size))


def label(job: Job) -> None:
    """Time `vswin label` on generated clips of 10 s and 640×360, and the part that limits it."""
    from label_throughput import make_clips  # noqa: PLC0415
    from reference import write_checkpoint  # noqa: PLC0415

    from vswin_cli.api.model import VideoModel  # noqa: PLC0415
    from vswin_cli.api.options import EngineOptions, ViewOptions  # noqa: PLC0415
    from vswin_cli.runs.options import RunOptions  # noqa: PLC0415
    from vswin_cli.runs.output import Output  # noqa: PLC0415
    from vswin_cli.runs.run import run_over  # noqa: PLC0415
    from vswin_cli.runs.task import Task  # noqa: PLC0415
    from vswin_cli.runs.videos import Selection, find_videos  # noqa: PLC0415
    from vswin_cli.runs.worker import decode_views  # noqa: PLC0415

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "videos").mkdir()
        make_clips(folder / "videos", 8 if job.quick else 600, 2 if job.quick else 10)
        found = find_videos([str(folder / "videos")], Selection())
        weights = write_checkpoint(folder / "random.weights.h5", find(job.model))
        precision: Any = "float32" if job.quick else job.precision
        options = EngineOptions(job.model, weights, precision=precision, cache_dir=folder)
        model = VideoModel(options, ViewOptions())
        classifier = model.classifier(5)
        start = perf_counter()
        views = [decode_views(each.path, model.protocol, "auto", threads=1) for each in found[:4]]
        decoding = (perf_counter() - start) / 4
        start, num_views = perf_counter(), 0
        while perf_counter() - start < _TIMED_SECONDS:
            for each in views:
                num_views += classifier.predict("", each, 0.0).num_views_used
        model_rate = num_views / (perf_counter() - start) / views[0].num_distinct_views
        run = RunOptions()
        task = Task(lambda: classifier, model.decoding_pool, model.settings(5))
        start = perf_counter()
        run_over(found, task, Output(folder / "out.jsonl"), run)
        wall = perf_counter() - start
        workers = model.num_workers(run)
        say(
            videos_per_second=len(found) / wall,
            engine=f"{model.backend} {classifier.engine.precision}",
            num_workers=workers,
            decoding_alone=workers / decoding,
            model_alone=model_rate,
            bounded_by="decoding" if workers / decoding < model_rate else "the model",
        )


def find(name: str) -> Any:  # noqa: ANN401
    """Find a model by name."""
    from vswin_cli.zoo.catalog import find_model  # noqa: PLC0415

    return find_model(name)


def rate(compute: Callable[[], None], count: int) -> float:
    """Return the rate of a function that computes `count` items per call, per second."""
    compute()
    start, num_done = perf_counter(), 0
    while perf_counter() - start < _TIMED_SECONDS or not num_done:
        compute()
        num_done += count
    return num_done / (perf_counter() - start)


def say(**row: Any) -> None:  # noqa: ANN401
    """Pass a row to the calling process."""
    print(json.dumps(row), flush=True)


def name_of(job: Job) -> str:
    """Describe a job."""
    return " ".join(part for part in (job.backend, job.model, job.precision) if part)


def write(folder: Path, rows: list[dict[str, Any]], *, seconds: float) -> None:
    """Write all rows, as JSON and as a table."""
    matrix = next((row for row in rows if row["backend"] == "matrix" and "device" in row), {})
    versions = {}
    for package in ("vswin", "torch", "torchvision", "jax", "tensorflow", "keras", "openvino"):
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            continue
    record = {"device": matrix.get("device"), "seconds": seconds, "versions": versions}
    (folder / "gpu.json").write_text(json.dumps({**record, "rows": rows}, indent=2))
    lines = [
        f"{matrix.get('device', 'unknown device')}; matrices "
        + ", ".join(f"{matrix[p]:.3g} TFLOP/s in {p}" for p in PARITY if p in matrix)
        + "; "
        + ", ".join(f"{name} {number}" for name, number in versions.items()),
        "",
        "| | model | batch | views/s | of the matrix rate | away from the original |",
        "|---|---|---|---|---|---|",
    ]
    for row in rows:
        if "views_per_second" not in row:
            continue
        flops = row.get("gflop", 0.0) * row["views_per_second"] / 1000
        share = f"{flops / matrix[row['precision']]:.0%}" if flops and matrix else ""
        away = f"{row['away']:.1e}" if "away" in row else ""
        lines.append(
            f"| {row['backend']} {row['precision']} | {row['model']} | {row['batch_size']} "
            f"| {row['views_per_second']:.1f} | {share} | {away} |"
        )
    for row in rows:
        if "videos_per_second" in row:
            lines += [
                "",
                f"`vswin label`, {row['model']} on {row['engine']}: {row['videos_per_second']:.1f} "
                f"videos/s, bounded by {row['bounded_by']} (decoding alone "
                f"{row['decoding_alone']:.1f} with {row['num_workers']} workers, the model alone "
                f"{row['model_alone']:.1f}).",
            ]
    failed = [
        f"- {row['backend']} {row['model']} {row['precision']}: {row['failed']}"
        for row in rows
        if row.get("failed")
    ]
    lines += ["", "Not measured:", *failed] if failed else []
    (folder / "gpu.md").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
