"""Whether a backend can use a GPU of this machine: first by cheap signs, then by a trial."""

import logging
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

GpuBackend = Literal["tensorflow", "jax", "torch"]

# Device files of the drivers of NVIDIA and AMD, and of Windows Subsystem for Linux.
DEVICE_FILES = ("/dev/nvidiactl", "/dev/kfd", "/dev/dxg")
HIDING = ("CUDA_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES")  # empty or -1: use no GPU
_TRIAL_SECONDS = 120.0

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Trial:
    """How to find out whether a backend computes on a GPU.

    Attributes:
        is_built_for_gpu: Whether it is installed with GPU support; imports nothing.
        code: Code for a separate process, because a library that does not fit the driver may crash.
            It exits with 0 if a matrix product on a GPU is correct.
    """

    is_built_for_gpu: Callable[[], bool]
    code: str


def _tensorflow_is_built_for_gpu() -> bool:
    return _is_installed("tensorflow") and _is_installed("nvidia.cudnn")  # tensorflow[and-cuda]


def _jax_is_built_for_gpu() -> bool:
    plugins = ("jax_cuda12_plugin", "jax_cuda13_plugin", "jax_rocm60_plugin", "jax_rocm7_plugin")
    return _is_installed("jax") and any(map(_is_installed, plugins))


def _torch_is_built_for_gpu() -> bool:
    spec = find_spec("torch")
    if spec is None or spec.origin is None:
        return False
    libraries = Path(spec.origin).parent / "lib"
    return any((libraries / f"libtorch_{kind}.so").exists() for kind in ("cuda", "hip"))


TRIALS: Mapping[GpuBackend, Trial] = {
    "tensorflow": Trial(
        _tensorflow_is_built_for_gpu,
        "import tensorflow as tf\n"
        "assert tf.config.list_physical_devices('GPU')\n"
        "with tf.device('/GPU:0'):\n"
        "    ones = tf.ones((64, 64))\n"
        "    assert (ones @ ones)[0, 0] == 64\n",
    ),
    "jax": Trial(
        _jax_is_built_for_gpu,
        "import jax\n"
        "assert jax.default_backend() == 'gpu'\n"
        "ones = jax.numpy.ones((64, 64))\n"
        "assert (ones @ ones)[0, 0] == 64\n",
    ),
    "torch": Trial(
        _torch_is_built_for_gpu,
        "import torch\n"
        "ones = torch.ones((64, 64), device='cuda')\n"
        "assert (ones @ ones)[0, 0] == 64\n",
    ),
}


def gpu_candidates(
    device_files: Sequence[str] = DEVICE_FILES, trials: Mapping[GpuBackend, Trial] = TRIALS
) -> list[GpuBackend]:
    """List the backends with GPU support, if there is a GPU; this costs nothing."""
    if any(os.environ.get(name, "0").strip() in ("", "-1") for name in HIDING):
        return []
    if not any(Path(file).exists() for file in device_files):
        return []
    return [backend for backend, trial in trials.items() if trial.is_built_for_gpu()]


def usable_gpu_backends(
    device_files: Sequence[str] = DEVICE_FILES, trials: Mapping[GpuBackend, Trial] = TRIALS
) -> list[GpuBackend]:
    """Find the backends that compute on a GPU of this machine.

    Nothing is imported or started unless there is a device file of a GPU and a backend with GPU
    support.

    Args:
        device_files: Files of which one exists if there is a GPU.
        trials: Trials by backend.
    """
    found = []
    for backend in gpu_candidates(device_files, trials):
        if _succeeds(trials[backend].code):
            found.append(backend)
        else:
            _log.info("no GPU for %s: it fails to compute on it", backend)
    return found


def visible_gpus() -> list[str]:
    """List the NVIDIA GPUs that this process may use, in the form of CUDA_VISIBLE_DEVICES."""
    if (given := os.environ.get(HIDING[0])) is not None:
        return [name.strip() for name in given.split(",") if name.strip() not in ("", "-1")]
    return [str(n) for n, _ in enumerate(Path("/proc/driver/nvidia/gpus").glob("*"))]


def describe_devices() -> str:
    """Describe the GPUs and their drivers, as far as files show, and hidden GPUs."""
    files = [Path("/proc/driver/nvidia/version")]
    files += sorted(Path("/proc/driver/nvidia/gpus").glob("*/information"))
    files += sorted(Path("/sys/class/kfd/kfd/topology/nodes").glob("*/name"))
    texts = [file.read_text(errors="replace") for file in files if file.is_file()]
    return "\n".join([*texts, *(f"{name}={os.environ.get(name)}" for name in HIDING)])


def _is_installed(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except ModuleNotFoundError:  # of the package that contains it
        return False


def _succeeds(code: str) -> bool:
    try:
        finished = subprocess.run(
            [sys.executable, "-P", "-c", code],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_TRIAL_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return finished.returncode == 0
