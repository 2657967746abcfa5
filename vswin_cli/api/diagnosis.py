"""The record of `vswin doctor`: everything that a bug report needs."""

import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, get_args

from vswin_cli.api.options import ReaderName
from vswin_cli.diagnosis import installation, machine
from vswin_cli.diagnosis.apart import call_apart
from vswin_cli.diagnosis.privacy import known_names, without_paths
from vswin_cli.diagnosis.trials import ENGINES, is_installed
from vswin_cli.errors import UsageError
from vswin_cli.sources.addresses import without_credentials
from vswin_cli.system.cache_folder import cache_folder
from vswin_cli.system.extras import pip_command

TRIAL_SECONDS = 180.0  # for an engine, which may export its graph
_NEAR = 1e-3  # largest allowed difference between the probabilities of two engines
_EXTRAS = ("jax", "torch")
READERS = tuple(name for name in get_args(ReaderName) if name != "auto")


def diagnose(
    video: str | None = None,
    *,
    reader: ReaderName = "auto",
    timeout: float = 300.0,
    cache_dir: str | Path | None = None,
    paths: bool = False,
    on_step: Callable[[str], None] = lambda step: None,
) -> dict[str, Any]:
    """Report what is installed and what works, and describe a video file.

    >>> vswin.diagnose()["engines"]["openvino"]["status"]
    'works'

    Args:
        video: Path or address of a video to describe.
        reader: As for `load_model`.
        timeout: Time limit for examining the video, in seconds.
        cache_dir: As for `load_model`.
        paths: Include the names of the user's files, folders and addresses.
        on_step: Called with the name of each step as it begins.

    Returns:
        A record of JSON types. `problems` has one line for each part that does not work; none of
        them is raised as an error. Each part is tried in a separate process, which may crash.

    Raises:
        UsageError: The video is standard input.
    """
    if video == "-":
        raise UsageError("standard input cannot be read twice; save it to a file first")
    folder = None if cache_dir is None else Path(cache_dir)
    record: dict[str, Any] = {
        "vswin": installation.describe_python(),
        "system": machine.describe_system(),
        "processors": machine.describe_processors(),
    }
    on_step("GPUs")
    record["gpus"] = machine.describe_gpus()
    record["packages"] = installation.describe_packages()
    record["settings"] = installation.describe_settings()
    record["cache"] = installation.describe_cache(folder)
    record["weights"] = installation.describe_weights(folder, names=paths)
    record["readers"] = {}
    for name in READERS:
        on_step(f"reader {name}")
        record["readers"][name] = _tried(
            call_apart("trials.try_reader", name, seconds=TRIAL_SECONDS)
        )
    record["engines"] = {}
    for name in ENGINES:
        on_step(f"engine {name}")
        record["engines"][name] = _engine(name, folder)
    _compare(record["engines"])
    if video is not None:
        on_step("video")
        record["video"] = call_apart("video.examine", video, reader, seconds=timeout)
        if paths:
            record["video"]["path"] = without_credentials(video)
    record["problems"] = list(_problems(record))
    if paths:
        return record
    private: dict[str, Any] = without_paths(record, _known_names(video, folder))
    return private


def _engine(name: str, cache_dir: Path | None) -> dict[str, Any]:
    if not is_installed(name):
        command = pip_command(name) if name in _EXTRAS else pip_command(None, name)
        return {"status": "not installed", "advice": command}
    place = None if cache_dir is None else str(cache_dir)
    return _tried(call_apart("trials.try_engine", name, place, seconds=TRIAL_SECONDS))


def _tried(answer: dict[str, Any]) -> dict[str, Any]:
    return {"status": "fails" if "error" in answer else "works", **answer}


def _compare(engines: dict[str, dict[str, Any]]) -> None:
    """Replace each engine's probabilities with their difference from the first engine's."""
    first: list[float] = []
    for engine in engines.values():
        numbers = engine.pop("probabilities", None)
        if numbers is None:
            continue
        first = first or numbers
        farthest = max(abs(a - b) for a, b in zip(first, numbers, strict=True))
        engine["difference"] = round(farthest, 6)
        if not farthest <= _NEAR:
            engine |= {"status": "fails", "error": f"its probabilities differ by {farthest:.4f}"}


def _problems(record: dict[str, Any]) -> Iterator[str]:
    for kind in ("readers", "engines"):
        for name, trial in record[kind].items():
            if trial["status"] == "fails":
                yield f"{kind[:-1]} {name}: {trial['error']}"
    if not any(engine["status"] == "works" for engine in record["engines"].values()):
        yield "no engine works"
    cache = record["cache"]
    if not cache["writable"]:
        yield "the cache folder cannot be written to"
    if "error" in cache:
        yield f"cache: {cache['error']}"
    for weights in record["weights"]:
        if weights.get("error"):
            yield f"weights of {weights['model']}: {weights['error']}"
    video = record.get("video") or {}
    if error := video.get("reading", {}).get("error") or video.get("error"):
        yield f"video: {error}"


def _known_names(video: str | None, cache_dir: Path | None) -> dict[str, str]:
    known = known_names(video) if video else {}
    known |= {str(cache_folder(cache_dir)): "CACHE", tempfile.gettempdir(): "TMP"}
    known |= {sys.prefix: "PYTHON", sys.base_prefix: "PYTHON"}
    for folder, name in ((Path.home, "HOME"), (Path.cwd, "CURRENT")):
        with suppress(OSError, RuntimeError):
            path = str(folder())
            if path != folder().anchor:  # the root is part of every path
                known[path] = name
    return known
