"""How many processors and how much memory this process may use, with its container's limits."""

from math import ceil
from pathlib import Path

from vswin_cli.system.platform import allowed_processors, physical_memory

_MAX_DECODER_THREADS = 4  # each holds frames: more threads would need too much memory for 4K

_CONTROL_GROUPS = Path("/sys/fs/cgroup")
_MEMBERSHIP = Path("/proc/self/cgroup")


def available_processors(
    control_groups: Path = _CONTROL_GROUPS, membership: Path = _MEMBERSHIP
) -> int:
    """Count the processors that this process may use at the same time, at least 1.

    Args:
        control_groups: Folder of Linux control groups, versions 1 and 2.
        membership: File with the control groups of this process.

    Source: the kernel's admin-guide/cgroup-v2.rst, scheduler/sched-bwc.rst; cgroups(7).
    """
    allowed = allowed_processors()
    return max(1, min(allowed, *map(ceil, _quotas(control_groups, membership)), allowed))


def available_memory() -> int:
    """Return the memory in bytes that this process may use: the machine's, or its container's."""
    found = [physical_memory()]
    for folder in _groups("memory", _CONTROL_GROUPS, _MEMBERSHIP):
        for name in ("memory.max", "memory.limit_in_bytes"):
            try:
                found.append(int((folder / name).read_text()))
            except (OSError, ValueError):  # no file, or `max`, which means no limit
                continue
    return min(found)


def _quotas(control_groups: Path, membership: Path) -> list[float]:
    """Processors' worth of time that each group above this process grants it."""
    return [
        quota for folder in _groups("cpu", control_groups, membership) for quota in _quota(folder)
    ]


def _groups(controller: str, control_groups: Path, membership: Path) -> list[Path]:
    """List the folders of this process's groups, from the innermost outward."""
    try:
        lines = membership.read_text().splitlines()
    except OSError:  # not Linux
        return []
    found = []
    for line in lines:
        _, controllers, group = line.split(":", 2)
        if controllers and controller not in controllers.split(","):
            continue
        # In a container, its group is at the root, regardless of the path.
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
    except (OSError, ValueError, ZeroDivisionError):  # no file, or `max`, which means no limit
        return []


def decoder_threads(threads: int | None = None) -> int:
    """Return the number of decoding threads: `threads`, or the number of processors, limited."""
    return min(threads or available_processors(), _MAX_DECODER_THREADS)
