"""The cache of exported graphs, used and abused in separate processes."""

import ast
import hashlib
import inspect
import os
import resource
import shutil
from pathlib import Path

import numpy as np
import openvino
import pytest
from models import NANO
from reference import write_checkpoint

import vswin_cli
from vswin_cli.engines import openvino as openvino_engine
from vswin_cli.engines.graph_cache import CONSTANTS, DIGESTS, GRAPH, clear, entries, prune
from vswin_cli.engines.registry import load_engine
from vswin_cli.errors import CheckpointError

LOCAL = {"openvino"}  # imports of an engine that finds its graph in the cache


@pytest.fixture
def cache(first_run, tmp_path):
    """The cache folder after a first run."""
    return shutil.copytree(first_run / "cache", tmp_path / "cache")


def only_entry(cache):
    [(entry, num_bytes)] = entries(cache)
    assert num_bytes == sum(file.stat().st_size for file in entry.iterdir())
    assert list(cache.iterdir()) == [entry]
    return entry


@pytest.mark.slow
def test_second_run_computes_the_same_without_keras(run_engine, first_run, cache, tmp_path):
    with np.load(first_run / "out.npz") as outputs:
        first = outputs["probabilities"]
    imported = set((first_run / "imported").read_text().split())
    assert {"keras", "h5py"} <= imported
    assert not {"matplotlib", "scipy.signal", "sklearn"} & imported  # Keras would import them
    second, imported = run_engine(tmp_path, cache)
    assert imported == LOCAL
    np.testing.assert_array_equal(second, first)
    flip_a_byte(only_entry(cache))
    third, imported = run_engine(tmp_path, cache)
    assert "keras" in imported
    np.testing.assert_array_equal(third, first)


def flip_a_byte(entry):
    content = bytearray((entry / CONSTANTS).read_bytes())
    content[len(content) // 2] ^= 1
    (entry / CONSTANTS).write_bytes(content)


def truncate(entry):
    (entry / GRAPH).write_text((entry / GRAPH).read_text()[:1000])


def lose_the_constants(entry):
    (entry / CONSTANTS).unlink()


def garble_the_digests(entry):
    (entry / DIGESTS).write_text("{")


def become_a_file(entry):
    shutil.rmtree(entry)
    entry.write_text("not a folder")


@pytest.fixture
def loading(cache, tmp_path):
    """Load the graph, "exported" from a copy: `load()`; `load.exported` lists exported files."""
    core, exported = openvino.Core(), []
    good = shutil.copytree(only_entry(cache), tmp_path / "good")

    def load(weights, folder=cache):
        def export(*what):
            exported.append(what[1])
            return core.read_model(good / GRAPH)

        options = [(4, 24, 24), True, folder, 10**9, export]
        return openvino_engine._load_graph(core, NANO, weights, *options)

    load.exported = exported
    return load


@pytest.mark.slow
@pytest.mark.parametrize(
    "damage", [flip_a_byte, truncate, lose_the_constants, garble_the_digests, become_a_file]
)
def test_damaged_entry_is_rebuilt_and_never_used(cache, checkpoint, loading, damage):
    loading(checkpoint("nano"))
    assert len(loading.exported) == 0
    damage(only_entry(cache))
    loading(checkpoint("nano"))
    assert len(loading.exported) == 1
    loading(checkpoint("nano"))
    assert damage is become_a_file or len(loading.exported) == 1


@pytest.mark.slow
def test_other_weights_have_an_entry_of_their_own(cache, loading, tmp_path):
    weights = write_checkpoint(tmp_path / "own_classifier.weights.h5", NANO, seed=2)
    loading(weights)
    loading(weights)
    assert loading.exported == [weights]
    assert len(entries(cache)) == 2


@pytest.mark.slow
def test_cache_that_cannot_be_a_folder_costs_nothing_but_time(checkpoint, loading, tmp_path):
    (tmp_path / "file").write_text("")
    for number in (1, 2):
        assert loading(checkpoint("nano"), tmp_path / "file" / "cache").inputs
        assert len(loading.exported) == number


@pytest.mark.slow
def test_full_disk_leaves_no_entry(checkpoint, loading, apart, tmp_path):
    (tmp_path / "empty").mkdir()
    assert apart(load_with_little_room, checkpoint("nano"), tmp_path / "good", tmp_path / "empty")
    assert list((tmp_path / "empty").iterdir()) == []


def load_with_little_room(weights, good, folder):
    """Return whether a graph is loaded if a write past 20 kB fails, as on a full disk."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
    core = openvino.Core()
    graph = core.read_model(good / GRAPH)
    options = [(4, 24, 24), True, folder, 10**9, lambda *what: graph]
    return bool(openvino_engine._load_graph(core, NANO, weights, *options).inputs)


def test_least_recently_used_entries_go_first(tmp_path):
    for age, name in enumerate(["newest", "middle", "oldest"]):
        folder = tmp_path / name
        folder.mkdir()
        (folder / CONSTANTS).write_bytes(bytes(98))
        (folder / DIGESTS).write_text("{}")
        os.utime(folder, (1e9 - age, 1e9 - age))
    (tmp_path / "somebody's folder").mkdir()
    assert entries(tmp_path) == [(tmp_path / n, 100) for n in ("oldest", "middle", "newest")]
    prune(tmp_path, 250, keep=tmp_path / "oldest")
    assert [folder.name for folder, _ in entries(tmp_path)] == ["oldest", "newest"]
    assert (tmp_path / "somebody's folder").exists()
    (tmp_path / ".new-killed").mkdir()
    assert clear(tmp_path) == 200
    assert [folder.name for folder in tmp_path.iterdir()] == ["somebody's folder"]


GRAPH_SOURCES = ["inference.py", "video_swin.py", "layers.py", "windows.py"]


def code(source):
    """Return Python code without comments, docstrings and layout."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            node.value.value = ""
        yield type(node).__name__
        yield from (str(getattr(node, name, "")) for name in ("id", "attr", "arg", "name", "value"))


def test_change_of_the_graph_changes_its_version():
    """If this fails: raise GRAPH_VERSION; if graphs do not change, only update the digest here."""
    network = Path(vswin_cli.__file__).parent / "network"
    sources = [(network / name).read_text() for name in GRAPH_SOURCES]
    sources.append(inspect.getsource(openvino_engine._export))
    parts = [part for source in sources for part in code(source) if "ast." not in part]
    digest = hashlib.sha256(" ".join(parts).encode()).hexdigest()[:16]
    assert (openvino_engine.GRAPH_VERSION, digest) == (2, "94e473a8b507f86b")


@pytest.mark.slow
def test_libraries_that_print_do_not_disturb_an_export_in_another_process(tmp_path, monkeypatch):
    (tmp_path / "sitecustomize.py").write_text("print('a library says hello')\n")
    monkeypatch.syspath_prepend(tmp_path)
    options = {"backend": "openvino", "precision": "float32", "view_size": (8, 32, 32)}
    options |= {"cache_folder": None, "spares_keras": True}
    weights = write_checkpoint(tmp_path / "nano.weights.h5", NANO)
    engine = load_engine(NANO, weights, **options)
    views = np.zeros((1, 8, 32, 32, 3), np.uint8)
    assert engine.compute(views).probabilities.sum() == pytest.approx(1)
    (tmp_path / "damaged.weights.h5").write_bytes(weights.read_bytes()[:-1000])
    with pytest.raises(CheckpointError):
        load_engine(NANO, tmp_path / "damaged.weights.h5", **options)
