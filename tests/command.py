"""The installed command, and the videos that come with it."""

import os
import subprocess
import sys
from pathlib import Path

VSWIN = Path(sys.executable).with_name("vswin")
SAMPLES = Path(__file__).parents[1] / "sample_videos"


def surroundings(cache, **variables):
    """The environment of a command that finds what it needs in a cache folder, or nowhere."""
    offline = {"VSWIN_CACHE": str(cache), "VSWIN_OFFLINE": "1", "COLUMNS": "80"}
    return {**os.environ, **offline, **variables}


def finished(command, **options):
    """Run a command to its end; what it prints is text, whatever names it prints."""
    return subprocess.run(
        [os.fsdecode(word) if isinstance(word, bytes) else str(word) for word in command],
        **{"capture_output": True, "text": True, "errors": "surrogateescape", **options},
    )
