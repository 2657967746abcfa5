"""The folder of the cache: weights files, exported models, and custom models."""

import logging
import os
import tempfile
from functools import cache
from pathlib import Path

import platformdirs

FOLDER_VARIABLE = "VSWIN_CACHE"

_kept: list[tempfile.TemporaryDirectory[str]] = []  # until the process ends
_logger = logging.getLogger(__name__)


def cache_folder(chosen: Path | None = None) -> Path:
    """Return the folder of weights files: `chosen`, else VSWIN_CACHE, else the platform's.

    Without a home folder, it is a temporary folder of this process.
    """
    if chosen is None and (variable := os.environ.get(FOLDER_VARIABLE)):
        chosen = Path(variable)
    try:
        if chosen is None:
            usual = Path(platformdirs.user_cache_dir("vswin", ensure_exists=False))
            return _passing_folder() if usual.parts[0] == "~" else usual.absolute()
        return chosen.expanduser().absolute()
    except (RuntimeError, KeyError):  # there is neither HOME nor a passwd entry
        return _passing_folder() if chosen is None else chosen.absolute()


def is_passing(folder: Path) -> bool:
    """Whether a folder is temporary, and removed with this process."""
    return folder in [Path(each.name) for each in _kept]


@cache
def _passing_folder() -> Path:
    """Make a folder for the lifetime of this process, and warn once."""
    _logger.warning(
        "warning: this user has no home folder, so nothing is cached; set a cache folder "
        "with --cache-dir or %s",
        FOLDER_VARIABLE,
    )
    folder = tempfile.TemporaryDirectory(prefix="vswin-cache-")
    _kept.append(folder)
    return Path(folder.name)
