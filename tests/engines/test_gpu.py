"""Whether `auto` takes a GPU; machines without one show that it is silent, and cheap."""

import subprocess
import sys

import pytest

from vswin_cli.engines import gpu
from vswin_cli.engines.gpu import usable_gpu_backend
from vswin_cli.engines.registry import resolve_backend

WORKS = "assert True"
FAILS = "import sys; print('noise', file=sys.stderr); assert False"
DIES = "import os; os.abort()"


@pytest.fixture
def device(tmp_path, monkeypatch):
    """A device file, and backends that are all installed for a GPU."""
    for name in ("CUDA_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(gpu, "_IS_BUILT_FOR_GPU", dict.fromkeys(gpu._TRIALS, lambda: True))
    path = tmp_path / "gpu"
    path.touch()
    return str(path)


@pytest.mark.parametrize(
    ("trials", "expected"),
    [
        ({"tensorflow": WORKS, "jax": WORKS, "torch": WORKS}, "tensorflow"),
        ({"tensorflow": FAILS, "jax": WORKS, "torch": WORKS}, "jax"),
        ({"tensorflow": DIES, "jax": FAILS, "torch": WORKS}, "torch"),
        ({"tensorflow": DIES, "jax": FAILS, "torch": FAILS}, None),
    ],
)
def test_first_backend_that_really_computes_is_taken(device, trials, expected, capfd):
    assert usable_gpu_backend([device], trials) == expected
    assert capfd.readouterr() == ("", "")


def test_nothing_is_tried_without_a_device_or_where_it_is_hidden(device, tmp_path, monkeypatch):
    trials = {"torch": f"open({str(tmp_path / 'tried')!r}, 'w')"}
    assert usable_gpu_backend([str(tmp_path / "none")], trials) is None
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert usable_gpu_backend([device], trials) is None
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "-1")
    assert usable_gpu_backend([device], trials) is None
    assert not (tmp_path / "tried").exists()
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    assert usable_gpu_backend([device], trials) == "torch"
    assert (tmp_path / "tried").exists()


def test_backends_that_are_installed_for_no_gpu_are_not_tried(device, tmp_path, monkeypatch):
    monkeypatch.setattr(gpu, "_IS_BUILT_FOR_GPU", dict.fromkeys(gpu._TRIALS, lambda: False))
    assert usable_gpu_backend([device], dict.fromkeys(gpu._TRIALS, WORKS)) is None


def test_trials_fail_where_no_gpu_is_to_be_seen(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "-1")
    assert not gpu._succeeds(gpu._TRIALS["torch"])


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
