"""Whether a GPU is here that one of Keras's backends can use; fast where there is none."""

import os
import re
from collections.abc import Callable
from contextlib import suppress
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from vswin_cli.native_stderr import native_stderr_dropped

GpuBackend = Literal["tensorflow", "jax", "torch"]

_DEVICES = ("/dev/nvidia0", "/dev/nvidiactl", "/dev/kfd", "/dev/dxg")  # NVIDIA's, AMD's, WSL's
_DEVICES_VARIABLE = "VSWIN_GPU_DEVICES"  # other paths, with colons; for tests


def gpu_backend() -> GpuBackend | None:
    """Name the first backend that sees a GPU, or None.

    Packages are looked at only where there is a device, and imported only where they were built for
    one.
    """
    devices = os.environ.get(_DEVICES_VARIABLE, ":".join(_DEVICES)).split(":")
    if not any(map(os.path.exists, devices)):
        return None
    candidates: tuple[tuple[GpuBackend, Callable[[], bool], Callable[[], bool]], ...] = (
        ("tensorflow", _has_libraries_for_tensorflow, _tensorflow_sees_one),
        ("jax", _has_plugin_for_jax, _jax_sees_one),
        ("torch", _is_torch_built_for_one, _torch_sees_one),
    )
    for backend, could_see, sees in candidates:
        # Whatever is wrong with a driver, there is a CPU.
        with suppress(Exception), native_stderr_dropped():
            if could_see() and sees():
                return backend
    return None


def _has_libraries_for_tensorflow() -> bool:
    return all(find_spec(name) for name in ("tensorflow", "nvidia.cudnn"))


def _tensorflow_sees_one() -> bool:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    return bool(import_module("tensorflow").config.list_physical_devices("GPU"))


def _has_plugin_for_jax() -> bool:
    plugins = ("jax_cuda13_plugin", "jax_cuda12_plugin", "jax_rocm7_plugin", "jax_rocm60_plugin")
    return find_spec("jax") is not None and any(map(find_spec, plugins))


def _jax_sees_one() -> bool:
    return bool(import_module("jax").devices("gpu"))


def _is_torch_built_for_one() -> bool:
    """Read it off `torch/version.py`, since importing torch takes seconds."""
    spec = find_spec("torch")
    if spec is None or spec.origin is None:
        return False
    built = Path(spec.origin).with_name("version.py").read_text(encoding="utf-8")
    return re.search(r"^(cuda|hip)\b[^=]*= *'", built, re.MULTILINE) is not None


def _torch_sees_one() -> bool:
    return bool(import_module("torch").cuda.is_available())
