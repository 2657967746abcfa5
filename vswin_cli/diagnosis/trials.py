"""Trials of engines and readers, each on small data in a separate process."""

import io
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

from vswin_cli.engines.base import BACKENDS
from vswin_cli.zoo.models import DEFAULT_MODEL

ENGINES = BACKENDS
_NUM_VIEWS = 5  # that are timed
_NUM_FRAMES, _SIDE = 24, 64


def try_engine(backend: str, cache_dir: str | None) -> dict[str, Any]:
    """Compute views of the bundled model.

    Returns:
        The engine, the time per view in milliseconds, and the probabilities of one view.
    """
    import numpy as np  # noqa: PLC0415 - the process that asks has no need of it

    from vswin_cli.engines.graph_cache import graph_folder, graph_limit_bytes  # noqa: PLC0415
    from vswin_cli.engines.registry import load_engine  # noqa: PLC0415

    model = DEFAULT_MODEL
    size = model.protocol.view_size
    start = perf_counter()
    engine = load_engine(
        model,
        model.weights_path,
        backend=backend,
        precision="float32",
        view_size=size,
        cache_folder=graph_folder(None if cache_dir is None else Path(cache_dir)),
        cache_limit_bytes=graph_limit_bytes(),
    )
    # Equal in every version of NumPy, and different in every pixel.
    pixels = np.arange(np.prod((*size, 3)), dtype=np.uint64) * 2654435761 >> 13
    view = pixels.astype(np.uint8).reshape(1, *size, 3)
    probabilities = engine.compute(view).probabilities[0]
    seconds_to_first = perf_counter() - start
    times = []
    for _ in range(_NUM_VIEWS):
        start = perf_counter()
        engine.compute(view)
        times.append(perf_counter() - start)
    return {
        "start_seconds": round(seconds_to_first, 2),
        "milliseconds_per_view": round(median(times) * 1000, 1),
        "probabilities": [round(float(each), 6) for each in probabilities],
        **(_openvino_devices() if backend == "openvino" else {}),
    }


def _openvino_devices() -> dict[str, Any]:
    import openvino  # noqa: PLC0415

    core = openvino.Core()
    return {
        "devices": core.available_devices,
        "capabilities": core.get_property("CPU", "OPTIMIZATION_CAPABILITIES"),
    }


def is_installed(backend: str) -> bool:
    """Whether the library of an engine seems importable, without importing it."""
    return find_spec(backend) is not None


def try_reader(name: str) -> dict[str, Any]:
    """Read a small clip that is made for the trial."""
    import av  # noqa: PLC0415

    from vswin_cli.video.reading import read_video  # noqa: PLC0415

    start = perf_counter()
    clip = _clip()
    reading = read_video(clip, name, range, lambda frame: int(frame.mean()))
    right = list(range(0, 10 * _NUM_FRAMES, 10))
    shades = [reading.frames[index] for index in sorted(reading.frames)]
    if len(shades) != len(right) or any(abs(a - b) > 3 for a, b in zip(shades, right, strict=True)):
        return {"error": f"reads wrong frames: {shades}"}
    record: dict[str, Any] = {"seconds": round(perf_counter() - start, 2)}
    if name == "av":
        record["ffmpeg"] = av.ffmpeg_version_info
        record["libavcodec"] = ".".join(map(str, av.library_versions["libavcodec"]))
    return record


def _clip() -> io.BytesIO:
    """Make a clip of grey frames, each brighter than the one before."""
    import av  # noqa: PLC0415
    import numpy as np  # noqa: PLC0415

    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as container:
        stream = container.add_stream("mpeg4", rate=25)
        stream.width = stream.height = _SIDE
        stream.pix_fmt = "yuv420p"
        for index in range(_NUM_FRAMES):
            picture = np.full((_SIDE, _SIDE, 3), 10 * index, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, "rgb24")))
        container.mux(stream.encode(None))
    return file
