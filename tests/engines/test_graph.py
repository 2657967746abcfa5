"""The cache of exported graphs, used and abused by processes of their own."""

import ast
import hashlib
import inspect
import os
import resource
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import openvino
import pytest
from models import NANO
from reference import write_checkpoint

import vswin_cli
from vswin_cli.engines import openvino as openvino_engine
from vswin_cli.engines.graph_cache import CONSTANTS, DIGESTS, GRAPH, clear, entries, prune

RUN = Path(__file__).parents[1] / "engine_run.py"
LOCAL = {"openvino"}  # what an engine needs that finds its graph in the cache


def run_engine(folder, cache_folder, weights, **options):
    """Run the small model with a cache folder: (probabilities, heavy libraries imported)."""
    views = np.random.default_rng(0).integers(0, 256, (1, 4, 24, 24, 3), dtype=np.uint8)
    np.save(folder / "views.npy", views)
    files = [weights, folder / "views.npy", folder / "out.npz"]
    finished = subprocess.run(
        [sys.executable, RUN, "openvino", "float32", "nano", *files, cache_folder],
        capture_output=True,
        text=True,
        **options,
    )
    assert (finished.returncode, finished.stderr) == (0, "")
    with np.load(folder / "out.npz") as outputs:
        return outputs["probabilities"], set(finished.stdout.split())


@pytest.fixture
def engine(checkpoint, tmp_path):
    def run(cache_folder, weights=None, **options):
        return run_engine(tmp_path, cache_folder, weights or checkpoint("nano"), **options)

    return run


@pytest.fixture
def cache(tmp_path):
    return tmp_path / "cache"


@pytest.fixture
def filled(made_once, checkpoint, cache):
    """The cache folder after a first run, and what that computed."""

    def fill(folder):
        folder.mkdir()
        run_engine(folder, folder / "cache", checkpoint("nano"))

    folder = made_once("nano graph", fill)
    shutil.copytree(folder / "cache", cache)
    with np.load(folder / "out.npz") as outputs:
        return cache, outputs["probabilities"]


def only_entry(cache):
    [(entry, num_bytes)] = entries(cache)
    assert num_bytes == sum(file.stat().st_size for file in entry.iterdir())
    assert list(cache.iterdir()) == [entry]
    return entry


@pytest.mark.slow
def test_second_run_computes_the_same_without_keras(engine, cache):
    first, imported = engine(cache)
    assert {"keras", "h5py"} <= imported
    only_entry(cache)
    second, imported = engine(cache)
    assert imported == LOCAL
    np.testing.assert_array_equal(second, first)


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


@pytest.mark.slow
@pytest.mark.parametrize(
    "damage", [flip_a_byte, truncate, lose_the_constants, garble_the_digests, become_a_file]
)
def test_damaged_entry_is_rebuilt_and_never_used(filled, checkpoint, tmp_path, damage):
    cache, _ = filled
    entry = only_entry(cache)
    good = shutil.copytree(entry, tmp_path / "good")
    core, exported = openvino.Core(), []

    def export(*what):
        exported.append(what)
        return core.read_model(good / GRAPH)

    def load():
        options = [(4, 24, 24), True, cache, 10**9, export]
        return openvino_engine._load_graph(core, NANO, checkpoint("nano"), *options)

    load()
    assert len(exported) == 0
    damage(entry)
    load()
    assert len(exported) == 1
    load()
    assert damage is become_a_file or len(exported) == 1


@pytest.mark.slow
def test_process_rebuilds_a_damaged_entry_with_keras_and_computes_the_same(engine, filled):
    cache, first = filled
    flip_a_byte(only_entry(cache))
    second, imported = engine(cache)
    assert "keras" in imported
    np.testing.assert_array_equal(second, first)
    assert engine(cache)[1] == LOCAL


@pytest.mark.slow
def test_other_weights_have_an_entry_of_their_own(engine, filled, tmp_path):
    cache, first = filled
    weights = write_checkpoint(tmp_path / "own_classifier.weights.h5", NANO, seed=2)
    second, imported = engine(cache, weights)
    assert "keras" in imported
    assert not np.array_equal(second, first)
    assert len(entries(cache)) == 2


@pytest.mark.slow
def test_cache_that_cannot_be_a_folder_costs_nothing_but_time(engine, filled, tmp_path):
    (tmp_path / "file").write_text("")
    _, expected = filled
    computed, _ = engine(tmp_path / "file" / "cache")
    np.testing.assert_array_equal(computed, expected)


@pytest.mark.slow
def test_full_disk_leaves_no_entry(engine, filled, tmp_path):
    def limit_files():  # a write past this fails as on a full disk
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))

    _, expected = filled
    (tmp_path / "empty").mkdir()
    computed, _ = engine(tmp_path / "empty", preexec_fn=limit_files)
    np.testing.assert_array_equal(computed, expected)
    assert list((tmp_path / "empty").iterdir()) == []


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
    """What Python text says, without comments, docstrings and layout."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            node.value.value = ""
        yield type(node).__name__
        yield from (str(getattr(node, name, "")) for name in ("id", "attr", "arg", "name", "value"))


def test_change_of_the_graph_changes_its_version():
    """If this fails: raise GRAPH_VERSION, unless the graphs stay as they were, and say so here."""
    network = Path(vswin_cli.__file__).parent / "network"
    sources = [(network / name).read_text() for name in GRAPH_SOURCES]
    sources.append(inspect.getsource(openvino_engine._export))
    parts = [part for source in sources for part in code(source) if "ast." not in part]
    digest = hashlib.sha256(" ".join(parts).encode()).hexdigest()[:16]
    assert (openvino_engine.GRAPH_VERSION, digest) == (1, "d3a061ea9a363292")
