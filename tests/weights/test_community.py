"""Checkpoints of other projects: downloaded, verified by their sums, converted, and run."""

import shutil
from dataclasses import replace

import numpy as np
import pytest
from command import SAMPLES
from foreign import as_mmaction2, as_torchvision, original, save_legacy, save_zip
from misbehaving_server import MisbehavingServer, serving

import vswin_cli as vswin
from vswin_cli.cli.app import run
from vswin_cli.errors import CheckpointError, DownloadError, WeightsNotFoundError
from vswin_cli.network.checkpoint import read_checkpoint
from vswin_cli.system.files import file_sha256
from vswin_cli.weights import inventory
from vswin_cli.weights.cache import weights_file
from vswin_cli.weights.needed import find_or_fetch
from vswin_cli.zoo import catalog
from vswin_cli.zoo.architectures import Architecture
from vswin_cli.zoo.community import COMMUNITY_MODELS, MMACTION2

SMALL = Architecture("custom", embed_dim=8, depths=(2, 1), num_heads=(1, 2), window=(2, 3, 3))
NAMES = [model.name for model in COMMUNITY_MODELS]


def small(name):
    """Make the model of that name with a small architecture, and its weights in its style."""
    [model] = [model for model in COMMUNITY_MODELS if model.name == name]
    weights = original(SMALL, model.num_classes)
    weights = (as_mmaction2 if model.source is MMACTION2 else as_torchvision)(weights)
    return replace(model, architecture=SMALL), weights


def tree(model, weights):
    return {"meta": {}, "state_dict": weights} if model.source is MMACTION2 else weights


def served(monkeypatch, tmp_path, name="swin-l-k400", save=save_zip):
    """Replace the model of that name by the small one; return it and the file to serve."""
    model, weights = small(name)
    path = save(tmp_path / model.classifier_file.name, tree(model, weights))
    file = replace(model.classifier_file, sha256_start=file_sha256(path)[:8])
    model = replace(model, classifier_file=file)
    others = [other for other in catalog.MODELS if other.name != name]
    for module in (catalog, inventory):
        monkeypatch.setattr(module, "MODELS", (*others, model))
    return model, path


def needed(model, server=None, **options):
    mirror = server and server.mirror
    return find_or_fetch(
        model, **{"cache_dir": None, "mirror": mirror, "offline": False, **options}
    )


@pytest.mark.parametrize("name", NAMES)
def test_each_is_downloaded_checked_and_converted(cache, monkeypatch, tmp_path, name):
    model, path = served(monkeypatch, tmp_path, name)
    with MisbehavingServer(path.read_bytes()) as server:
        converted = needed(model, server)
        assert needed(model, server) == converted
        assert [address for address, _ in server.requests] == [f"/folder/{path.name}"]
    assert converted == cache / f"{name}.weights.h5"
    found = read_checkpoint(converted, SMALL, model.num_classes)
    _, weights = small(name)
    head = "cls_head.fc_cls" if model.source is MMACTION2 else "head"
    np.testing.assert_array_equal(found["head/kernel"], weights[f"{head}.weight"].T)
    assert (cache / f"{name}.weights.h5.sha256").read_text() == (
        f"{file_sha256(converted)}  {name}.weights.h5\n{file_sha256(path)}  {path.name}\n"
    )
    kept = {each.name for each in cache.iterdir()}
    assert kept - {f"{name}.weights.h5.lock"} == {
        f"{name}.weights.h5", f"{name}.weights.h5.sha256"
    }  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_each_is_refused_when_the_digits_of_its_sum_differ(cache, tmp_path, name):
    model, weights = small(name)
    path = save_zip(tmp_path / "theirs.pth", tree(model, weights))
    with MisbehavingServer(path.read_bytes()) as server:
        start = model.classifier_file.sha256_start
        with pytest.raises(
            CheckpointError, match=f"that of the published file starts with {start}"
        ):
            needed(model, server)
    assert not (cache / f"{name}.weights.h5").exists()
    assert (cache / f"{model.classifier_file.name}.corrupt").read_bytes() == path.read_bytes()


def test_addresses_and_digits_are_those_of_the_file_names():
    assert len(set(NAMES)) == len(COMMUNITY_MODELS)
    for model in COMMUNITY_MODELS:
        file = model.classifier_file
        assert file.name.endswith(f"-{file.sha256_start}.pth")
        assert file.url.startswith("https://download.")
        assert file.url.endswith(f"/{file.name}")


@pytest.mark.slow
def test_it_runs_and_a_legacy_file_and_a_broken_connection_make_no_difference(
    cache, monkeypatch, tmp_path
):
    model, path = served(monkeypatch, tmp_path, save=save_legacy)
    with MisbehavingServer(path.read_bytes()) as server:
        server.script = [serving(cut_after=path.stat().st_size - 9000)]
        loaded = vswin.load_model(model.name, mirror=server.mirror, clips=1, crops=1)
        assert len(server.requests) == 2
        assert "Range" in server.requests[1][1]
    prediction = loaded.predict(SAMPLES / "static.mp4")
    assert prediction.setup.protocol == model.protocol.sampling
    assert prediction.scored_labels[0].label in loaded.labels


