import functools
import signal
import subprocess
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from command import VSWIN, finished, surroundings
from misbehaving_server import MisbehavingServer
from models import model_named
from reference import write_checkpoint

from vswin_cli.weights.cache import WeightsFile, weights_file
from vswin_cli.zoo.architectures import Architecture
from vswin_cli.zoo.models import PUBLISHED_MODELS, PublishedFile

SMALLEST = Architecture("smallest", embed_dim=8, depths=(1, 1), num_heads=(1, 2), window=(2, 2, 2))

# Whoever starts the tests in the background of a script has them ignore Ctrl-C, which the commands
# that they start would inherit, and some tests are about.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """A model's pseudo-random published file, written once a session: `checkpoint(name, top=…)`."""
    folder = tmp_path_factory.mktemp("checkpoints")

    @functools.cache
    def written(name: str, *, top: bool = True) -> Path:
        suffix = "_classifier" if top else ""
        return write_checkpoint(folder / f"{name}{suffix}.weights.h5", model_named(name), top=top)

    return written


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One cache folder for all commands, so that a model is exported once."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def vswin(cache: Path, tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run the command in an empty folder: `vswin("models", cache=…, COLUMNS="40")`."""

    def run(
        *arguments: object,
        cache: Path = cache,
        program: Sequence[str | Path] = (VSWIN,),
        **variables: str,
    ) -> subprocess.CompletedProcess[str]:
        environment = surroundings(cache, **variables)
        return finished([*program, *arguments], cwd=tmp_path, env=environment)

    return run


@pytest.fixture(scope="session")
def small_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A whole checkpoint of a very small model."""
    path = tmp_path_factory.mktemp("published") / "small_classifier.weights.h5"
    return write_checkpoint(path, replace(PUBLISHED_MODELS[0], architecture=SMALLEST))


@pytest.fixture
def target(small_file: Path, tmp_path: Path) -> WeightsFile:
    """The small model's file in an empty cache."""
    published = PublishedFile(small_file.name, small_file.stat().st_size)
    model = replace(
        PUBLISHED_MODELS[0], name="small", architecture=SMALLEST, classifier_file=published
    )
    return weights_file(model, tmp_path / "cache")


@pytest.fixture
def server(small_file: Path) -> Iterator[MisbehavingServer]:
    """A server of the small model's file."""
    with MisbehavingServer(small_file.read_bytes()) as server:
        yield server
