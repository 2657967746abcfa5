"""Runs on a cluster of two nodes on this machine, which lose nodes and drivers."""

import os
import shutil
import signal
import subprocess
from contextlib import ExitStack, suppress
from importlib.util import find_spec
from pathlib import Path

import pytest
from command import SAMPLES, VSWIN, surroundings
from processes import children
from ray_cluster import ray_cluster
from waiting import wait_until

from vswin_cli.formats.record_files import read_records

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(find_spec("ray") is None, reason="needs the extra `ray`"),
]

NUM_GOOD, NUM_BROKEN = 18, 2
FAST = ("--views", "fast")  # for all runs here


@pytest.fixture(scope="module")
def videos(tmp_path_factory):
    folder = tmp_path_factory.mktemp("videos")
    sources = sorted(SAMPLES.glob("*.mp4"))
    for number in range(NUM_GOOD):
        shutil.copy(sources[number % len(sources)], folder / f"clip{number:02}.mp4")
    for number in range(NUM_BROKEN):
        (folder / f"clip{7 * number + 3:02}-broken.mp4").write_bytes(b"\0" * 100)
    return folder


@pytest.fixture
def cluster(request):
    with ray_cluster(**getattr(request, "param", {})) as nodes:
        nodes.more = nodes.add_node(num_cpus=1)
        yield nodes


@pytest.fixture
def start(cluster, cache, videos, tmp_path):
    """Start `vswin label` on the cluster."""
    with ExitStack() as runs:

        def started(*options):
            command = [VSWIN, "label", videos, "-o", "out/", "--shard-size", "2", *FAST, *options]
            run = subprocess.Popen(
                [*map(str, command), "--cluster", cluster.address],
                cwd=tmp_path,
                env=surroundings(cache),
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            runs.enter_context(run)
            runs.callback(run.kill)  # if the test fails
            return run

        yield started


def predictions(records):
    return {
        record["video"]: [(p["label"], round(p["probability"], 6)) for p in record["predictions"]]
        for record in records
    }


def records_of(folder):
    return [record for shard in folder.glob("part-*") for record in read_records(shard)]


def check(tmp_path, vswin, videos):
    """Check that each video has, once, the record of a run on one machine."""
    vswin("label", videos, "-o", "one.parquet", "-q")
    records = records_of(tmp_path / "out")
    assert len(records) == NUM_GOOD + NUM_BROKEN
    assert predictions(records) == predictions(read_records(tmp_path / "one.parquet"))
    assert (tmp_path / "out" / "_SUCCESS.json").exists()


def kill_a_worker_of(node):
    """Kill a computing actor, a child of the node's raylet; return whether there is one."""
    raylet = node.all_processes["raylet"][0].process.pid
    for pid in children(raylet):
        with suppress(OSError):  # it has ended by itself
            if b"ray::_Actor" in Path(f"/proc/{pid}/cmdline").read_bytes():
                os.kill(pid, signal.SIGKILL)
                return True
    return False


def test_a_driver_workers_and_a_node_that_die_lose_nothing(cluster, start, vswin, videos, tmp_path):
    """The next run continues, and a new worker replaces both that died."""

    def parts():
        return {path.name for path in (tmp_path / "out").glob("part-*")}

    run = start()
    wait_until(parts, 120)
    run.kill()
    run.communicate()
    before = parts()
    run = start()
    wait_until(lambda: parts() - before and kill_a_worker_of(cluster.head_node), 120)
    cluster.remove_node(cluster.more, allow_graceful=False)
    output, errors = run.communicate(timeout=300)
    assert run.returncode == 1, errors
    assert "shards already done" in output
    assert errors.count("warning: a worker died: ") >= 2  # the dead node may get one more
    assert "a worker died: its process crashed or was killed" in errors
    assert "a worker died: out of memory" not in errors
    assert "Traceback" not in errors
    assert all(
        line.startswith(("part-", "error: clip", "warning: a worker"))
        for line in errors.splitlines()
    )
    check(tmp_path, vswin, videos)


@pytest.mark.parametrize(
    "cluster", [{"_system_config": {"memory_usage_threshold": 0.001}}], indirect=True
)
def test_workers_out_of_memory_leave_the_reason_in_records(cluster, vswin, tmp_path, monkeypatch):
    """Ray ends each worker, as on a machine with full memory."""
    monkeypatch.setattr("vswin_cli.shards.ray_workers._DEATHS", 1)
    samples = [SAMPLES / f"{name}.mp4" for name in ("pan_left", "static", "zoom_in")]
    run = vswin("label", *samples, "-o", "out/", "--cluster", cluster.address)
    assert run.returncode == 1
    assert "warning: a worker died: out of memory" in run.stderr
    assert f"failed    {len(samples)}" in run.stdout
    records = records_of(tmp_path / "out")
    assert len(records) == len(samples)
    assert {record["error_kind"] for record in records} == {"crashed"}
    assert all("died: out of memory; run again" in record["error_message"] for record in records)


def test_a_cluster_that_is_not_there_is_told_in_one_line(vswin_process, videos):
    run = vswin_process("label", videos, "-o", "out/", "--cluster", "127.0.0.1:9")
    assert run.returncode == 1
    assert run.stderr.startswith("error: no Ray cluster at 127.0.0.1:9")
    assert run.stderr.count("\n") == 1
