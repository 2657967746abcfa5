"""Engines in separate processes, as for several GPUs; here each runs on the CPU."""

import os
import shutil
import signal
from functools import partial

import numpy as np
import pytest
from models import NANO
from processes import children
from waiting import wait_until

from vswin_cli.engines.registry import load_engine
from vswin_cli.engines.several import SeveralEngines
from vswin_cli.errors import BackendError, CheckpointError

OPTIONS = {"backend": "openvino", "precision": "float32", "view_size": (4, 24, 24)}


def several(weights, folder):
    options = {**OPTIONS, "cache_folder": folder, "threads": 1, "batch_size": 1}
    return SeveralEngines(["0", "1"], partial(load_engine, NANO, weights, **options))


@pytest.mark.slow
def test_engines_of_several_processes_compute_as_one(checkpoint, first_run, tmp_path):
    cache = shutil.copytree(first_run / "cache", tmp_path / "cache")
    views = np.random.default_rng(0).integers(0, 256, (7, 4, 24, 24, 3), dtype=np.uint8)
    alone = load_engine(
        NANO,
        checkpoint("nano"),
        cache_folder=cache,
        threads=1,
        **OPTIONS,
    )
    before = set(children(os.getpid()))
    engine = several(checkpoint("nano"), cache)
    assert (engine.batch_size, engine.num_at_once) == (1, 2)
    outputs = engine.compute(views)
    rooms = [engine.new_batch(views.shape[1:]) for _ in range(2)]
    for room, view in zip(rooms, views[3:5], strict=True):
        room[0] = view
    in_rooms = [wait().probabilities for wait in [engine.start(room) for room in rooms]]
    expected = alone.compute(views)
    np.testing.assert_allclose(outputs.probabilities, expected.probabilities, rtol=0, atol=1e-5)
    np.testing.assert_allclose(outputs.features, expected.features, rtol=0, atol=1e-4)
    np.testing.assert_array_equal(np.concatenate(in_rooms), outputs.probabilities[3:5])
    first, second = set(children(os.getpid())) - before
    os.kill(first, signal.SIGKILL)
    with pytest.raises(BackendError, match=r"device [01] has ended with code -9"):
        engine.compute(views)
    del engine
    wait_until(lambda: second not in children(os.getpid()) or not _is_alive(second))


def _is_alive(pid):
    with open(f"/proc/{pid}/stat") as stat:  # noqa: PTH123
        return stat.read().rpartition(")")[2].split()[0] != "Z"


def test_weights_that_do_not_fit_are_told_as_they_are(checkpoint, tmp_path):
    (tmp_path / "none.weights.h5").write_bytes(b"none")
    with pytest.raises(CheckpointError):
        several(tmp_path / "none.weights.h5", tmp_path)
