"""The machine: its system, processors, memory and GPU."""

import os
import platform
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

from vswin_cli.diagnosis.log_lines import Lines
from vswin_cli.engines.gpu import DEVICE_FILES, HIDING, usable_gpu_backends
from vswin_cli.system.processors import available_memory, available_processors

_CPU_INFO = Path("/proc/cpuinfo")
_EXTENSIONS = re.compile(  # those that the engines' kernels are written for
    r"sse4_2|avx2?|fma|f16c|avx512(f|bw|vl|_vnni|_bf16|_fp16)|avx_vnni|amx_\w+|asimd\w*|sve2?"
    r"|bf16|i8mm|svebf16"
)
_QUERY = ("nvidia-smi", "--query-gpu=name,driver_version,memory.total", "--format=csv,noheader")
_QUERY_SECONDS = 30.0


def describe_system() -> dict[str, Any]:
    """Describe the system, without names of machine or user."""
    return {
        "system": f"{platform.system()} {platform.release()}",
        "distribution": _distribution(),
        "architecture": platform.machine(),
        "libc": " ".join(platform.libc_ver()) or None,
        "in_container": Path("/.dockerenv").exists() or Path("/run/.containerenv").exists(),
    }


def describe_processors() -> dict[str, Any]:
    """Describe processors, the instruction sets that engines use, and memory."""
    return {
        "name": _cpu_field("model name") or platform.processor() or None,
        "num_processors": os.cpu_count(),
        "num_usable": available_processors(),
        "instruction_sets": _instruction_sets(),
        "memory_gb": round(available_memory() / 1e9, 1),
    }


def describe_gpus() -> dict[str, Any]:
    """Describe GPUs by their drivers, and whether a backend can use one, or why not."""
    notes = Lines()
    with notes.of("vswin_cli.engines.gpu"):
        backends = usable_gpu_backends()
    return {
        "devices": _nvidia_gpus(),
        "device_files": [file for file in DEVICE_FILES if Path(file).exists()],
        "hidden_by": [name for name in HIDING if os.environ.get(name, "0").strip() in ("", "-1")],
        "backends": backends,
        "notes": notes.lines,
    }


def _distribution() -> str | None:
    try:
        return platform.freedesktop_os_release().get("PRETTY_NAME")
    except OSError:  # another system than Linux
        return platform.mac_ver()[0] or platform.win32_ver()[0] or None


def _instruction_sets() -> list[str]:
    flags = (_cpu_field("flags") or _cpu_field("Features")).split()
    if found := [flag for flag in flags if _EXTENSIONS.fullmatch(flag)]:
        return found
    import numpy as np  # noqa: PLC0415 - what it found stands for systems without such a file

    extensions = np.show_config(mode="dicts")["SIMD Extensions"]
    return [*extensions.get("baseline", []), *extensions.get("found", [])]


def _cpu_field(name: str) -> str:
    try:
        lines = _CPU_INFO.read_text().splitlines()
    except OSError:
        return ""
    return next((line.partition(":")[2].strip() for line in lines if line.startswith(name)), "")


def _nvidia_gpus() -> list[str]:
    if shutil.which(_QUERY[0]) is None:
        return []
    try:
        done = subprocess.run(
            _QUERY, capture_output=True, text=True, timeout=_QUERY_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ["nvidia-smi does not answer"]
    lines = [line.strip() for line in done.stdout.splitlines() if line.strip()]
    return lines if done.returncode == 0 else ["nvidia-smi fails", *lines[:1]]
