"""`vswin convert` and the models it makes, as users run them."""

import hashlib
import json
import re

import numpy as np
import pytest
from clips import encode
from foreign import SMALL, as_mmaction2, as_torchvision, original, save_legacy, save_zip
from reference import video

from vswin_cli.system.lent_folder import lent_folder
from vswin_cli.zoo.model_file import read_model_file

NAMES = ["opening a drawer", "closing, slowly", "waiting", "leaving", "<b>returning</b>"]
WEIGHTS = original()
QUICK = ["--clips", "1", "--crops", "1"]


@pytest.fixture
def cache(cache, tmp_path_factory):
    """The cache of the tests, without its graphs."""
    folder = tmp_path_factory.mktemp("cache")
    (cache / "graphs").mkdir(exist_ok=True)
    (folder / "graphs").symlink_to(cache / "graphs")
    return folder


@pytest.fixture
def theirs(tmp_path):
    return save_zip(tmp_path / "theirs.pth", {"state_dict": as_mmaction2(WEIGHTS)})


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    path = tmp_path_factory.mktemp("clip") / "a clip.mp4"
    return encode(path, video(20, 64, 96), pixel_format="yuv420p")


@pytest.fixture
def names(tmp_path):
    path = tmp_path / "names.txt"
    path.write_text("\n".join(NAMES) + "\n")
    return path


def test_model_file_beside_the_weights_says_everything(vswin, theirs, names, tmp_path):
    finished = vswin("convert", theirs, "--output", "mine.weights.h5", "--labels", names)
    assert finished.returncode == 0
    assert finished.stdout == "mine.toml\n"
    assert "4,3,2, 5 classes" in finished.stderr
    assert "79 used, 5 checked" in finished.stderr
    model = read_model_file(tmp_path / "mine.toml")
    assert (model.name, model.architecture) == ("mine", SMALL)
    assert model.label_set.names == tuple(NAMES)
    content = (tmp_path / "mine.weights.h5").read_bytes()
    assert model.sha256 == hashlib.sha256(content).hexdigest()
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "mine.toml",
        "mine.weights.h5",
        "names.txt",
        "theirs.pth",
    ]


def test_one_process_at_a_time_writes_a_model(vswin, theirs, tmp_path):
    with lent_folder(tmp_path / "mine.weights.h5"):
        refused = vswin("convert", theirs, "--output", "mine.weights.h5")
        assert refused.returncode == 2
        assert "another process writes to it; wait for it" in refused.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["theirs.pth"]


@pytest.mark.slow
def test_model_works_by_its_path_and_by_its_name(vswin, theirs, names, clip, cache, tmp_path):
    options = ["--labels", names, "--clip-len", "8", "--crop-size", "32"]
    assert vswin("convert", theirs, *options, "--name", "drawers").returncode == 0
    by_name = vswin("predict", clip, "--model", "drawers", "--format", "json", "-k", "5")
    assert (by_name.returncode, by_name.stderr) == (0, "")
    path = cache / "models" / "drawers.toml"
    by_path = vswin("predict", clip, "--model", path, "--format", "json", "-k", "5")
    [first], [second] = json.loads(by_name.stdout), json.loads(by_path.stdout)
    assert first["predictions"] == second["predictions"]
    assert {p["label"]: p["index"] for p in first["predictions"]} == {
        name: index for index, name in enumerate(NAMES)
    }
    assert (first["model"], len(first["clips"][0]), first["num_views"]) == ("drawers", 8, 12)
    assert vswin("labels", "drawers").stdout.splitlines()[1] == "1\tclosing, slowly"
    assert vswin("weights", "path", "drawers").stdout.strip().endswith("drawers.weights.h5")
    labelled = vswin("label", clip, "--model", "drawers", "-o", "labels.jsonl", *QUICK)
    assert labelled.returncode == 0
    again = vswin("label", clip, "--model", path, "-o", "labels.jsonl", *QUICK)
    assert "1 skipped" in again.stderr
    path.write_text(path.read_text().replace("waiting", "standing"))
    renamed = vswin("label", clip, "--model", path, "-o", "labels.jsonl", *QUICK)
    assert "1 video with different settings" in renamed.stderr


@pytest.mark.slow
def test_window_of_the_model_file_counts_also_where_the_graph_is_kept(vswin, names, clip, tmp_path):
    theirs = save_zip(tmp_path / "theirs.pth", original(index=False))
    probabilities = {}
    for window in ("4,3,2", "4,2,3", "4,3,2"):
        options = ["--window", window, "--clip-len", "8", "--crop-size", "64", "--name", "mine"]
        assert vswin("convert", theirs, *options, "--force").returncode == 0
        finished = vswin("predict", clip, "--model", "mine", "--format", "json", *QUICK)
        [record] = json.loads(finished.stdout)
        found = [p["probability"] for p in record["predictions"]]
        assert probabilities.setdefault(window, found) == found
    assert len(set(map(tuple, probabilities.values()))) == 2


