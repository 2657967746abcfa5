"""Exports run in their runtimes, in processes without vswin, with vswin's results."""

import json
import os
import re
import subprocess
import sys
from dataclasses import replace
from functools import partial
from importlib.util import find_spec

import numpy as np
import pytest
from command import called, finished
from foreign import SMALL, original, save_zip
from models import NANO
from reference import write_custom_model

import vswin_cli as vswin
from vswin_cli.cli.app import run
from vswin_cli.conversion.matching import find_model_in
from vswin_cli.errors import BackendError, UsageError
from vswin_cli.export import openvino_graph
from vswin_cli.export.exporting import BOUNDS
from vswin_cli.export.formats import EXPORT_FORMATS, export_format
from vswin_cli.export.network import Network
from vswin_cli.export.protocol import frames_stated, protocol_stated
from vswin_cli.export.request import Request
from vswin_cli.network.checkpoint import read_checkpoint
from vswin_cli.zoo.architectures import LARGE
from vswin_cli.zoo.model_file import read_model_file
from vswin_cli.zoo.models import SWIN_N_MOTION
from vswin_cli.zoo.protocols import KINETICS, SOMETHING_SOMETHING, TORCHVISION

MODEL = "swin-n-motion"
GRAPHS = [each.name for each in EXPORT_FORMATS if each.is_graph]
# Code that runs a file, `FILE`, on `views`, without vswin, and reads its labels.
RUNNING = {
    "onnx": """
import onnxruntime
session = onnxruntime.InferenceSession(FILE)
[taken] = session.get_inputs()
assert (taken.name, taken.type) == ("views", "tensor(uint8)"), taken
about = session.get_modelmeta().custom_metadata_map
found = dict(zip([o.name for o in session.get_outputs()], session.run(None, {"views": views})))
""",
    "openvino": """
import openvino
model = openvino.Core().read_model(FILE)
about = {key: model.get_rt_info(["vswin", key]).astype(str) for key in ("labels", "protocol")}
compiled = openvino.compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
outputs = compiled([views])
found = {name: outputs[name] for name in ("probabilities", "features")}
""",
    "saved_model": """
import tensorflow as tf
model = tf.saved_model.load(FILE)
about = json.loads(model.metadata.numpy())
outputs = model.signatures["serving_default"](views=tf.constant(views))
found = {name: values.numpy() for name, values in outputs.items()}
""",
    "litert": """
import zipfile
from ai_edge_litert.interpreter import Interpreter
about = json.loads(zipfile.ZipFile(FILE).read("vswin.json"))
interpreter = Interpreter(FILE)
names = {each["op_name"] for each in interpreter._get_ops_details()}
assert not [name for name in names if name.startswith("Flex")], names
found = interpreter.get_signature_runner()(views=views)
""",
    "torch": """
import torch
extra = {"vswin.json": ""}
program = torch.export.load(FILE, extra_files=extra)
about = json.loads(extra["vswin.json"])
with torch.no_grad():
    found = {name: values.numpy() for name, values in program.module()(torch.tensor(views)).items()}
""",
}
ALONE = """
import json, sys, warnings
import numpy as np
warnings.simplefilter("ignore")
sys.modules["sklearn"] = None  # TensorFlow's Keras imports it if it can, which takes a second
FILE, known = sys.argv[1], np.load(sys.argv[2])
views = known["views"]
CODE
assert "vswin_cli" not in sys.modules
protocol = json.loads(about["protocol"])
assert (protocol["sampling"], protocol["clip_len"], protocol["crop_size"]) == ("official", 4, 32)
differences = {name: float(np.abs(found[name] - known[name]).max()) for name in found}
print(json.dumps({"labels": json.loads(about["labels"]), "differences": differences}))
exec(sys.argv[3])  # the example of the README
"""


def needs(name):
    for package in export_format(name).libraries.values():
        if not find_spec(package):
            pytest.skip(f"{package} is not installed")


@pytest.fixture(scope="session")
def small(made_once):
    """A custom model with every kind of layer."""
    return made_once("nano model", lambda folder: write_custom_model(folder, NANO.architecture))


@pytest.fixture(scope="module")
def known(tmp_path_factory, small):
    """Three random views, and the outputs of vswin's engine."""
    views = np.random.default_rng(7).integers(0, 256, (3, 4, 32, 32, 3), np.uint8)
    outputs = vswin.load_model(str(small)).engine.compute(views)
    path = tmp_path_factory.mktemp("known") / "known.npz"
    np.savez(path, views=views, **vars(outputs))
    return path


