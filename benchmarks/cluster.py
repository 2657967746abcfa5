"""The cost of a folder of shards and of a cluster, compared with one file, and their robustness.

    python benchmarks/cluster.py [speed] [data] [nodes] [commands] [--num-videos 400] [--kills 5]

Makes small clips, one in twenty of them broken, and labels them with `vswin label` into one file.
The records of all other runs must equal these to 1e-6 in probability, with each video once. Parts,
all by default:

- speed: a folder of shards, here and on a Ray cluster of one node with the same processors. Rates
  are measured after the first shard's number of videos, so they exclude start-up.
- data: the same decoder and model as stages of Ray Data, whose blocks carry the views.
- nodes: a cluster of two nodes, one of which is killed and replaced several times in one run.
- commands: a command that is killed by SIGKILL and started again, several times.

Needs the extras `test` and `ray`.
"""

import argparse
import itertools
import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from vswin_cli.system.processors import available_processors
from vswin_cli.zoo.models import SWIN_N_MOTION

VSWIN = Path(sys.executable).with_name("vswin")
SAMPLES = Path(__file__).parents[1] / "sample_videos"
_NUM_DONE = re.compile(r"\[(\d+)/\d+\]|part-\w+: (\d+) videos? done")

Records = dict[str, tuple[str | None, dict[str, float]]]


@dataclass(frozen=True)
class Run:
    """A finished run: total seconds, and videos per second after the first shard."""

    seconds: float
    rate: float


