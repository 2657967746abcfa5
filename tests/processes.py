"""The system's data about processes, for tests that count them or their memory."""

import os
from pathlib import Path

from forking import FORKING


def children(pid):
    """List process ids of all running descendants, except those that tests share."""
    found = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            direct = [int(child) for child in task.read_text().split()]
        except OSError:
            continue
        for child in direct:
            if not _is_shared(child):
                found += [child, *children(child)]
    return found


def _is_shared(pid):
    """Return whether it is the browser, one of `apart.py`, or the one that forks."""
    try:
        name = Path(f"/proc/{pid}/comm").read_text()
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return False
    return name.startswith(("chrom", FORKING)) or any(word.endswith(b"/apart.py") for word in words)


def is_running(pid):
    """Return whether a process exists and is not a zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def resident_bytes(pids):
    """Return the memory of the processes; shared pages count once per process."""
    total = 0
    for pid in pids:
        try:
            total += int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        except OSError:
            continue
    return total * os.sysconf("SC_PAGESIZE")
