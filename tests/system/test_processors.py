"""The count of processors: affinity, and the quotas of both versions of control groups."""

import os
import sys

import pytest

from vswin_cli.system.processors import available_processors

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits processors")


@pytest.fixture
def many(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(64)))


def count(tmp_path, membership, files):
    for name, content in files.items():
        path = tmp_path / "cgroup" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    (tmp_path / "self").write_text(membership)
    return available_processors(tmp_path / "cgroup", tmp_path / "self")


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({}, 64),
        ({"cpu.max": "max 100000\n"}, 64),
        ({"cpu.max": "150000 100000\n"}, 2),
        ({"cpu.max": "1000 100000\n"}, 1),
        ({"a/cpu.max": "400000 100000\n"}, 4),
        ({"a/b/cpu.max": "max 100000\n", "a/cpu.max": "300000 100000\n"}, 3),
        ({"a/b/cpu.max": "9900000 100000\n"}, 64),
    ],
)
def test_quota_of_any_group_above_counts(tmp_path, many, files, expected):
    assert count(tmp_path, "0::/a/b\n", files) == expected


def test_quota_of_the_older_version_counts(tmp_path, many):
    files = {
        "cpu,cpuacct/docker/x/cpu.cfs_quota_us": "250000\n",
        "cpu,cpuacct/docker/x/cpu.cfs_period_us": "100000\n",
        "cpu,cpuacct/cpu.cfs_quota_us": "-1\n",
        "cpu,cpuacct/cpu.cfs_period_us": "100000\n",
    }
    membership = "4:memory:/docker/x\n2:cpu,cpuacct:/docker/x\n"
    assert count(tmp_path, membership, files) == 3


def test_affinity_counts(tmp_path):
    assert available_processors(tmp_path, tmp_path / "none") == len(os.sched_getaffinity(0))