def main() -> None:
    """Measure, and print one line per result."""
    parser = argparse.ArgumentParser(description="Measure runs into folders of shards.")
    parser.add_argument("parts", nargs="*", metavar="speed|data|nodes|commands")
    parser.add_argument("--num-videos", type=int, default=400)
    parser.add_argument("--shard-size", type=int, help="default: a tenth of the videos")
    parser.add_argument("--kills", type=int, default=5)
    asked = parser.parse_args()
    known = {
        "speed": _speed,
        "data": _ray_data,
        "nodes": _nodes_lost,
        "commands": _commands_killed,
    }
    parts = asked.parts or [*known]
    if unknown := {*parts} - {*known}:
        parser.error(f"no part {', '.join(unknown)}")
    os.environ |= {"RAY_USAGE_STATS_ENABLED": "0", "VSWIN_OFFLINE": "1"}
    with tempfile.TemporaryDirectory() as name:
        os.chdir(name)
        _make_clips(Path("videos"), asked.num_videos)
        _label("warm/", "--include", "clip000000*")  # exports the model's graph
        size = asked.shard_size or max(asked.num_videos // 10, 1)
        plain = _label("one.parquet", first=size)
        _tell("one file", plain)
        expected = _records(Path("one.parquet"))
        for part in parts:
            start = monotonic()
            known[part](["--shard-size", str(size)], expected, plain, asked.kills)
            print(f"{part}: {monotonic() - start:.0f} s", flush=True)


def _speed(size: list[str], expected: Records, plain: Run, kills: int) -> None:
    for name, *options in (["shards"], ["ray", "--cluster", "local"]):
        run = _label(f"{name}/", *size, *options)
        _tell(name, run)
        print(f"  efficiency: {run.rate / plain.rate:.2f} of one file's rate", flush=True)
        _compare(Path(name), expected)


def _ray_data(size: list[str], expected: Records, plain: Run, kills: int) -> None:
    import ray  # noqa: PLC0415 - of an extra
    import ray.data  # noqa: PLC0415

    ray.init(num_cpus=available_processors(), log_to_driver=False)
    ray.data.DataContext.get_current().enable_progress_bars = False
    try:
        paths = [{"path": str(path)} for path in sorted(Path("videos").absolute().iterdir())]
        one = ray.data.ActorPoolStrategy(size=1)
        start, seen = monotonic(), []
        computed = (
            ray.data.from_items(paths, override_num_blocks=len(paths) // 4)
            .flat_map(_decoded, num_cpus=1)
            .map_batches(_Model, batch_size=4, num_cpus=1, compute=one)
        )
        for _ in computed.iter_rows():
            seen.append(monotonic())
        first = int(size[1])
        run = Run(seen[-1] - start, (len(seen) - first) / (seen[-1] - seen[first - 1]))
    finally:
        ray.shutdown()
    _tell("Ray Data", run)
    print(f"  efficiency: {run.rate / plain.rate:.2f} of one file's rate", flush=True)


def _decoded(row: dict[str, str]) -> list[dict[str, Any]]:
    from vswin_cli.errors import VideoError  # noqa: PLC0415 - in a worker
    from vswin_cli.runs.worker import decode_views  # noqa: PLC0415

    try:
        views = decode_views(row["path"], SWIN_N_MOTION.protocol, "auto", threads=1)
    except VideoError:
        return []
    return [{"path": row["path"], "views": np.stack([view.frames for view in views])}]


class _Model:
    def __init__(self) -> None:
        import vswin_cli  # noqa: PLC0415 - in a worker

        threads = max(available_processors() - 1, 1)
        self._engine = vswin_cli.load_model(threads=threads, offline=True).engine

    def __call__(self, batch: dict[str, Any]) -> dict[str, Any]:
        each = (np.array(views, np.uint8) for views in batch["views"])  # blocks are read only
        means = [self._engine.compute(views).probabilities.mean(0) for views in each]
        return {"path": batch["path"], "probabilities": np.stack(means)}


def _nodes_lost(size: list[str], expected: Records, plain: Run, kills: int) -> None:
    from ray.cluster_utils import Cluster  # noqa: PLC0415 - of an extra

    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
    try:
        more = cluster.add_node(num_cpus=1)
        run = _started("nodes/", *size, "--cluster", cluster.address)
        for kill in range(kills):
            _wait_for_a_shard(Path("nodes"), run)
            is_in_time = run.poll() is None
            cluster.remove_node(more, allow_graceful=False)
            more = cluster.add_node(num_cpus=1)
            num_done = len(list(Path("nodes").glob("part-*")))
            late = "" if is_in_time else ", after the end"
            print(f"  node {kill + 1} lost, {num_done} shards there{late}", flush=True)
        run.wait()
        assert run.returncode == 1, run.returncode
    finally:
        cluster.shutdown()
    _compare(Path("nodes"), expected)


def _commands_killed(size: list[str], expected: Records, plain: Run, kills: int) -> None:
    for kill in range(kills):
        run = _started("commands/", *size, "--cluster", "local")
        _wait_for_a_shard(Path("commands"), run)
        is_in_time = run.poll() is None
        run.kill()
        run.wait()
        num_done = len(list(Path("commands").glob("part-*")))
        late = "" if is_in_time else ", after the end"
        print(f"  command {kill + 1} killed, {num_done} shards there{late}", flush=True)
    _label("commands/", *size, "--cluster", "local")
    _compare(Path("commands"), expected)


def _make_clips(folder: Path, num_videos: int) -> None:
    folder.mkdir()
    sources = itertools.cycle(sorted(SAMPLES.glob("*.mp4")))
    for number in range(num_videos):
        path = folder / f"clip{number:06}.mp4"
        if number % 20 == 7:
            path.write_bytes(b"\0" * 100)
        else:
            shutil.copy(next(sources), path)


def _command(output: str, *options: str) -> list[str]:
    return [str(VSWIN), "label", "videos", "-o", output, *options]


def _started(output: str, *options: str) -> "subprocess.Popen[bytes]":
    silent = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    return subprocess.Popen(_command(output, *options), **silent)


def _label(output: str, *options: str, first: int = 1) -> Run:
    """Run the command to its end; the rate is that after this number of videos, at least."""
    start = monotonic()
    seen: list[tuple[float, int]] = []  # (time, number of videos done)
    lines: list[str] = []
    silent = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(_command(output, *options), **silent) as run:
        for line in run.stderr:
            lines.append(line)
            if match := _NUM_DONE.match(line):
                seen.append((monotonic(), int(match[1] or match[2])))
    assert run.returncode in (0, 1), "".join(lines)
    seen = [each for each in seen if each[1] >= first]
    (begin, num_before), (end, num_done) = seen[0], seen[-1]
    rate = (num_done - num_before) / (end - begin) if end > begin else float("nan")
    return Run(monotonic() - start, rate)


def _tell(name: str, run: Run) -> None:
    print(f"{name}: {run.seconds:.1f} s, {run.rate:.2f} videos per second", flush=True)


def _records(output: Path) -> Records:
    """Read the result for each video, which must occur once."""
    shards = sorted(output.glob("part-*")) if output.is_dir() else [output]
    rows = [row for shard in shards for row in pq.read_table(shard).to_pylist()]
    found = {
        row["video"]: (
            row["error_kind"],
            {scored["label"]: scored["probability"] for scored in row["predictions"]},
        )
        for row in rows
    }
    assert len(found) == len(rows), f"{output}: {len(rows) - len(found)} twice"
    return found


def _compare(output: Path, expected: Records) -> None:
    found = _records(output)
    assert found.keys() == expected.keys(), f"{output}: {len(found)} of {len(expected)} videos"
    most = 0.0
    for video, (kind, labels) in found.items():
        assert (kind, labels.keys()) == (expected[video][0], expected[video][1].keys()), video
        most = max(most, *(abs(labels[name] - expected[video][1][name]) for name in labels), 0.0)
    assert most <= 1e-6, most
    num_failed = sum(kind is not None for kind, _ in found.values())
    print(
        f"  {len(found)} videos, each once, {num_failed} of them failed; "
        f"probabilities within {most:.0e}",
        flush=True,
    )


def _wait_for_a_shard(output: Path, run: "subprocess.Popen[bytes]") -> None:
    count = len(list(output.glob("part-*")))
    while len(list(output.glob("part-*"))) <= count and run.poll() is None:
        sleep(0.2)


if __name__ == "__main__":
    main()
