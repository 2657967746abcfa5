"""Published files, small and of the real size, and servers for them."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import h5py
import numpy as np
import pytest
from misbehaving_server import MisbehavingServer
from reference import write_checkpoint

from vswin_cli.network.checkpoint import key_table
from vswin_cli.weights.cache import WeightsFile, weights_file
from vswin_cli.zoo.catalog import find_model

Vswin = Callable[..., subprocess.Popen[str]]


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Remove the settings of the user who runs the tests."""
    for name in list(os.environ):
        if name.startswith("VSWIN_") or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The cache folder of commands in this process."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("VSWIN_CACHE", str(folder))
    return folder


@pytest.fixture
def tiny(cache: Path) -> WeightsFile:
    """Swin-T's place in that folder."""
    return weights_file(find_model("swin-t-k400"))


@pytest.fixture
def here(tiny: WeightsFile, tiny_file: Path) -> WeightsFile:
    """Swin-T's place, with the file."""
    tiny.folder.mkdir()
    shutil.copyfile(tiny_file, tiny.path)
    return tiny


def _with_published_size(path: Path, num_bytes: int) -> Path:
    """Extend a file, because HDF5 ignores bytes after its end."""
    assert path.stat().st_size <= num_bytes
    os.truncate(path, num_bytes)
    return path


@pytest.fixture(scope="session")
def tiny_file(made_once: Callable[..., Path]) -> Path:
    """A file for swin-t-k400, with the published size: 113 MB."""
    model = find_model("swin-t-k400")

    def write(path: Path) -> None:
        _with_published_size(write_checkpoint(path, model), model.classifier_file.num_bytes)

    return made_once(f"published-{model.classifier_file.name}", write)


@pytest.fixture(scope="session")
def largest_file(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A file for swin-b-ssv2, with the published size: 356 MB, the largest; its numbers are 0."""
    model = find_model("swin-b-ssv2")
    path = tmp_path_factory.mktemp("published") / model.classifier_file.name
    with h5py.File(path, "w") as file:
        for key in key_table(model.architecture, model.num_classes):
            file[key.dataset] = np.zeros(key.shape, np.float32)
    yield _with_published_size(path, model.classifier_file.num_bytes)
    path.unlink()


@pytest.fixture
def tiny_server(tiny_file: Path) -> Iterator[MisbehavingServer]:
    """A server with the file for swin-t-k400."""
    with MisbehavingServer(tiny_file.read_bytes()) as server:
        yield server


@pytest.fixture
def vswin(tmp_path: Path) -> Iterator[Vswin]:
    """Start `vswin` in a separate process, with a separate cache."""
    started: list[subprocess.Popen[str]] = []

    def start(*arguments: object, **variables: str) -> subprocess.Popen[str]:
        environment = {**os.environ, "VSWIN_CACHE": str(tmp_path / "cache"), "COLUMNS": "80"}
        process = subprocess.Popen(
            [sys.executable, "-m", "vswin_cli", *map(str, arguments)],
            env={**environment, **variables},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()
