"""How many processors and how much memory this process may use, by its container's limits too."""

from math import ceil
from pathlib import Path

from vswin_cli.system.platform import allowed_processors, physical_memory

_MAX_DECODER_THREADS = 4  # each holds frames: more would cost an hour of 4K its memory

_CONTROL_GROUPS = Path("/sys/fs/cgroup")
_MEMBERSHIP = Path("/proc/self/cgroup")


def available_processors(
    control_groups: Path = _CONTROL_GROUPS, membership: Path = _MEMBERSHIP
) -> int:
    """Count the processors that work of this process may run on at a time; at least 1.

    Args:
        control_groups: Where Linux shows the control groups, versions 1 and 2.
        membership: Where it says in which of them this process is.

    Source: the kernel's admin-guide/cgroup-v2.rst, scheduler/sched-bwc.rst; cgroups(7).
    """
    allowed = allowed_processors()
    return max(1, min(allowed, *map(ceil, _quotas(control_groups, membership)), allowed))


def available_memory(control_groups: Path = _CONTROL_GROUPS, membership: Path = _MEMBERSHIP) -> int:
    """Count the bytes that this process may use: the machine's, or its container's if fewer.

    Args:
        control_groups: As for `available_processors`.
        membership: Likewise.
    """
    found = [physical_memory()]
    for folder in _groups("memory", control_groups, membership):
        for name in ("memory.max", "memory.limit_in_bytes"):
            try:
                found.append(int((folder / name).read_text()))
            except (OSError, ValueError):  # no such file; `max`, which is no limit
                continue
    return min(found)


def _quotas(control_groups: Path, membership: Path) -> list[float]:
    """Processors' worth of time that each group above this process grants it."""
    return [
        quota for folder in _groups("cpu", control_groups, membership) for quota in _quota(folder)
    ]


def _groups(controller: str, control_groups: Path, membership: Path) -> list[Path]:
    """The folders of the groups that this process is in, from the innermost out."""
    try:
        lines = membership.read_text().splitlines()
    except OSError:  # not Linux
        return []
    found = []
    for line in lines:
        _, controllers, group = line.split(":", 2)
        if controllers and controller not in controllers.split(","):
            continue
        # A container sees its own group at the root, no matter what the path says.
        root = control_groups / controllers if controllers else control_groups
        path = root / group.lstrip("/")
        for folder in (path, *path.parents):
            found.append(folder)
            if folder == root:
                break
    return found


def _quota(folder: Path) -> list[float]:
    try:
        if (folder / "cpu.max").exists():
            quota, period = (folder / "cpu.max").read_text().split()
        else:
            quota = (folder / "cpu.cfs_quota_us").read_text()
            period = (folder / "cpu.cfs_period_us").read_text()
        return [int(quota) / int(period)] if int(quota) > 0 else []
    except (OSError, ValueError, ZeroDivisionError):  # no such file; `max`, which is no limit
        return []


def decoder_threads(threads: int | None = None) -> int:
    """Threads to decode with: as many as asked for, or as there are processors, within bounds."""
    return min(threads or available_processors(), _MAX_DECODER_THREADS)
