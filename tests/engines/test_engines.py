"""Every engine compared with the original's logits, each in a separate process."""

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import openvino
import pytest
from converting import keras_on_tensorflow
from reference import tensor, video

from vswin_cli.engines import registry
from vswin_cli.engines.base import BACKENDS
from vswin_cli.engines.keras import import_keras
from vswin_cli.engines.registry import load_engine, resolve_backend
from vswin_cli.errors import BackendError
from vswin_cli.network.checkpoint import key_table
from vswin_cli.zoo.catalog import find_model

TESTS = Path(__file__).parents[1]
REFERENCE = json.loads((TESTS / "data" / "logits.json").read_text())["cases"]

INSTALLED = [
    pytest.param(
        backend,
        marks=pytest.mark.skipif(find_spec(backend) is None, reason=f"{backend} is not installed"),
    )
    for backend in BACKENDS
]


@pytest.fixture(scope="session")
def compute_each(checkpoint):
    """Run engines in one process: `compute_each(folder, backend, [(precision, model, views), …])`.

    They must be silent. A fourth value of a run says whether its file has a head.
    """

    def run(folder, backend, runs):
        files = []
        for number, (precision, model, views, *head) in enumerate(runs):
            views_file, target = (folder / f"{number}.{suffix}" for suffix in ("npy", "npz"))
            np.save(views_file, views)
            weights = checkpoint(model, head=all(head))
            files.append([precision, model, *map(str, (weights, views_file, target))])
        (folder / "runs.json").write_text(json.dumps(files))
        finished = subprocess.run(
            [sys.executable, TESTS / "engine_run.py", backend, folder / "runs.json"],
            capture_output=True,
            text=True,
        )
        assert (finished.returncode, finished.stderr) == (0, "")
        return [dict(np.load(target)) for *_, target in files]

    return run


def small_runs():
    """Runs of small models, by description."""
    rng = np.random.default_rng(0)
    views = rng.integers(0, 256, (6, 4, 24, 24, 3), dtype=np.uint8)
    return {
        "whole": ("float32", "nano", views),
        "first": ("float32", "nano", views[:1]),
        "others": ("float32", "nano", views[1:]),
        "without head": ("float32", "nano", views, False),
        "bfloat16": ("bfloat16", "nano", views),
        "wide": ("float32", "nano-ssv2", rng.integers(0, 256, (1, 32, 60, 56, 3), np.uint8)),
    }


@pytest.fixture(scope="session")
def openvinos(compute_each, made_once):
    """Outputs of OpenVINO for the small runs: `openvinos("wide")`."""

    def compute(folder):
        folder.mkdir()
        compute_each(folder, "openvino", list(small_runs().values()))

    folder = made_once("small runs", compute)
    return lambda name: dict(np.load(folder / f"{list(small_runs()).index(name)}.npz"))


def softmax(logits):
    powers = np.exp(np.asarray(logits) - np.max(logits))
    return powers / powers.sum()


def assert_outputs(outputs, case):
    """Compare log-probabilities, which are the logits except for one constant, and as sensitive."""
    [probabilities], [features] = outputs["probabilities"], outputs["features"]
    expected = np.log(softmax(case["logits"]))
    np.testing.assert_allclose(np.log(probabilities), expected, rtol=0, atol=2e-4)
    if "pooled_features" in case:
        np.testing.assert_allclose(features, case["pooled_features"], rtol=0, atol=2e-4)


@pytest.mark.slow
def test_openvino_computes_the_outputs_of_the_original(compute_each, tmp_path):
    """In one process, since Keras, which exports the graphs, takes seconds to import."""
    cases = [case for case in REFERENCE if case["model"] != "swin-b-k400"]
    runs = [("float32", case["model"], video(*case["input"])[np.newaxis]) for case in cases]
    for outputs, case in zip(compute_each(tmp_path, "openvino", runs), cases, strict=True):
        assert_outputs(outputs, case)
        if case["model"] == "swin-b-k600":
            assert_head_of_base_on_kinetics_400(outputs["features"][0])


def assert_head_of_base_on_kinetics_400(features):
    """Swin-B on Kinetics-400 has the features of that on Kinetics-600, and another head."""
    [case] = [case for case in REFERENCE if case["model"] == "swin-b-k400"]
    model = find_model("swin-b-k400")
    keys = key_table(model.architecture, model.num_classes)
    kernel, bias = (tensor(key.dataset, key.shape) for key in keys if "head/" in key.variable)
    np.testing.assert_allclose(features @ kernel + bias, case["logits"], rtol=0, atol=2e-4)


@pytest.mark.slow
@pytest.mark.parametrize("backend", INSTALLED)
def test_every_backend_computes_the_same(compute_each, openvinos, backend, tmp_path):
    """The reference is OpenVINO, which other tests compare with the original."""
    runs = small_runs()
    if backend == "openvino":
        found = {name: openvinos(name) for name in runs}
    else:
        found = dict(zip(runs, compute_each(tmp_path, backend, list(runs.values())), strict=True))
        for name in set(runs) - {"bfloat16"}:
            for output, values in openvinos(name).items():
                np.testing.assert_allclose(found[name][output], values, rtol=0, atol=1e-5)
    whole, backbone = found["whole"], found["without head"]
    assert whole["probabilities"].shape == (6, 400)
    assert backbone["probabilities"].shape == (6, 0)
    np.testing.assert_allclose(backbone["features"], whole["features"], rtol=0, atol=1e-5)
    alone = np.concatenate([found[name]["probabilities"] for name in ("first", "others")])
    np.testing.assert_allclose(alone, whole["probabilities"], rtol=0, atol=1e-5)
    assert_bfloat16_is_close_and_is_not_float32(found["bfloat16"], whole, backend)


def assert_bfloat16_is_close_and_is_not_float32(outputs, whole, backend):
    assert outputs["probabilities"].sum(axis=1) == pytest.approx(np.ones(6), abs=1e-3)
    difference = np.abs(outputs["probabilities"] - whole["probabilities"]).max()
    computes_it = backend != "openvino" or "BF16" in openvino.Core().get_property(
        "CPU", "OPTIMIZATION_CAPABILITIES"
    )
    assert difference < 0.05
    assert (difference > 1e-5) == computes_it  # OpenVINO uses float32 if the CPU lacks it


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
@pytest.mark.keras
def test_second_backend_in_one_process_is_refused():
    keras_on_tensorflow()
    with pytest.raises(BackendError, match="keras already runs on tensorflow in this process"):
        import_keras("openvino")