def test_models_are_listed_and_a_broken_file_is_a_warning(vswin, theirs, cache, tmp_path):
    assert vswin("convert", theirs, "--name", "a-model-with-a-rather-long-name").returncode == 0
    backbone = {k: v for k, v in WEIGHTS.items() if k.startswith("backbone.")}
    save_zip(tmp_path / "features.pth", backbone)
    assert vswin("convert", "features.pth").returncode == 0
    (cache / "models" / "broken.toml").write_text("x = 1\n")
    (cache / "models" / "features.weights.h5").unlink()
    table = vswin("models")
    assert table.returncode == 0
    assert table.stderr.startswith("warning: model file ")
    assert table.stderr.count("\n") == 1
    assert "\na-model-with-a-rather-long-name  " in table.stdout
    records = json.loads(vswin("models", "--format", "json").stdout)
    long, features = records[-2:]
    assert long["name"] == "a-model-with-a-rather-long-name"
    assert (long["num_classes"], long["weights_present"], long["top1"]) == (5, True, None)
    assert (features["name"], features["num_classes"]) == ("features", 0)
    assert (features["weights_present"], features["bytes"]) == (False, None)


@pytest.mark.slow
def test_model_without_a_head_labels_nothing(vswin, clip, tmp_path):
    backbone = {k: v for k, v in WEIGHTS.items() if k.startswith("backbone.")}
    save_zip(tmp_path / "features.pth", backbone)
    finished = vswin("convert", "features.pth", "--output", "f.weights.h5")
    assert "no head" in finished.stderr
    for command in (["predict", clip], ["label", clip, "-o", "x.jsonl"]):
        refused = vswin(*command, "--model", "f.toml")
        assert refused.returncode == 2
        assert "f.toml is a model without a head" in refused.stderr
    timed = vswin("bench", "--model", "f.toml", "--rounds", "1", "--format", "json")
    assert (timed.returncode, timed.stderr) == (0, "")
    refused = vswin("embed", clip, "--model", "f.toml", "-o", "x.npz", "--no-head")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "remove --no-head" in refused.stderr


@pytest.mark.slow
def test_few_classes_are_all_listed(vswin, clip, tmp_path):
    save_zip(tmp_path / "theirs.pth", as_torchvision(original(num_classes=3)))
    vswin("convert", "theirs.pth", "-o", "mine.weights.h5", "--crop-size", "32")
    for command in (["predict", "--format", "jsonl"], ["label"]):
        finished = vswin(*command, clip, "--output", "out.jsonl", "--model", "mine.toml", *QUICK)
        assert finished.returncode == 0
        record = json.loads((tmp_path / "out.jsonl").read_text())
        assert len(record["predictions"]) == 3
        (tmp_path / "out.jsonl").unlink()
    refused = vswin("predict", clip, "--model", "mine.toml", "--top-k", "4")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "--top-k 4 is more than the 3 classes of mine" in refused.stderr


@pytest.mark.parametrize(
    ("num_classes", "label_set", "protocol"),
    [
        (400, "kinetics400", "official"),
        (600, "kinetics600", "official"),
        (174, "something_something_v2", "uniform"),
        (9, "custom", "official"),
    ],
)
def test_number_of_classes_tells_the_labels_and_the_protocol(
    vswin, tmp_path, num_classes, label_set, protocol
):
    save_legacy(tmp_path / "theirs.pth", as_torchvision(original(num_classes=num_classes)))
    finished = vswin("convert", "theirs.pth", "-o", "mine.weights.h5")
    model = read_model_file(tmp_path / "mine.toml")
    assert (model.label_set.name, model.protocol.sampling) == (label_set, protocol)
    same = f"{label_set}, which has the same number of classes"
    said = "class 0 and so on" if label_set == "custom" else same
    assert f"labels: {said}" in finished.stderr


def test_weights_that_the_model_file_does_not_mean_are_refused(vswin, theirs, clip, tmp_path):
    vswin("convert", theirs, "-o", "mine.weights.h5")
    with (tmp_path / "mine.weights.h5").open("ab") as stream:
        stream.write(b"x")
    refused = vswin("predict", clip, "--model", "mine.toml")
    assert refused.returncode == 1
    assert "not those of the model file mine.toml" in refused.stderr
    (tmp_path / "mine.weights.h5").unlink()
    refused = vswin("predict", clip, "--model", "mine.toml")
    assert refused.returncode == 1
    assert refused.stderr.startswith("error: no weights mine.weights.h5, which the model file")
    assert refused.stderr.count("\n") == 1


def test_what_is_there_is_kept_unless_forced(vswin, theirs, tmp_path):
    vswin("convert", theirs, "-o", "mine.weights.h5")
    before = (tmp_path / "mine.weights.h5").read_bytes()
    save_zip(theirs, original(seed=3))
    refused = vswin("convert", theirs, "-o", "mine.weights.h5")
    assert refused.returncode == 1
    assert "mine.weights.h5 already exists; use --force" in refused.stderr
    assert (tmp_path / "mine.weights.h5").read_bytes() == before
    assert vswin("convert", theirs, "-o", "mine.weights.h5", "--force").returncode == 0
    assert (tmp_path / "mine.weights.h5").read_bytes() != before


