"""The installed packages, and the content of the cache folder."""

import os
import platform
import re
import shutil
import sys
import sysconfig
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, distributions, requires, version
from pathlib import Path
from typing import Any

from vswin_cli import __version__
from vswin_cli.engines.graph_cache import entries, graph_folder, graph_limit_bytes
from vswin_cli.errors import VswinError
from vswin_cli.sources.addresses import without_credentials
from vswin_cli.system.cache_folder import FOLDER_VARIABLE, cache_folder
from vswin_cli.weights.cache import weights_file
from vswin_cli.weights.partial import partial_bytes
from vswin_cli.weights.pins import read_record
from vswin_cli.zoo.catalog import MODELS, custom_models
from vswin_cli.zoo.models import BundledModel, CommunityModel

_NAME = re.compile(r"[A-Za-z0-9._-]+")
_EXTRA = re.compile(r"extra == ['\"]([\w-]+)['\"]")
_SETTING = re.compile(
    r"(VSWIN|KERAS|TF_(?!CLI)|XLA|JAX|OV|OPENVINO|OMP|CUDA|HIP|DECORD|PYTORCH|OPENBLAS|MKL)_\w+"
    r"|PYTHONPATH|LD_LIBRARY_PATH|LD_PRELOAD|TMPDIR|LANG|LC_ALL|(https?|all|no)_proxy",
    re.IGNORECASE,
)
_SECRET = re.compile(r"proxy|token|secret|key|password", re.IGNORECASE)
_DEVELOPMENT = {"test", "dev", "docs"}
# What takes the place of a package of ours, or comes with one and decides whether it works.
_OTHERS = (
    "av",
    "fsspec",
    "pydantic",
    "opencv-python",
    "opencv-contrib-python",
    "opencv-contrib-python-headless",
    "decord",
    "openvino-telemetry",
    "protobuf",
    "ml-dtypes",
    "jaxlib",
    "nvidia-cudnn-cu12",
    "aiohttp",
)


def describe_python() -> dict[str, Any]:
    """Describe Python and vswin."""
    return {
        "vswin": __version__,
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "built_by": platform.python_compiler(),
        "gil": not sysconfig.get_config_var("Py_GIL_DISABLED"),
        "virtual_environment": sys.prefix != sys.base_prefix,
    }


def describe_packages() -> dict[str, str | None]:
    """List versions of packages that vswin needs or can use; None if not installed."""
    found: dict[str, str | None] = {}
    for requirement in _requirements():
        extra = _EXTRA.search(requirement)
        match = _NAME.match(requirement)
        if (
            match
            and not match[0].startswith("vswin")
            and (not extra or extra[1] not in _DEVELOPMENT)
        ):
            found[match[0]] = _version(match[0])
    found |= {name: known for name in _OTHERS if (known := _version(name))}
    plugins = {name for each in distributions() if (name := each.name or "").startswith("jax-")}
    return found | {name: _version(name) for name in sorted(plugins)}


def _requirements() -> list[str]:
    for name in ("vswin", "vswin-slim"):
        with suppress(PackageNotFoundError):
            return requires(name) or []
    return []  # run from a folder of its source


def describe_cache(cache_dir: Path | None) -> dict[str, Any]:
    """Describe the cache folder and the graphs in it."""
    folder = cache_folder(cache_dir)
    variable = os.environ.get(FOLDER_VARIABLE)
    chosen_by = FOLDER_VARIABLE if variable else "the platform"
    if cache_dir and str(cache_dir) != variable:  # the option has the variable's value by default
        chosen_by = "--cache-dir"
    above = next(each for each in (folder, *folder.parents) if each.exists())
    record: dict[str, Any] = {
        "folder": str(folder),
        "chosen_by": chosen_by,
        "exists": folder.is_dir(),
        "writable": above.is_dir() and os.access(above, os.W_OK),
        "free_gb": round(shutil.disk_usage(above).free / 1e9, 1),
    }
    try:
        kept = entries(graph_folder(cache_dir))
        limit_bytes = graph_limit_bytes()
    except (OSError, VswinError) as exc:
        return record | {"error": str(exc)}
    num_bytes = sum(size for _, size in kept)
    graphs = {"num_graphs": len(kept), "graphs_mb": round(num_bytes / 1e6, 1)}
    return record | graphs | {"limit_gb": limit_bytes / 1e9}


def describe_weights(cache_dir: Path | None, *, names: bool) -> list[dict[str, Any]]:
    """List complete and partial weights files.

    Args:
        cache_dir: As for `cache_folder`.
        names: Include the names of custom models.
    """
    found: list[dict[str, Any]] = []
    for model in MODELS:
        if isinstance(model, BundledModel):
            size = model.weights_path.stat().st_size if model.weights_path.is_file() else None
            found.append({"model": model.name, "bytes": size, "bundled": True})
            continue
        for head in (True,) if isinstance(model, CommunityModel) else (True, False):
            target = weights_file(model, cache_dir, head=head)
            try:
                here = target.path.stat().st_size if target.is_here else None
                part = partial_bytes(target)
                if here is None and not part and not target.corrupt_paths:
                    continue
                sha256 = read_record(target) if here is not None else None
            except (OSError, VswinError) as exc:
                return [*found, {"model": model.name, "error": str(exc)}]
            record = {"model": target.title, "bytes": here, "partial_bytes": part or None}
            published = target.published.num_bytes if target.published.is_exact else None
            record |= {"published_bytes": published, "sha256": sha256}
            found.append(record | {"num_corrupt": len(target.corrupt_paths)})
    kept = custom_models(cache_dir)
    custom: list[tuple[str, str | None]] = [(model.name, None) for model in kept.models]
    custom += [(path.name, str(error)) for path, error in kept.broken.items()]
    for number, (name, error) in enumerate(custom, start=1):
        found.append({"model": name if names else f"custom {number}", "error": error})
        if not names and error:
            found[-1]["error"] = "its model file is invalid; see `vswin models`"
    return found


def describe_settings() -> dict[str, str]:
    """List environment variables that affect vswin; for proxies, only whether they are set."""
    return {
        name: "set" if _SECRET.search(name) else without_credentials(os.environ[name])
        for name in sorted(os.environ)
        if _SETTING.fullmatch(name)
    }


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
