"""A model in several files is read as one; a single file says what is missing."""

import json

import numpy as np
import pytest
from foreign import NUM_CLASSES, SMALL, original, save_legacy, save_safetensors, save_zip

from vswin_cli.cli.app import run
from vswin_cli.conversion.matching import find_model_in
from vswin_cli.errors import CheckpointError

WEIGHTS = original()
WRITERS = {
    "safetensors": ("model", ".safetensors", save_safetensors),
    "bin": ("pytorch_model", ".bin", save_zip),
    "bin-legacy": ("pytorch_model", ".bin", save_legacy),
}


def sharded(folder, kind="safetensors", count=3):
    """Divide the weights into shards; return the path of their list."""
    stem, ending, save = WRITERS[kind]
    names = [f"{stem}-{number:05}-of-{count:05}{ending}" for number in range(1, count + 1)]
    placed = {key: names[number % count] for number, key in enumerate(WEIGHTS)}
    for name in names:
        save(folder / name, {key: WEIGHTS[key] for key in WEIGHTS if placed[key] == name})
    path = folder / f"{stem}{ending}.index.json"
    path.write_text(json.dumps({"metadata": {"total_size": 1}, "weight_map": placed}))
    return path


@pytest.mark.parametrize("kind", WRITERS)
def test_shards_are_read_as_one(tmp_path, kind):
    with find_model_in(sharded(tmp_path, kind)) as found:
        assert (found.match.architecture, found.match.num_classes) == (SMALL, NUM_CLASSES)
        assert not found.match.unused
        head = found.match.variables["head/kernel"]
    np.testing.assert_array_equal(head, WEIGHTS["cls_head.fc_cls.weight"].T)


def test_the_list_is_converted_under_the_models_name(tmp_path, capsys):
    path = sharded(tmp_path)
    assert run(["convert", str(path), "--cache-dir", str(tmp_path / "cache")]) == 0
    assert capsys.readouterr().out.endswith("/cache/models/model.toml\n")


@pytest.mark.parametrize("kind", WRITERS)
def test_a_single_shard_names_its_list(tmp_path, kind, capsys):
    path = sharded(tmp_path, kind)
    stem, ending, _ = WRITERS[kind]
    alone = tmp_path / f"{stem}-00002-of-00003{ending}"
    assert run(["convert", str(alone), "--output", str(tmp_path / "mine.weights.h5")]) == 1
    err = capsys.readouterr().err
    assert f"shard 2 of 3: give the list of all, {path.name}" in err
    assert len(err.splitlines()) == 1


def changed(path, change):
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda content: content.pop("weight_map"), "not a list of a model's shards"),
        (lambda content: content.update(weight_map=[1]), "not a list of a model's shards"),
        (lambda content: content.update(weight_map={}), "names no shards"),
        (
            lambda content: content["weight_map"].update(x="../x.safetensors"),
            "files in other folders",
        ),
        (lambda content: content["weight_map"].update(x="/etc/passwd"), "files in other folders"),
        (lambda content: content["weight_map"].update(x="..\\x"), "files in other folders"),
        (lambda content: content["weight_map"].update(x=7), "files in other folders"),
        (
            lambda content: content["weight_map"].update(x="model-00001-of-00003.safetensors"),
            "has no tensor x",
        ),
    ],
)
def test_a_list_that_makes_no_sense_is_refused(tmp_path, change, reason):
    path = sharded(tmp_path)
    changed(path, change)
    with pytest.raises(CheckpointError, match=reason), find_model_in(path):
        pass


def test_a_missing_or_damaged_shard_is_named(tmp_path):
    path = sharded(tmp_path)
    shard = tmp_path / "model-00003-of-00003.safetensors"
    shard.write_bytes(shard.read_bytes()[:-1])
    with pytest.raises(CheckpointError, match=r"shard model-00003.* ends too early"):
        find_model_in(path).__enter__()
    shard.write_bytes(b"PK\x03\x04 and no zip")
    with pytest.raises(CheckpointError, match=r"shard model-00003.* is damaged"):
        find_model_in(path).__enter__()
    shard.unlink()
    shard.mkdir()
    with pytest.raises(CheckpointError, match=r"shard model-00003.*: not a file"):
        find_model_in(path).__enter__()
    shard.rmdir()
    with pytest.raises(CheckpointError, match=r"shard model-00003.* is missing"):
        find_model_in(path).__enter__()