@pytest.fixture
def exported(apart, tmp_path):
    """Run the command in a process for all formats, as TensorFlow takes seconds to import.

    With PyTorch it may crash; hence each format of that has a process for itself.
    """

    def run(model, name, path):
        words = ["export", model, "--format", name, "--output", path]
        if export_format(name).runtime in ("torch", "torchvision"):
            done = finished([sys.executable, "-m", "vswin_cli", *words])
        else:
            done = apart(partial(called, cwd=tmp_path, env=dict(os.environ)), words)
        assert done.returncode == 0, done.stderr
        return done.stdout, done.stderr

    return run


def alone(code, *arguments, cwd=None):
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    done = subprocess.run(
        [sys.executable, "-P", "-c", code, *map(str, arguments)],
        capture_output=True, text=True, cwd=cwd, env={**environment, "TF_CPP_MIN_LOG_LEVEL": "3"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("name", GRAPHS)
def test_each_graph_is_right_in_a_process_without_vswin(exported, name, small, known, tmp_path):
    needs(name)
    path = tmp_path / f"model{export_format(name).suffix}"
    out, err = exported(small, name, path)
    assert out == f"{path}\n"
    assert re.match(r"checked in \S+ [\d.]+\S*: largest difference \d\.\de-\d\d, limit 1e-05", err)
    assert len(err.splitlines()) == 2
    readme = (tmp_path / "README.md").read_text()
    [example] = re.findall(r"```python\n(.*?)```", readme, re.DOTALL)
    code = ALONE.replace("CODE", RUNNING[name])
    first, second = alone(code, path, known, example, cwd=tmp_path).splitlines()
    said = json.loads(first)
    assert said["labels"] == ["a", "b", "c"]
    assert said["differences"]["probabilities"] <= 1e-5
    assert said["differences"]["features"] <= 1e-4
    label, probability = second.rsplit(" ", 1)
    assert label in said["labels"]
    assert 0 < float(probability) <= 1
    hidden = [each.name for each in tmp_path.iterdir() if each.name.startswith(".")]
    assert not hidden


@pytest.mark.slow
@pytest.mark.parametrize("name", ["pytorch-original", "torchvision"])
def test_state_dicts_are_what_their_programs_load(exported, name, tmp_path):
    needs(name)
    path = tmp_path / "model.pth"
    exported(MODEL, name, path)
    with find_model_in(path) as found:
        assert not found.match.unused
        back = dict(found.match.variables)
    weights = read_checkpoint(SWIN_N_MOTION.weights_path, SWIN_N_MOTION.architecture, 9)
    for variable, values in weights.items():
        np.testing.assert_array_equal(back[variable], values)
    readme = (tmp_path / "README.md").read_text()
    if name == "torchvision":
        [example] = re.findall(r"```python\n(.*?)```", readme, re.DOTALL)
        assert "values=" in alone(example, cwd=tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("options", "shape"),
    [
        ({"precision": "float16"}, "[?,32,96,96,3]"),
        ({"batch": 2}, "[2,32,96,96,3]"),
        ({"input": "float"}, "[?,32,96,96,3]"),
    ],
    ids=str,
)
def test_options_change_what_is_written(options, shape, tmp_path):
    import openvino

    made = vswin.export_model(MODEL, tmp_path / "m.xml", format="openvino", **options)
    precision = options.get("precision", "float32")
    assert made.bound == BOUNDS[precision]
    assert made.difference <= 1e-5  # in float16 too, whose normalisation stays in float32
    model = openvino.Core().read_model(made.path)
    assert str(model.input("views").partial_shape) == shape
    kind = "float32" if options.get("input") else "uint8"
    assert json.loads(model.get_rt_info(["vswin", "input"]).astype(str))["dtype"] == kind
    num_bytes = made.path.with_suffix(".bin").stat().st_size
    assert (num_bytes < 3e6) == (precision == "float16")


@pytest.mark.slow
def test_a_model_without_a_head_gives_features(tmp_path):
    theirs = save_zip(tmp_path / "theirs.pth", original(SMALL, None))
    sizes = ["--clip-len", "8", "--crop-size", "32"]
    assert run(["convert", str(theirs), "-o", str(tmp_path / "mine.weights.h5"), *sizes]) == 0
    path = tmp_path / "m.xml"
    made = vswin.export_model(str(tmp_path / "mine.toml"), path, format="openvino")
    assert made.difference <= made.bound
    assert "outputs `features` (B, 32), float32" in made.readme.read_text()


@pytest.mark.slow
def test_a_file_of_several_labels_says_how_its_probabilities_are_made(tmp_path):
    import openvino

    theirs = save_zip(tmp_path / "theirs.pth", original())
    sizes = ["--clip-len", "8", "--crop-size", "32"]
    to = ["-o", str(tmp_path / "mine.weights.h5")]
    assert run(["convert", str(theirs), *to, *sizes, "--multi-label"]) == 0
    assert read_model_file(tmp_path / "mine.toml").is_multi_label
    path = tmp_path / "m.xml"
    vswin.export_model(str(tmp_path / "mine.toml"), path, format="openvino")
    model = openvino.Core().read_model(path)
    assert model.get_rt_info(["vswin", "activation"]).astype(str) == "sigmoid"


@pytest.mark.slow
def test_what_computes_something_else_is_not_kept(tmp_path, monkeypatch, capfd):
    gelu = openvino_graph.OpenVinoGraph.gelu
    monkeypatch.setattr(
        openvino_graph.OpenVinoGraph, "gelu", lambda self, x: self.add(gelu(self, x), x)
    )
    path = tmp_path / "m.xml"
    assert run(["export", MODEL, "--format", "openvino", "--output", str(path)]) == 1
    assert "computes other probabilities: they differ by" in capfd.readouterr().err
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_what_no_file_of_litert_holds_is_refused_before_it_is_computed(apart):
    needs("litert")
    with pytest.raises(UsageError, match=r"l would be 2\.2 GB.* choose --precision float16, or"):
        apart(check_a_request_too_large_for_litert)


def check_a_request_too_large_for_litert():
    large = replace(LARGE, window=(20, 7, 7))
    request = Request("l", (), Network(large, (32, 224, 224), 9, False), {}, {}, False, None)
    export_format("litert").load().check(request)


def test_numbers_that_one_file_cannot_hold_lie_beside_it(tmp_path, monkeypatch, small, known):
    needs("onnx")
    from vswin_cli.export import onnx_graph

    monkeypatch.setattr(onnx_graph, "_MAX_BYTES", 10_000)
    path = tmp_path / "m.onnx"
    vswin.export_model(str(small), path, format="onnx")
    assert {each.name for each in tmp_path.iterdir()} == {"m.onnx", "m.onnx.data", "README.md"}
    assert (tmp_path / "m.onnx.data").stat().st_size > 10_000
    alone(ALONE.replace("CODE", RUNNING["onnx"]), path, known, "", cwd=tmp_path)


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--format", "coreml", "--output", "m.xml"], 2, "not one of onnx, openvino"),
        (["--format", "openvino", "--output", "m.onnx"], 2, "must end in .xml"),
        (["--format", "openvino", "--output", "m.XML"], 2, "must end in .xml"),
        (["--format", "openvino", "--output", "none/m.xml"], 2, "no folder none; make it first"),
        (["--format", "openvino", "--output", "m.xml", "--batch", "0"], 2, "neither dynamic nor"),
        (["--format", "openvino", "--output", "m.xml", "--batch", "x"], 2, "neither dynamic nor"),
        (["--format", "torchvision", "--output", "m.pth", "--batch", "2"], 2, "only weights"),
        (["--format", "saved_model", "--output", "there"], 1, "there already exists"),
        (["--format", "saved_model", "--output", "full", "--force"], 1, "full contains files"),
    ],
)
def test_wrong_usage(tmp_path, monkeypatch, capfd, arguments, code, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "there").touch()
    (tmp_path / "full").mkdir()
    (tmp_path / "full/mine.txt").touch()
    assert run(["export", MODEL, *arguments]) == code
    out, err = capfd.readouterr()
    assert (out, len(err.splitlines())) == ("", 1)
    assert message in err


@pytest.mark.parametrize(
    ("protocol", "stated", "frames"),
    [
        (KINETICS, {"frame_interval": 2, "short_side": 224}, "2 apart"),
        (SOMETHING_SOMETHING, {"short_side": 224}, "spread over the whole video"),
        (TORCHVISION, {"frames_per_second": 15, "short_side": 256}, "neighbours at 15 frames"),
    ],
)
def test_a_protocol_is_stated_by_what_its_sampling_uses(protocol, stated, frames):
    found = protocol_stated(protocol)
    assert frames_stated(found).startswith(frames)
    common = ("sampling", "num_clips", "num_crops", "clip_len", "crop_size")
    assert found == {**{name: getattr(protocol, name) for name in common}, **stated}


def test_a_missing_library_names_its_extra(monkeypatch, tmp_path):
    monkeypatch.setattr("vswin_cli.export.formats.find_spec", lambda package: None)
    with pytest.raises(
        BackendError, match=r"needs onnx and onnxruntime: run `pip install 'vswin\[onnx\]'`"
    ):
        vswin.export_model(MODEL, tmp_path / "m.onnx", format="onnx")
