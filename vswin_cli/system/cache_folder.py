"""Where the cache is: weights files, exported models, and models of the user's."""

import os
from pathlib import Path

import platformdirs

FOLDER_VARIABLE = "VSWIN_CACHE"


def cache_folder(chosen: Path | None = None) -> Path:
    """Name the folder of the weights files: `chosen`, else VSWIN_CACHE, else the platform's."""
    if chosen is None and (variable := os.environ.get(FOLDER_VARIABLE)):
        chosen = Path(variable)
    if chosen is None:
        return Path(platformdirs.user_cache_dir("vswin"))
    return chosen.expanduser().absolute()