def test_a_pin_of_the_published_file_says_more_than_its_digits(cache, monkeypatch, tmp_path):
    model, weights = small("swin-s-k710")
    path = save_zip(tmp_path / model.classifier_file.name, tree(model, weights))
    sums = tmp_path / "SHA256SUMS"
    monkeypatch.setenv("VSWIN_SHA256SUMS", str(sums))
    with MisbehavingServer(path.read_bytes()) as server:
        sums.write_text(f"{'0' * 64}  {path.name}\n")
        with pytest.raises(CheckpointError, match="is pinned"):
            needed(model, server)
        sums.write_text(f"{file_sha256(path)}  {path.name}\n")
        needed(model, server)
        needed(model, server)
        assert len(server.requests) == 2
        sums.write_text(f"{'0' * 64}  {path.name}\n")
        with pytest.raises(CheckpointError, match="is pinned"):
            needed(model, server)


def test_offline_takes_a_file_that_the_user_has_put_there(cache, monkeypatch, tmp_path):
    model, path = served(monkeypatch, tmp_path)
    with pytest.raises(WeightsNotFoundError, match=r"put https://download\.openmmlab.*about"):
        needed(model, offline=True)
    cache.mkdir(exist_ok=True)
    brought = cache / path.name
    shutil.copyfile(path, brought)
    assert needed(model, offline=True) == cache / f"{model.name}.weights.h5"
    assert brought.read_bytes() == path.read_bytes()


def test_a_changed_conversion_is_kept_aside_and_made_again(cache, monkeypatch, tmp_path, caplog):
    model, path = served(monkeypatch, tmp_path)
    with MisbehavingServer(path.read_bytes()) as server:
        converted = needed(model, server)
        content = converted.read_bytes()
        converted.write_bytes(content[:-4] + b"\xff\xff\xff\x7f")
        needed(model, server)
        assert len(server.requests) == 2
    assert converted.read_bytes() == content
    assert "has changed since it was converted" in caplog.text
    assert converted.with_name(f"{converted.name}.corrupt").exists()


@pytest.mark.parametrize("damage", ["another model", "a number that is not finite", "no model"])
def test_what_is_no_such_model_is_refused_and_leaves_no_weights(
    cache, monkeypatch, tmp_path, damage
):
    model, weights = small("swin-l-k400")
    if damage == "another model":
        weights = as_mmaction2(original(SMALL, 7))
    elif damage == "no model":
        weights = {"a": np.zeros(3, np.float32)}
    else:
        weights["backbone.norm1.bias"][3] = np.nan
    path = save_zip(tmp_path / "theirs.pth", {"state_dict": weights})
    file = replace(model.classifier_file, sha256_start=file_sha256(path)[:8])
    with MisbehavingServer(path.read_bytes()) as server, pytest.raises(CheckpointError) as caught:
        needed(replace(model, classifier_file=file), server)
    assert f"{model.classifier_file.name} cannot be used" in str(caught.value)
    assert not list(cache.glob("*.h5"))


def test_the_commands_know_them(cache, monkeypatch, tmp_path, capfd):
    model, path = served(monkeypatch, tmp_path)
    with MisbehavingServer(path.read_bytes()) as server:
        assert run(["download-weights", model.name, "--mirror", server.mirror]) == 0
    out, err = capfd.readouterr()
    assert out == f"{weights_file(model).path}\n"
    assert f"downloading {path.name}" in err
    assert "verified and converted in" in err
    assert run(["weights", "list"]) == 0
    assert f"{model.name} " in capfd.readouterr().out
    assert run(["weights", "verify"]) == 0
    assert "as recorded" in capfd.readouterr().out
    assert run(["models", "--format", "json"]) == 0
    assert '"group": "MMAction2"' in capfd.readouterr().out
    assert run(["weights", "remove", model.name]) == 0
    assert [each.suffix for each in cache.iterdir()] == [".lock"]
    assert run(["weights", "path", model.name]) == 0


def test_a_good_file_that_the_user_has_put_there_stays_where_the_disk_is_full(
    cache, monkeypatch, tmp_path
):
    model, path = served(monkeypatch, tmp_path)
    cache.mkdir(exist_ok=True)
    brought = cache / path.name
    shutil.copyfile(path, brought)
    brought.with_name(f"{brought.name}.corrupt").write_bytes(b"old")
    full = shutil.disk_usage(cache)._replace(free=10)
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: full)
    with pytest.raises(DownloadError, match="no room"):
        needed(model)
    assert brought.read_bytes() == path.read_bytes()


def test_a_bad_file_that_the_user_has_put_there_blocks_no_download(
    cache, monkeypatch, tmp_path, caplog
):
    model, path = served(monkeypatch, tmp_path)
    cache.mkdir(exist_ok=True)
    brought = cache / path.name
    brought.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(CheckpointError, match=f"delete {brought}"):
        needed(model, offline=True)
    with MisbehavingServer(path.read_bytes()) as server:
        assert needed(model, server).is_file()
    assert not brought.exists()
    assert brought.with_name(f"{brought.name}.corrupt").exists()
    assert "cannot be used" in caplog.text
