"""What a folder of shards and a cluster cost beside one file, and what they survive.

    python benchmarks/cluster.py [--num-videos 400] [--shard-size N] [--kills 5]

Makes small clips, one in twenty of them broken; labels them by `vswin label` into one file, into a
folder of shards, and on a Ray cluster of one node with the same processors; compares the records;
then kills, so many times, a node of two in the middle of a run, and the command itself, and
compares again. Needs the extras `test` and `ray`.
"""

import argparse
import itertools
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from time import monotonic, sleep

import pyarrow.parquet as pq

VSWIN = Path(sys.executable).with_name("vswin")
SAMPLES = Path(__file__).parents[1] / "sample_videos"


def main() -> None:
    """Measure, and print a line each."""
    parser = argparse.ArgumentParser(description="Measure runs into folders of shards.")
    parser.add_argument("--num-videos", type=int, default=400)
    parser.add_argument("--shard-size", type=int, default=100)
    parser.add_argument("--kills", type=int, default=5)
    asked = parser.parse_args()
    os.environ |= {"RAY_USAGE_STATS_ENABLED": "0", "VSWIN_OFFLINE": "1"}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.chdir(folder)
        _make_clips(folder / "videos", asked.num_videos)
        _label("warm/", "--include", "clip0000*")  # exports the model's graph
        expected = {}
        plain = 0.0
        size = ["--shard-size", str(asked.shard_size)]
        for output, *options in (
            ["one.parquet"],
            ["shards/", *size],
            ["ray/", *size, "--cluster", "local"],
        ):
            start = monotonic()
            _label(output, *options)
            seconds = monotonic() - start
            records = _records(folder / output)
            expected = expected or records
            plain = plain or seconds
            rate = asked.num_videos / seconds
            print(f"{output:12} {seconds:6.1f} s {rate:6.1f} videos/s {plain / seconds:.2f}")
            assert records == expected, f"{output} differs"
        for kill in range(asked.kills):
            _with_a_node_lost(folder, kill, size, expected)
        for kill in range(asked.kills):
            _with_a_killed_command(folder, kill, size, expected)


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
    return [str(VSWIN), "label", "videos", "-o", output, "-q", *options]


def _label(output: str, *options: str) -> None:
    command = _command(output, *options)
    run = subprocess.run(command, check=False, stderr=subprocess.PIPE, text=True)
    assert run.returncode in (0, 1), run.stderr


def _records(output: Path) -> dict[str, tuple[object, ...]]:
    """What was found of each video, once."""
    shards = sorted(output.glob("part-*")) if output.is_dir() else [output]
    rows = [row for shard in shards for row in pq.read_table(shard).to_pylist()]
    found = {
        row["video"]: (
            row["error_kind"],
            *((p["label"], round(p["probability"], 6)) for p in row["predictions"]),
        )
        for row in rows
    }
    assert len(found) == len(rows), f"{output}: {len(rows) - len(found)} twice"
    return found


def _with_a_node_lost(
    folder: Path, number: int, size: list[str], expected: dict[str, tuple[object, ...]]
) -> None:
    from ray.cluster_utils import Cluster  # noqa: PLC0415 - of an extra

    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
    more = cluster.add_node(num_cpus=1)
    try:
        output = f"node{number}/"
        command = _command(output, *size, "--cluster", cluster.address)
        run = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        _wait_for_shards(folder / output, 1, run)
        sleep(2 * number)
        cluster.remove_node(more, allow_graceful=False)
        run.wait()
        assert run.returncode in (0, 1)
    finally:
        cluster.shutdown()
    assert _records(folder / output) == expected
    print(f"a node lost, {number + 1}: each video once")


def _with_a_killed_command(
    folder: Path, number: int, size: list[str], expected: dict[str, tuple[object, ...]]
) -> None:
    output = f"killed{number}/"
    run = subprocess.Popen(_command(output, *size, "--cluster", "local"), stderr=subprocess.DEVNULL)
    _wait_for_shards(folder / output, 1, run)
    sleep(2 * number)
    run.kill()
    run.wait()
    _label(output, *size, "--cluster", "local")
    assert _records(folder / output) == expected
    print(f"the command killed, {number + 1}: each video once")


def _wait_for_shards(output: Path, count: int, run: "subprocess.Popen[bytes]") -> None:
    while len(list(output.glob("part-*"))) < count and run.poll() is None:
        sleep(0.2)


if __name__ == "__main__":
    main()
