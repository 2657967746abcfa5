"""The choice of a GPU by `auto`; on machines without one, it is silent and fast."""

import subprocess
import sys
from dataclasses import replace

import pytest
from models import NANO

from vswin_cli.engines.choice import SPEEDS, fastest_backend
from vswin_cli.engines.gpu import TRIALS, Trial, gpu_candidates, usable_gpu_backends
from vswin_cli.engines.registry import resolve_backend
from vswin_cli.engines.speed import views_a_second

WORKS = "assert True"
FAILS = "import sys; print('noise', file=sys.stderr); assert False"
DIES = "import os; os.abort()"


def trials(**codes):
    """Make trials of backends, all installed for a GPU."""
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
        ({"tensorflow": FAILS, "jax": WORKS, "torch": WORKS}, ["jax", "torch"]),
        ({"tensorflow": DIES, "jax": FAILS, "torch": FAILS}, []),
    ],
)
def test_backends_that_really_compute_are_usable(device, codes, expected, capfd):
    assert usable_gpu_backends([device], trials(**codes)) == expected
    assert capfd.readouterr() == ("", "")


def test_nothing_is_tried_without_a_device_or_where_it_is_hidden(device, tmp_path, monkeypatch):
    torch = trials(torch=f"open({str(tmp_path / 'tried')!r}, 'w')")
    assert usable_gpu_backends([str(tmp_path / "none")], torch) == []
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert usable_gpu_backends([device], torch) == []
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "-1")
    assert usable_gpu_backends([device], torch) == []
    assert not (tmp_path / "tried").exists()
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    assert usable_gpu_backends([device], torch) == ["torch"]
    assert (tmp_path / "tried").exists()


def test_backends_that_are_installed_for_no_gpu_are_not_tried(device):
    assert gpu_candidates([device], {"torch": Trial(lambda: False, WORKS)}) == []


def test_no_backend_computes_where_the_device_is_no_gpu(device):
    """The real trials, on a machine with a driver's file but no GPU."""
    assert usable_gpu_backends([device], trials(torch=TRIALS["torch"].code)) == []


def test_the_fastest_is_measured_once_for_a_machine(tmp_path, monkeypatch):
    speeds = {"tensorflow": 3.0, "torch": 9.0, "jax": None, "openvino": 2.0}
    measured = []

    def measure(backend):
        measured.append(backend)
        return speeds[backend]

    def chosen():
        gpu = ["tensorflow", "jax", "torch"]
        return fastest_backend("openvino", tmp_path, lambda: gpu, lambda: gpu, measure)

    assert [chosen(), chosen()] == ["torch", "torch"]
    assert sorted(measured) == sorted(speeds)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1")  # looks like another machine
    speeds["openvino"] = 10.0
    assert chosen() == "openvino"
    (tmp_path / SPEEDS).write_text('{"x": 1}')
    speeds["tensorflow"] = 11.0
    assert chosen() == "tensorflow"


def test_without_a_gpu_nothing_is_measured(tmp_path):
    def never(*backend):
        raise AssertionError(backend)

    assert fastest_backend("openvino", tmp_path, list, never, never) == "openvino"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_speed_is_that_of_real_views(apart):
    protocol = replace(NANO.protocol, clip_len=4, crop_size=32)
    assert apart(views_a_second, "openvino", replace(NANO, protocol=protocol)) > 0


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
