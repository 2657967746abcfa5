"""The Python API: fast imports, models, and a Keras that is left alone."""

import doctest
import json
import os
import subprocess
import sys
from functools import partial
from pathlib import Path

import av
import numpy as np
import pytest
from clips import encode
from command import load_kept_engine, surroundings
from converting import keras_on_tensorflow
from models import SMALLEST

import vswin_cli
from vswin_cli import VswinError, load_model
from vswin_cli.api import loaded, loading
from vswin_cli.network.checkpoint import key_table

ROOT = Path(__file__).parents[2]
LIGHT = {"KERAS_BACKEND": "openvino"}  # Keras on TensorFlow takes three times as long to import
SAMPLES = ROOT / "sample_videos"


@pytest.fixture(scope="module")
def python(tmp_path_factory, cache):
    """Run a program in a folder with `sample_videos`; return its output as JSON."""
    folder = tmp_path_factory.mktemp("programs")
    (folder / "sample_videos").symlink_to(SAMPLES)
    environment = surroundings(cache)

    def run(code, **variables):
        finished = subprocess.run(
            [sys.executable, "-c", f"import vswin_cli as vswin\n{code}"],
            capture_output=True,
            text=True,
            cwd=folder,
            env={**environment, **variables},
        )
        assert finished.returncode == 0, finished.stderr
        return json.loads(finished.stdout.splitlines()[-1])

    return run


@pytest.mark.slow
def test_import_changes_nothing_and_lists_its_names_which_are_on_the_page_of_the_api():
    code = """
import json, logging, os, sys, threading

def page_of_the_api():
    sys.path.append(os.environ["PYTHONPATH"] + "/tools")
    from write_api_page import PAGE, page
    return PAGE.read_text() == page() or "run tools/write_api_page.py"

print(json.dumps([
    sorted({"numpy", "keras", "cv2", "typer", "rich"} & set(sys.modules)),
    dict(os.environ) == json.loads(os.environ["BEFORE"]) | {"BEFORE": os.environ["BEFORE"]},
    [logging.root.handlers, logging.getLogger("vswin_cli").level, threading.active_count()],
    set(vswin.__all__) <= set(dir(vswin)),
    all(getattr(vswin, name) is not None for name in vswin.__all__),
    page_of_the_api(),
]))
"""
    variables = {"PATH": os.environ["PATH"], "HOME": "/nowhere", **LIGHT}
    finished = subprocess.run(
        [sys.executable, "-c", f"import vswin_cli as vswin\n{code}"],
        capture_output=True,
        text=True,
        env={
            **variables,
            "PYTHONPATH": str(ROOT),
            "BEFORE": json.dumps({**variables, "PYTHONPATH": str(ROOT), "LC_CTYPE": "C.UTF-8"}),
        },
    )
    assert json.loads(finished.stdout) == [
        [], True, [[], 0, 1], True, True, True,
    ], finished.stderr  # fmt: skip


@pytest.fixture
def here(vswin, cache, tmp_path, monkeypatch):
    """Return the command, in a folder with `sample_videos` and the commands' cache."""
    (tmp_path / "sample_videos").symlink_to(SAMPLES)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("VSWIN_CACHE", str(cache))
    monkeypatch.setenv("VSWIN_OFFLINE", "1")
    load_engine = partial(load_kept_engine, kept_cache=cache)
    monkeypatch.setattr("vswin_cli.api.model.load_engine", load_engine)
    return vswin


@pytest.mark.slow
@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("module", [loading, loaded])
def test_examples_in_the_docstrings_are_true(module):
    result = doctest.testmod(module, extraglobs={"vswin": vswin_cli})
    assert result.failed == 0
    assert result.attempted >= (2 if module is loading else 9)


@pytest.mark.slow
def test_prediction_is_the_record_that_the_command_prints(here):
    record = load_model().predict("sample_videos/pan_left.mp4", top_k=3).to_dict()
    options = ["--top-k", "3", "--format", "jsonl"]
    printed = json.loads(here("predict", "sample_videos/pan_left.mp4", *options).stdout)
    record = json.loads(json.dumps(record))
    assert {**record, "elapsed_seconds": 0} == {**printed, "elapsed_seconds": 0}
    assert record["predictions"][0]["label"] == "pan left"


@pytest.mark.slow
def test_frames_and_open_files_are_labelled_as_a_lossless_file_of_them(here):
    with av.open("sample_videos/zoom_out.mp4") as container:
        frames = np.stack([f.to_ndarray(format="rgb24") for f in container.decode(video=0)])
    encode(Path("lossless.mkv"), frames, "ffv1", pixel_format="bgr0", rate=24)
    model = load_model(crops=1)
    with Path("lossless.mkv").open("rb") as file:
        results = list(model.predict_each(["lossless.mkv", frames, file]))
    assert [result.scored_labels for result in results] == [results[0].scored_labels] * 3
    assert results[0].scored_labels[0].label == "zoom out"
    assert results[1].num_frames == len(frames)
    np.testing.assert_array_equal(model.embed("lossless.mkv"), model.embed(frames))


@pytest.mark.slow
def test_model_leaves_keras_and_its_variables_alone(python, smallest_model):
    code = f"""
import json, os, sys
model = vswin.load_model({str(smallest_model)!r}, cache_dir="other")  # whose graph is exported now
model.predict("sample_videos/static.mp4")
print(json.dumps(["keras" in sys.modules, sorted(k for k in os.environ if "KERAS" in k)]))
"""
    assert python(code) == [False, []]


@pytest.mark.slow
@pytest.mark.keras
def test_keras_model_is_trained_saved_and_loaded_on_the_backend_that_keras_has(
    python, smallest_model, tmp_path
):
    keras = keras_on_tensorflow()
    path = tmp_path / "saved.keras"
    model = vswin_cli.keras_model(smallest_model)
    views = np.random.default_rng(0).standard_normal((1, *model.input_shape[1:]), np.float32)
    before = np.asarray(model(views))
    model.save(path)
    np.testing.assert_array_equal(keras.saving.load_model(path)(views), before)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("sgd", loss, run_eagerly=True)  # to trace it takes long
    model.train_on_batch(views, np.array([2]))
    assert np.abs(np.asarray(model(views)) - before).max() > 1e-4
    loading = f"""
import doctest, json, keras
from vswin_cli.api import keras_model as module
count = len(keras.saving.load_model({str(path)!r}).trainable_variables)
found = doctest.testmod(module, extraglobs={{"vswin": vswin}})
print(json.dumps([keras.config.backend(), count, *found]))
"""
    assert python(loading, **LIGHT) == ["openvino", len(key_table(SMALLEST, 3)), 0, 2]


@pytest.mark.parametrize(
    ("kind", "call"),
    [
        ("unknown_model", lambda: load_model("swin-x")),
        ("usage", lambda: load_model(threads=0)),
        ("backend", lambda: load_model(backend="abacus")),
        ("weights_not_found", lambda: load_model("swin-t-k400")),
        ("usage", lambda: load_model(views="fast", clips=2)),
        ("missing", lambda: load_model().predict("none.mp4")),
        ("usage", lambda: load_model().predict("sample_videos/static.mp4", top_k=10)),
    ],
)
@pytest.mark.usefixtures("here")
def test_errors_are_of_one_family(kind, call):
    with pytest.raises(VswinError) as caught:
        call()
    assert caught.value.kind == kind
