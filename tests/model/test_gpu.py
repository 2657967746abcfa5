"""Which backend `auto` takes where there may be a GPU: a file here; and PyTorch is a stub."""

import os
import subprocess
import sys

import pytest

RESOLVE = """
import sys
from vswin_cli.model.engine import resolve_backend
print(resolve_backend("auto"), *(m for m in ("tensorflow", "jax", "torch") if m in sys.modules))
"""


@pytest.fixture
def resolve(tmp_path):
    """Resolve `auto` in a process of its own, with a device or without; what it imported too."""

    def run(*, device, torch=None, built="'13.0'"):
        environment = {**os.environ, "VSWIN_GPU_DEVICES": str(tmp_path / "device")}
        if device:
            (tmp_path / "device").touch()
        if torch is not None:
            package = tmp_path / "stubs" / "torch"
            package.mkdir(parents=True)
            (package / "version.py").write_text(f"cuda: Optional[str] = {built}\nhip = None\n")
            (package / "__init__.py").write_text(
                f"import sys\nprint('noise', file=sys.stderr)\nclass cuda:\n    {torch}\n"
            )
            environment["PYTHONPATH"] = str(tmp_path / "stubs")
        finished = subprocess.run(
            [sys.executable, "-c", RESOLVE], capture_output=True, text=True, env=environment
        )
        assert finished.returncode == 0
        return finished.stdout.split()

    return run


SEES = "is_available = staticmethod(lambda: True)"
SEES_NOT = "is_available = staticmethod(lambda: False)"
BROKEN = "is_available = staticmethod(lambda: 1 / 0)"


def test_without_a_device_nothing_is_imported(resolve):
    assert resolve(device=False, torch=SEES) == ["openvino"]


def test_device_that_a_package_can_use_is_used(resolve):
    assert resolve(device=True, torch=SEES) == ["torch", "torch"]


@pytest.mark.parametrize("torch", [SEES_NOT, BROKEN])
def test_device_that_cannot_be_used_is_left_alone(resolve, torch):
    assert resolve(device=True, torch=torch)[0] == "openvino"


def test_package_that_was_not_built_for_a_device_is_not_imported(resolve):
    assert resolve(device=True, torch=SEES, built="None") == ["openvino"]
