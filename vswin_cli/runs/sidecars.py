"""A file with the record next to each video: `clip.mp4.vswin.json`, or `.txt`."""

import json
from pathlib import Path
from typing import Literal

from vswin_cli.runs.records import Record
from vswin_cli.runs.videos import Found
from vswin_cli.sources.addresses import is_address
from vswin_cli.system.files import replacing

SidecarFormat = Literal["json", "txt"]


def sidecar_path(video: Found, form: SidecarFormat) -> Path:
    """Name the file; no other program uses this name."""
    return Path(f"{video.path}.vswin.{form}")


def write_sidecar(video: Found, record: Record, form: SidecarFormat) -> str | None:
    """Write the record of a video that could be read, unless the file has that content already.

    Args:
        video: A video in a file; addresses have no place for it.
        record: Its record.
        form: `json` is the record; `txt` has a label, a tab and its probability per line.

    Returns:
        Why the file cannot be written; None if it is written.
    """
    if record["status"] != "ok" or is_address(video.path):
        return None
    if form == "json":
        text = json.dumps(record, indent=2)
    else:
        text = "\n".join(f"{p['label']}\t{p['probability']:.6f}" for p in record["predictions"])
    content = f"{text}\n".encode("utf-8", "surrogateescape")
    path = sidecar_path(video, form)
    try:
        if path.is_file() and path.read_bytes() == content:
            return None
        with replacing(path) as temporary:
            temporary.write_bytes(content)
    except OSError as exc:
        return f"cannot write {path}: {exc.strerror}; label without --sidecar, or elsewhere"
    return None
