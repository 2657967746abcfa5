"""Every engine against the original's logits, each in a process of its own."""

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import openvino
import pytest
from reference import video

from vswin_cli.engines import registry
from vswin_cli.engines.base import BACKENDS
from vswin_cli.engines.registry import load_engine, resolve_backend
from vswin_cli.errors import BackendError
from vswin_cli.zoo.catalog import find_model

TESTS = Path(__file__).parents[1]
REFERENCE = json.loads((TESTS / "data" / "logits.json").read_text())["cases"]
TINY_CASES = [case for case in REFERENCE if case["model"] == "swin-t-k400"]
LARGER_CASES = [case for case in REFERENCE if case["model"] != "swin-t-k400"]

INSTALLED = [
    pytest.param(
        backend,
        marks=pytest.mark.skipif(find_spec(backend) is None, reason=f"{backend} is not installed"),
    )
    for backend in BACKENDS
]


@pytest.fixture
def compute_each(checkpoint, tmp_path):
    """Run engines: `compute_each(backend, precision, model, [views, …])`; they must be silent."""

    def run(backend, precision, model, views_of_each, *, top=True):
        for number, views in enumerate(views_of_each):
            np.save(tmp_path / f"{number}.npy", views)
        arguments = [backend, precision, model, checkpoint(model, top=top), tmp_path]
        finished = subprocess.run(
            [sys.executable, TESTS / "engine_run.py", *arguments], capture_output=True, text=True
        )
        assert (finished.returncode, finished.stderr) == (0, "")
        return [dict(np.load(tmp_path / f"{number}.npz")) for number in range(len(views_of_each))]

    return run


@pytest.fixture
def compute(compute_each):
    """Run one engine: `compute(backend, precision, model, views)`."""

    def run(backend, precision, model, views, *, top=True):
        [outputs] = compute_each(backend, precision, model, [views], top=top)
        return outputs

    return run


def softmax(logits):
    powers = np.exp(np.asarray(logits) - np.max(logits))
    return powers / powers.sum()


def assert_outputs(outputs, case):
    """Log-probabilities are the logits but for one constant, and as sensitive."""
    [probabilities], [features] = outputs["probabilities"], outputs["features"]
    expected = np.log(softmax(case["logits"]))
    np.testing.assert_allclose(np.log(probabilities), expected, rtol=0, atol=2e-4)
    if "pooled_features" in case:
        np.testing.assert_allclose(features, case["pooled_features"], rtol=0, atol=2e-4)


def label(case):
    return f"{case['model']}-{'x'.join(map(str, case['input']))}"


@pytest.mark.slow
@pytest.mark.parametrize("backend", INSTALLED)
def test_every_backend_computes_the_outputs_of_the_original(compute_each, backend):
    views = [video(*case["input"])[np.newaxis] for case in TINY_CASES]
    computed = compute_each(backend, "float32", "swin-t-k400", views)
    for outputs, case in zip(computed, TINY_CASES, strict=True):
        assert_outputs(outputs, case)


@pytest.mark.slow
@pytest.mark.parametrize("case", LARGER_CASES, ids=label)
def test_larger_models_compute_the_outputs_of_the_original(compute, case):
    assert_outputs(compute("openvino", "float32", case["model"], video()[np.newaxis]), case)


@pytest.mark.slow
def test_largest_model_computes_the_same_on_tensorflow(compute):
    """Its window is another one; what else the larger ones have is more of the same."""
    [case] = [case for case in LARGER_CASES if case["model"] == "swin-b-ssv2"]
    assert_outputs(compute("tensorflow", "float32", case["model"], video()[np.newaxis]), case)


@pytest.mark.slow
@pytest.mark.parametrize("backend", INSTALLED)
def test_file_without_top_gives_the_features_alone(compute, backend):
    views = np.random.default_rng(0).integers(0, 256, (2, 4, 24, 24, 3), dtype=np.uint8)
    whole = compute(backend, "float32", "nano", views)
    backbone = compute(backend, "float32", "nano", views, top=False)
    assert backbone["probabilities"].shape == (2, 0)
    np.testing.assert_allclose(backbone["features"], whole["features"], rtol=0, atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("backend", INSTALLED)
def test_bfloat16_is_close_and_is_not_float32(compute, backend):
    [case] = [case for case in TINY_CASES if case["input"] == [8, 112, 112]]
    views = video(*case["input"])[np.newaxis]
    outputs = compute(backend, "bfloat16", case["model"], views)
    [computed] = outputs["probabilities"]
    assert computed.sum() == pytest.approx(1, abs=1e-3)
    difference = np.abs(computed - softmax(case["logits"])).max()
    computes_it = backend != "openvino" or "BF16" in openvino.Core().get_property(
        "CPU", "OPTIMIZATION_CAPABILITIES"
    )
    assert difference < 0.02
    assert (difference > 1e-5) == computes_it  # OpenVINO takes float32 where the CPU lacks it


@pytest.mark.slow
@pytest.mark.parametrize("backend", INSTALLED)
def test_views_do_not_depend_on_what_else_is_in_the_batch(compute_each, backend):
    views = np.random.default_rng(0).integers(0, 256, (6, 4, 24, 24, 3), dtype=np.uint8)
    both, *alone = compute_each(backend, "float32", "nano", [views, views[:1], views[1:]])
    assert both["probabilities"].shape == (6, 400)
    found = np.concatenate([outputs["probabilities"] for outputs in alone])
    np.testing.assert_allclose(found, both["probabilities"], rtol=0, atol=1e-5)


def test_auto_takes_what_is_installed(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "-1")
    assert resolve_backend("auto") == "openvino"
    monkeypatch.setattr(registry, "find_spec", lambda name: None)
    assert resolve_backend("auto") == "tensorflow"


def test_backend_that_is_not_installed_is_named(monkeypatch, tmp_path):
    monkeypatch.setattr(registry, "find_spec", lambda name: None)
    with pytest.raises(BackendError, match=r"jax backend is not installed.*pip install"):
        load_engine(
            find_model("swin-t-k400"),
            tmp_path / "none",
            backend="jax",
            precision="float32",
            view_size=(32, 224, 224),
        )


def test_second_backend_in_one_process_is_refused(tmp_path):
    code = (
        "from vswin_cli.engines.keras import import_keras\n"
        "import_keras('openvino')\n"
        "import_keras('tensorflow')\n"
    )
    finished = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "keras already runs on openvino in this process" in finished.stderr.splitlines()[-1]