def test_failed_conversion_leaves_nothing(vswin, tmp_path):
    weights = original()
    weights["cls_head.fc_cls.bias"][2] = np.nan
    theirs = save_zip(tmp_path / "theirs.pth", weights)
    refused = vswin("convert", theirs, "-o", "mine.weights.h5")
    assert refused.returncode == 1
    assert "cls_head.fc_cls.bias: it contains numbers that are not finite" in refused.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["theirs.pth"]


@pytest.mark.parametrize(
    ("options", "fault"),
    [
        (["-o", "mine.h5"], "must end in .weights.h5"),
        (["-o", "none/mine.weights.h5"], "no folder none"),
        (["-o", "mine.weights.h5", "--labels", "kinetics400"], "400 names, but .* 5 classes"),
        (["-o", "mine.weights.h5", "--labels", "none.txt"], "cannot read labels none.txt"),
        (["-o", "mine.weights.h5", "--window", "8x7x7"], "not three sizes"),
        (["-o", "mine.weights.h5", "--window", "8,7,7"], "cannot convert .*has a bias table of"),
        (["-o", "mine.weights.h5", "--crop-size", "225"], "cannot write .*not whole patches"),
        (["-o", "mine.weights.h5", "--name", "a/b"], "name 'a/b' is not letters"),
        (["-o", "mine.weights.h5", "--part", "other"], "--part other names 0 of the models"),
        (["-o", "mine.weights.h5", "--protocol", "uniform", "--clips", "4"], "one clip"),
    ],
)
def test_wrong_usage_is_one_line(vswin, theirs, tmp_path, options, fault):
    refused = vswin("convert", theirs, *options)
    assert (refused.returncode, refused.stdout) == (2, "")
    [line] = [line for line in refused.stderr.splitlines() if line.startswith("error: ")]
    assert re.search(fault, line)
    assert [path.name for path in tmp_path.iterdir()] == ["theirs.pth"]


def test_name_is_that_of_the_checkpoint(vswin, theirs, cache, tmp_path):
    vswin("convert", theirs, "-o", "v1.2.weights.h5")
    theirs.rename(tmp_path / "best one")
    for checkpoint, name in (("v1.2.weights.h5", "v1.2"), ("best one", "best-one")):
        finished = vswin("convert", checkpoint, "--window", "4,3,2")
        assert finished.stdout == f"{cache / 'models' / name}.toml\n"


@pytest.mark.parametrize("output", [[], ["-o", "swin-t-k400.weights.h5"]])
def test_name_of_a_published_model_is_refused(vswin, theirs, tmp_path, output):
    """That name would find the published model, not this one."""
    theirs.rename(tmp_path / "swin-t-k400.pth")
    refused = vswin("convert", "swin-t-k400.pth", *output)
    assert refused.returncode == 2
    assert refused.stderr.startswith("error: vswin already has a model named swin-t-k400; choose")
    assert vswin("convert", "swin-t-k400.pth", *output, "--name", "mine").returncode == 0


def test_model_in_another_cache_folder_is_found_there(vswin, theirs, names):
    folder = ["--cache-dir", "elsewhere"]
    assert vswin("convert", theirs, "--labels", names, *folder).returncode == 0
    assert vswin("labels", "theirs").returncode == 2
    assert vswin("labels", "theirs", *folder).stdout.startswith("0\topening a drawer\n1\t")
    assert "theirs" not in vswin("models").stdout
    assert "theirs" in vswin("models", *folder).stdout
    assert vswin("weights", "remove", "theirs", *folder).stderr.startswith("theirs: removed")
    assert "theirs" not in vswin("models", *folder).stdout


@pytest.mark.slow
def test_features_of_a_model_file_are_searched_with_it(vswin, theirs, clip, tmp_path):
    options = ["--clip-len", "8", "--crop-size", "32", "--clips", "1", "--crops", "1"]
    vswin("convert", theirs, "-o", "mine.weights.h5", *options)
    assert vswin("embed", clip, "-m", "mine.toml", "-o", "features.npz").returncode == 0
    other = encode(tmp_path / "other.mp4", video(24, 64, 96), pixel_format="yuv420p")
    asked = vswin("search", "features.npz", "--query", other)
    assert asked.returncode == 2
    assert asked.stderr.startswith("error: the features were computed with a model mine")
    found = vswin("search", "features.npz", "--query", other, "--model", "mine.toml")
    assert (found.returncode, found.stderr) == (0, "")


def test_checkpoint_is_not_its_own_output(vswin, theirs, tmp_path):
    vswin("convert", theirs, "-o", "mine.weights.h5")
    refused = vswin("convert", "mine.weights.h5", "-o", "./mine.weights.h5", "--force")
    assert refused.returncode == 2
    assert "is the checkpoint itself" in refused.stderr
