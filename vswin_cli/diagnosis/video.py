"""The description and the reading of a video, to be called in a separate process."""

import hashlib
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from vswin_cli.diagnosis.file import describe_file
from vswin_cli.diagnosis.log_lines import Lines
from vswin_cli.errors import VideoError
from vswin_cli.sources.addresses import AddressError, is_address
from vswin_cli.sources.source import open_source
from vswin_cli.video.reading import read_video
from vswin_cli.views.sampling import clip_indices
from vswin_cli.zoo.models import DEFAULT_MODEL

_DIGITS = 16  # length of a frame's hash


def examine(name: str, reader: str) -> dict[str, Any]:
    """Describe a video, then read the frames that the usual protocol samples.

    Args:
        name: Path or address; the bytes are read twice, so it cannot be a stream.
        reader: As for `read_video`.
    """
    record: dict[str, Any] = {"name": _shape_of(name)}
    try:
        with open_source(name) as source:
            record |= describe_file(source)
    except (VideoError, AddressError) as exc:
        return record | {"error": str(exc), "kind": exc.kind}
    except OSError as exc:
        return record | {"error": exc.strerror or str(exc), "kind": "unreadable"}
    record["reading"] = _reading(name, reader)
    return record


def _shape_of(name: str) -> dict[str, Any]:
    """Describe properties of a name that may matter, without the name."""
    stem = name.rpartition("/")[2] if is_address(name) else Path(name).name
    extension = Path(stem).suffix
    return {
        "extension": extension.lower() if extension.isascii() and len(extension) <= 6 else None,
        "address": name.partition("://")[0].lower() if is_address(name) else None,
        "ascii": stem.isascii(),
        "utf8": not any("\udc80" <= character <= "\udcff" for character in name),
        "characters": len(name),
    }


def _reading(name: str, reader: str) -> dict[str, Any]:
    protocol = DEFAULT_MODEL.protocol
    notes = Lines()
    shapes: dict[str, None] = {}

    def digest(frame: np.ndarray) -> str:
        height, width, _ = frame.shape
        shapes[f"{width}×{height}"] = None
        return hashlib.sha256(frame.tobytes()).hexdigest()

    start = perf_counter()
    try:
        with notes.of("vswin_cli"):
            reading = read_video(
                name,
                reader,
                lambda num_frames: np.unique(clip_indices(num_frames, protocol)).tolist(),
                digest,
            )
    except VideoError as exc:
        return {"error": str(exc), "kind": exc.kind, "notes": notes.lines}
    frames = {index: reading.frames[index] for index in sorted(reading.frames)}
    together = "".join(f"{index} {digest}\n" for index, digest in frames.items())
    bounds = reading.bounds
    seconds = None if bounds is None else round(float(bounds[-1] - bounds[0]), 3)
    return {
        "reader": reading.reader,
        "seconds": round(perf_counter() - start, 2),
        "num_frames": reading.num_frames,
        "num_announced_frames": reading.num_announced,
        "duration_seconds": seconds,
        "upright_sizes": list(shapes),
        "num_lost_packets": reading.decoded.num_lost,
        "num_damaged_frames": reading.decoded.num_damaged,
        "warnings": list(reading.warnings),
        "notes": notes.lines,
        "sampled_by": f"{protocol.sampling} {protocol.num_clips}×{protocol.num_crops}",
        "num_sampled_frames": len(frames),
        "sha256": hashlib.sha256(together.encode()).hexdigest(),
        "sha256_per_frame": {str(index): digest[:_DIGITS] for index, digest in frames.items()},
    }
