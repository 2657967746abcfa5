"""Whether `auto` takes a GPU; machines without one show that it is silent, and cheap."""

import subprocess
import sys

import pytest

from vswin_cli.engines.gpu import TRIALS, Trial, usable_gpu_backend
from vswin_cli.engines.registry import resolve_backend

WORKS = "assert True"
FAILS = "import sys; print('noise', file=sys.stderr); assert False"
DIES = "import os; os.abort()"


def trials(**codes):
    """Trials of backends that are all installed for a GPU."""
    return {backend: Trial(lambda: True, code) for backend, code in codes.items()}


@pytest.fixture
def device(tmp_path, monkeypatch):
    """A device file."""
    for name in ("CUDA_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES"):
        monkeypatch.delenv(name, raising=False)
    path = tmp_path / "gpu"
    path.touch()
    return str(path)


@pytest.mark.parametrize(
    ("codes", "expected"),
    [
        ({"tensorflow": WORKS, "jax": WORKS, "torch": WORKS}, "tensorflow"),
        ({"tensorflow": FAILS, "jax": WORKS, "torch": WORKS}, "jax"),
        ({"tensorflow": DIES, "jax": FAILS, "torch": WORKS}, "torch"),
        ({"tensorflow": DIES, "jax": FAILS, "torch": FAILS}, None),
    ],
)
def test_first_backend_that_really_computes_is_taken(device, codes, expected, capfd):
    assert usable_gpu_backend([device], trials(**codes)) == expected
    assert capfd.readouterr() == ("", "")


def test_nothing_is_tried_without_a_device_or_where_it_is_hidden(device, tmp_path, monkeypatch):
    torch = trials(torch=f"open({str(tmp_path / 'tried')!r}, 'w')")
    assert usable_gpu_backend([str(tmp_path / "none")], torch) is None
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert usable_gpu_backend([device], torch) is None
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "-1")
    assert usable_gpu_backend([device], torch) is None
    assert not (tmp_path / "tried").exists()
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    assert usable_gpu_backend([device], torch) == "torch"
    assert (tmp_path / "tried").exists()


def test_backends_that_are_installed_for_no_gpu_are_not_tried(device):
    assert usable_gpu_backend([device], {"torch": Trial(lambda: False, WORKS)}) is None


def test_no_backend_computes_where_the_device_is_no_gpu(device):
    """The real trials, as a machine with a driver's file and no GPU would run them."""
    assert usable_gpu_backend([device], trials(torch=TRIALS["torch"].code)) is None


def test_auto_falls_back_to_the_cpu_without_importing_anything(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "-1")
    assert resolve_backend("auto") == "openvino"
    code = (
        "import sys\n"
        "from vswin_cli.engines.registry import resolve_backend\n"
        "resolve_backend('auto')\n"
        "print({'tensorflow', 'jax', 'torch', 'openvino'} & set(sys.modules))\n"
    )
    finished = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (finished.stdout, finished.stderr) == ("set()\n", "")
