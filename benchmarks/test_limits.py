"""Limits of speed, for a machine with nothing else to do: `pytest -n0 benchmarks`."""

import os
import shutil
import subprocess
import sys
import time

import pytest
from command import VSWIN
from misbehaving_server import MisbehavingServer
from reference import write_checkpoint

from vswin_cli.zoo.catalog import find_model


def quickest(*command):
    """Return the shortest time of several tries, measured by an otherwise empty process."""
    code = (
        "import subprocess, sys, time\n"
        "times = []\n"
        "for _ in range(7):\n"
        "    start = time.perf_counter()\n"
        "    subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL)\n"
        "    times.append(time.perf_counter() - start)\n"
        "print(min(times))\n"
    )
    run = subprocess.run([sys.executable, "-c", code, *command], capture_output=True, text=True)
    return float(run.stdout)


@pytest.mark.parametrize("command", ["--help", "--version", "predict --help", "label --help"])
def test_help_answers_within_three_tenths_of_a_second_of_pythons_start(command):
    python = quickest(sys.executable, "-c", "pass")
    assert quickest(VSWIN, *command.split()) - python < 0.3


@pytest.mark.skipif(shutil.which("curl") is None, reason="this test needs curl")
def test_download_takes_as_long_as_curls(tmp_path):
    """Until the file is on the disk, without Python's start and the verification.

    At 100 MB/s, so that other load on the machine hardly matters.
    """
    code = (
        "import sys\n"
        "from pathlib import Path\n"
        "from vswin_cli.weights.cache import weights_file\n"
        "from vswin_cli.weights.fetch import Fetching, fetch\n"
        "from vswin_cli.weights.watch import DownloadWatcher\n"
        "from vswin_cli.zoo.catalog import find_model\n"
        "target = weights_file(find_model('swin-t-k400'), Path(sys.argv[2]))\n"
        "fetching = Fetching(mirror=sys.argv[1], force=True)\n"
        "print(fetch(target, fetching, DownloadWatcher()).download_seconds)\n"
    )
    model = find_model("swin-t-k400")
    published = write_checkpoint(tmp_path / model.classifier_file.name, model)
    os.truncate(published, model.classifier_file.num_bytes)
    ours, theirs = [], []
    with MisbehavingServer(published.read_bytes()) as server:
        server.bytes_per_second = 100e6
        for _ in range(12):  # a busy machine gets more tries
            begun = time.monotonic()
            address = f"{server.mirror}/{published.name}"
            subprocess.run(["curl", "--silent", "-o", tmp_path / "curl", address], check=True)
            theirs.append(time.monotonic() - begun)
            command = [sys.executable, "-c", code, server.mirror, tmp_path / "cache"]
            run = subprocess.run(command, check=True, capture_output=True, text=True)
            ours.append(float(run.stdout))
            if len(ours) >= 3 and min(ours) < 1.1 * min(theirs):
                break
    assert min(ours) < 1.1 * min(theirs)
