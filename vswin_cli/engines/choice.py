"""The choice of the fastest backend: measured once per machine with a GPU, then kept."""

import hashlib
import json
import logging
import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from vswin_cli.engines.base import BACKENDS, Backend
from vswin_cli.engines.gpu import describe_devices, gpu_candidates, usable_gpu_backends
from vswin_cli.system.files import read_small, replacing
from vswin_cli.system.processors import available_processors

SPEEDS = "backends.json"  # views per second by `_machine`, in the folder of the graphs
_MOST_BYTES = 1_000_000
_MOST_SECONDS = 300.0  # time limit for measuring one backend
_log = logging.getLogger(__name__)


def views_a_second_of(backend: Backend) -> float | None:
    """Time a backend in a separate process; None if it fails, which is logged."""
    try:
        done = subprocess.run(
            [sys.executable, "-P", "-m", "vswin_cli.engines.speed", backend],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_MOST_SECONDS,
            check=True,
        )
        return round(float(done.stdout), 2)
    except (OSError, subprocess.SubprocessError, ValueError) as exc:
        _log.info("%s cannot be measured: %s", backend, exc)
        return None


Measure = Callable[[Backend], float | None]


def fastest_backend(
    on_cpu: Backend,
    cache_folder: Path | None,
    candidates: Callable[[], list[Backend]] = gpu_candidates,  # type: ignore[assignment]
    usable: Callable[[], list[Backend]] = usable_gpu_backends,  # type: ignore[assignment]
    measure: Measure = views_a_second_of,
) -> Backend:
    """Choose a backend: the one for CPUs, unless one on a GPU is faster.

    Without a GPU, or without a backend that is installed for it, this costs nothing. Otherwise all
    backends are measured, which takes a minute or two, and the results are kept.

    Args:
        on_cpu: The backend without a GPU.
        cache_folder: Where to keep the results; None keeps nothing.
        candidates: Lists the backends that are installed with GPU support.
        usable: Lists the backends that can compute on a GPU.
        measure: Times one backend; returns None if it does not work.
    """
    if not candidates():
        return on_cpu
    machine = _machine()
    speeds = _known(cache_folder).get(machine)
    if speeds is None:
        _log.info("measuring which backend is fastest on this machine; this happens once")
        tried = dict.fromkeys([*usable(), on_cpu])
        speeds = {str(backend): measure(backend) for backend in tried}
        _keep(cache_folder, machine, speeds)
    _log.info("views per second: %s", ", ".join(f"{name} {rate}" for name, rate in speeds.items()))
    return max(BACKENDS, key=lambda name: (speeds.get(name) or 0.0, name == on_cpu))


def _machine() -> str:
    """Everything that the speeds depend on: devices, drivers, processors, versions."""
    parts = [describe_devices(), str(available_processors()), "1"]  # version of `engines/speed.py`
    for package in ("vswin", *BACKENDS, "keras", "jaxlib"):
        with suppress(PackageNotFoundError):
            parts.append(f"{package} {version(package)}")
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]


def _known(cache_folder: Path | None) -> dict[str, dict[str, float | None]]:
    if cache_folder is None:
        return {}
    try:
        found = json.loads(read_small(cache_folder / SPEEDS, _MOST_BYTES))
    except (OSError, ValueError):
        return {}
    is_sound = isinstance(found, dict) and all(
        isinstance(speeds, dict)
        and all(isinstance(rate, float | int | None) for rate in speeds.values())
        for speeds in found.values()
    )
    return found if is_sound else {}


def _keep(cache_folder: Path | None, machine: str, speeds: dict[str, float | None]) -> None:
    if cache_folder is None:
        return
    try:
        cache_folder.mkdir(parents=True, exist_ok=True)
        content = json.dumps(_known(cache_folder) | {machine: speeds})
        own = cache_folder / f".{SPEEDS}.{os.getpid()}.tmp"  # another process may write it too
        with replacing(cache_folder / SPEEDS, temporary=own) as temporary:
            temporary.write_text(content)
    except OSError as exc:
        _log.info("%s is not written: %s", cache_folder / SPEEDS, exc)
