"""Every engine against the original's logits, each in a process of its own."""

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import openvino
import pytest
from reference import tensor, video

from vswin_cli.engines import registry
from vswin_cli.engines.base import BACKENDS
from vswin_cli.engines.registry import load_engine, resolve_backend
from vswin_cli.errors import BackendError
from vswin_cli.network.checkpoint import key_table
from vswin_cli.zoo.catalog import find_model

TESTS = Path(__file__).parents[1]
REFERENCE = json.loads((TESTS / "data" / "logits.json").read_text())["cases"]
TINY_CASES = [case for case in REFERENCE if case["model"] == "swin-t-k400"]
[SMALLEST_CASE] = [case for case in TINY_CASES if case["input"] == [8, 112, 112]]
LARGER_CASES = {case["model"]: case for case in REFERENCE if case["model"] != "swin-t-k400"}

INSTALLED = [
    pytest.param(
        backend,
        marks=pytest.mark.skipif(find_spec(backend) is None, reason=f"{backend} is not installed"),
    )
    for backend in BACKENDS
]


@pytest.fixture
def compute_each(checkpoint, tmp_path):
    """Run engines in one process: `compute_each(backend, [(precision, model, views), …])`.

    They must be silent. A fourth value of a run is whether its file is one with top.
    """

    def run(backend, runs):
        files = []
        for number, (precision, model, views, *top) in enumerate(runs):
            views_file, target = (tmp_path / f"{number}.{suffix}" for suffix in ("npy", "npz"))
            np.save(views_file, views)
            weights = checkpoint(model, top=all(top))
            files.append([precision, model, *map(str, (weights, views_file, target))])
        (tmp_path / "runs.json").write_text(json.dumps(files))
        finished = subprocess.run(
            [sys.executable, TESTS / "engine_run.py", backend, tmp_path / "runs.json"],
            capture_output=True,
            text=True,
        )
        assert (finished.returncode, finished.stderr) == (0, "")
        return [dict(np.load(target)) for *_, target in files]

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


@pytest.mark.slow
@pytest.mark.parametrize("backend", INSTALLED)
def test_every_backend_computes_the_outputs_of_the_original(compute_each, backend):
    """In few processes, which take long to start; TensorFlow remarks on five models in one."""
    rng = np.random.default_rng(0)
    small = rng.integers(0, 256, (2, 4, 24, 24, 3), dtype=np.uint8)
    runs = {
        "whole": ("float32", "nano", small),
        "without top": ("float32", "nano", small, False),
        "wide": ("float32", "nano-ssv2", rng.integers(0, 256, (1, 32, 60, 56, 3), np.uint8)),
    }
    found = dict(zip(runs, compute_each(backend, list(runs.values())), strict=True))
    cases = TINY_CASES if backend == "openvino" else TINY_CASES[1:]  # whole views take minutes
    views = [video(*case["input"])[np.newaxis] for case in cases]
    tiny = [("float32", "swin-t-k400", each) for each in views]
    *outputs, found["bfloat16"] = compute_each(
        backend, [*tiny, ("bfloat16", "swin-t-k400", views[-1])]
    )
    for each, case in zip(outputs, cases, strict=True):
        assert_outputs(each, case)
    assert_features_alone_are_the_same(found["without top"], found["whole"])
    assert_bfloat16_is_close_and_is_not_float32(found["bfloat16"], backend)
    if backend != "openvino":  # whose numbers of that window are the original's, as the next shows
        [wide] = compute_each("openvino", [runs["wide"]])
        for name, values in wide.items():
            np.testing.assert_allclose(found["wide"][name], values, rtol=0, atol=1e-5)


def assert_features_alone_are_the_same(backbone, whole):
    assert whole["probabilities"].shape == (2, 400)
    assert backbone["probabilities"].shape == (2, 0)
    np.testing.assert_allclose(backbone["features"], whole["features"], rtol=0, atol=1e-5)


def assert_bfloat16_is_close_and_is_not_float32(outputs, backend):
    [computed] = outputs["probabilities"]
    assert computed.sum() == pytest.approx(1, abs=1e-3)
    difference = np.abs(computed - softmax(SMALLEST_CASE["logits"])).max()
    computes_it = backend != "openvino" or "BF16" in openvino.Core().get_property(
        "CPU", "OPTIMIZATION_CAPABILITIES"
    )
    assert difference < 0.02
    assert (difference > 1e-5) == computes_it  # OpenVINO takes float32 where the CPU lacks it


@pytest.mark.slow
@pytest.mark.parametrize("name", ["swin-s-k400", "swin-b-k600", "swin-b-ssv2"])
def test_larger_models_compute_the_outputs_of_the_original(compute_each, name):
    [outputs] = compute_each("openvino", [("float32", name, video()[np.newaxis])])
    assert_outputs(outputs, LARGER_CASES[name])
    if name == "swin-b-k600":  # to whose features swin-b-k400 gives a head of its own
        case, model = LARGER_CASES["swin-b-k400"], find_model("swin-b-k400")
        keys = key_table(model.architecture, model.num_classes)
        kernel, bias = (tensor(key.dataset, key.shape) for key in keys if "head/" in key.variable)
        np.testing.assert_allclose(
            outputs["features"][0] @ kernel + bias, case["logits"], rtol=0, atol=2e-4
        )


@pytest.mark.slow
@pytest.mark.parametrize("backend", INSTALLED)
def test_views_do_not_depend_on_what_else_is_in_the_batch(compute_each, backend):
    views = np.random.default_rng(0).integers(0, 256, (6, 4, 24, 24, 3), dtype=np.uint8)
    runs = [("float32", "nano", each) for each in (views, views[:1], views[1:])]
    both, *alone = compute_each(backend, runs)
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


@pytest.mark.slow
def test_second_backend_in_one_process_is_refused(tmp_path):
    code = (
        "from vswin_cli.engines.keras import import_keras\n"
        "import_keras('openvino')\n"
        "import_keras('tensorflow')\n"
    )
    finished = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "keras already runs on openvino in this process" in finished.stderr.splitlines()[-1]
