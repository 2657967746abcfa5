import functools
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import fields, replace
from itertools import chain, groupby
from pathlib import Path

import pytest
from apart import Apart
from browser import CHROMIUM, Page, open_page
from command import VSWIN, called, finished, surroundings
from filelock import FileLock
from forking import forked
from misbehaving_server import MisbehavingServer
from models import NANO, SMALLEST, model_named
from reference import write_checkpoint, write_custom_model

from vswin_cli.system.files import file_sha256
from vswin_cli.system.processors import available_processors
from vswin_cli.weights.cache import WeightsFile, weights_file
from vswin_cli.zoo.model_file import model_text
from vswin_cli.zoo.models import PUBLISHED_MODELS, CustomModel, Model, PublishedFile

# A process in the background ignores Ctrl-C and hang-ups, and so would the commands that it starts,
# but some tests need them.
signal.signal(signal.SIGINT, signal.default_int_handler)
if hasattr(signal, "SIGHUP"):
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


# Compiled test modules serve the other workers, and those of the package the processes of tests.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

if "PYTEST_XDIST_WORKER" in os.environ:  # the other processors are for the other workers
    for pool in ("OMP_NUM", "OPENBLAS_NUM", "TF_NUM_INTRAOP", "TF_NUM_INTEROP"):
        os.environ.setdefault(f"{pool}_THREADS", "1")


def pytest_xdist_auto_num_workers() -> int:
    """One more than there are processors: tests wait for processes, servers and disks, too."""
    return available_processors() + 1


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Let each worker begin with other modules: what one has compiled, the others read."""
    report = yield
    if "PYTEST_XDIST_WORKER" in os.environ and isinstance(collector, pytest.Dir):
        number = int(os.environ["PYTEST_XDIST_WORKER"].removeprefix("gw"))
        first = len(report.result) * number // int(os.environ["PYTEST_XDIST_WORKER_COUNT"])
        report.result = report.result[first:] + report.result[:first]
    return report


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let each worker begin with its share of the long tests, so that none waits at the end.

    Tests are divided into one part per worker. A worker that is done takes tests from the end of
    another part, where the short ones are. Tests with Keras are in one part, because it takes
    seconds to import.
    """
    num_workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    if num_workers == 1:
        return

    def module_of(item: pytest.Item) -> Path:
        return Path() if "keras" in item.keywords else item.path

    items.sort(key=lambda item: (module_of(item), item.path))  # workers collect in other orders
    modules = [list(group) for _, group in groupby(items, module_of)]
    parts: list[list[pytest.Item]] = [[] for _ in range(num_workers)]
    num_slow = [0] * num_workers
    for module in sorted(modules, key=lambda each: -_count_slow(each) / len(each)):
        count = _count_slow(module)
        least = num_slow.index(min(num_slow)) if count else parts.index(min(parts, key=len))
        parts[least] += module
        num_slow[least] += count
    items[:] = chain.from_iterable(parts)


def _count_slow(module: list[pytest.Item]) -> int:
    return sum("slow" in item.keywords for item in module)


@pytest.fixture(scope="session", autouse=True)
def _forked_workers() -> Iterator[None]:
    """Fork the decoding processes of this process; `started_workers` starts them as usual."""
    with forked():
        yield


@pytest.fixture
def started_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Start decoding processes as for users, in tests about that."""
    monkeypatch.setattr("vswin_cli.runs.serving.subprocess", subprocess)


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of the whole session, shared by all its workers."""
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent
    folder = folder / "shared"
    folder.mkdir(exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def made_once(shared: Path) -> Callable[[str, Callable[[Path], object]], Path]:
    """Make a file once per session: `made_once("clip.mp4", lambda path: encode(path, …))`."""

    def made(name: str, make: Callable[[Path], object]) -> Path:
        path = shared / name
        with FileLock(f"{path}.lock"):
            if not path.exists():
                unfinished = path.with_name(f"new-{name}")
                make(unfinished)
                unfinished.rename(path)
        return path

    return made


@pytest.fixture(scope="session")
def checkpoint(made_once: Callable[..., Path]) -> Callable[..., Path]:
    """Write a model's pseudo-random published file once per session: `checkpoint(name, head=…)`."""

    @functools.cache
    def written(name: str, *, head: bool = True) -> Path:
        suffix = "_classifier" if head else ""
        model = model_named(name)
        return made_once(
            f"{name}{suffix}.weights.h5", lambda path: write_checkpoint(path, model, head=head)
        )

    return written


@pytest.fixture(scope="session")
def small_model(checkpoint: Callable[..., Path], made_once: Callable[..., Path]) -> Path:
    """The model file of a very small model with the classes, protocol and views of Kinetics."""
    weights = checkpoint(NANO.name)

    def write(path: Path) -> None:
        model = CustomModel(
            **{field.name: getattr(NANO, field.name) for field in fields(Model)},
            path=path,
            weights_path=weights,
            sha256=file_sha256(weights),
            has_head=True,
        )
        path.write_text(model_text(model, origin="nowhere"))

    return made_once(f"{NANO.name}.toml", write)


@pytest.fixture(scope="session")
def smallest_model(made_once: Callable[..., Path]) -> Path:
    """The folder of a custom model; see `write_custom_model`."""
    return made_once("smallest", lambda folder: write_custom_model(folder, SMALLEST))


@pytest.fixture(scope="session")
def cache(shared: Path) -> Path:
    """One cache folder for all commands, so that a model is exported once."""
    folder = shared / "cache"
    folder.mkdir(exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    """One browser for all pages; each user sets the size of the screen."""
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed")
    with open_page("about:blank", tmp_path_factory.mktemp("profile")) as page:
        yield page


@pytest.fixture(scope="session")
def running_store():
    """A server of objects; fsspec keeps its clients as long as the tests run."""
    pytest.importorskip("moto", reason="needs the extra `test`")
    from object_store import store_server

    with store_server() as store:
        yield store


@pytest.fixture(scope="module")
def apart() -> Iterator[Apart]:
    """Call a function in a separate process: `apart(read_video, path, "decord", …)`."""
    calling = Apart()
    yield calling
    calling.close()


@pytest.fixture
def vswin(cache: Path, tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Call the command in this process, in an empty folder: `vswin("models", COLUMNS="40")`.

    `cache` is another cache folder, `stdin` the bytes on standard input, `stdout` a file for
    standard output; other names are environment variables.
    """

    kept = cache

    def run(
        *arguments: object,
        cache: Path = cache,
        stdin: bytes = b"",
        stdout: Path | None = None,
        **variables: str,
    ) -> subprocess.CompletedProcess[str]:
        environment = surroundings(cache, **variables)
        return called(
            arguments, cwd=tmp_path, env=environment, stdin=stdin, stdout=stdout, kept_cache=kept
        )

    return run


@pytest.fixture
def vswin_process(cache: Path, tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run the installed command like `vswin`, for tests that need a process."""

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
    """A complete checkpoint of a very small model."""
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
    """A server with the small model's file."""
    with MisbehavingServer(small_file.read_bytes()) as server:
        yield server
