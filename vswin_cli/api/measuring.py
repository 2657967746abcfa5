"""The measurements of `vswin bench`, as one record."""

from collections.abc import Callable
from typing import Any

from vswin_cli.api.model import VideoModel
from vswin_cli.benchmark.start import start_seconds
from vswin_cli.benchmark.timing import time_reading, time_views
from vswin_cli.sources.addresses import without_credentials
from vswin_cli.system.processors import available_processors


def measure(
    model: VideoModel, video: str | None, rounds: int, on_share: Callable[[float], None]
) -> dict[str, Any]:
    """Measure the speed of a model, and of reading a video if one is given.

    Args:
        model: The model to measure, with its video reader.
        video: Path or address of a video.
        rounds: Number of measurements.
        on_share: Called with the share that is done, from 0 to 1.

    Returns:
        The record that `vswin bench --format json` prints.

    Raises:
        VideoError: The video cannot be read.
        BackendError: The model does not start in a separate process.
    """
    num_done = 0

    def advance() -> None:
        nonlocal num_done
        num_done += 1
        on_share(num_done / (rounds + 4))

    zoo_model, size = model.model, model.protocol.view_size
    num_threads = model.options.threads or available_processors()
    reading = None
    if video is not None:  # first, since it can fail
        reading = time_reading(video, zoo_model, model.views.reader, num_threads, advance)
    engine = model.engine
    views = time_views(zoo_model, engine, num_threads, rounds, advance)
    start = start_seconds(
        zoo_model,
        model.weights_file,
        engine,
        num_threads=num_threads,
        graph_folder=model.graph_folder,
        with_head=model.has_head,
    )
    return {
        "model": zoo_model.name,
        "backend": engine.backend,
        "precision": engine.precision,
        "threads": num_threads,
        "view_size": list(size),
        "rounds": rounds,
        "milliseconds_per_view": {
            "median": views.view.median * 1000,
            "fastest": views.view.fastest * 1000,
            "slowest": views.view.slowest * 1000,
        },
        "views_per_second": 1 / views.view.median,
        "gflop_per_view": views.gflop,
        "matrix_gflop_per_second": views.matrix_gflops,
        "ratio_to_matrix_products": views.ratio,
        "start_seconds": start,
        "video": reading
        and {
            "video": without_credentials(str(video)),
            "num_frames": reading.num_frames,
            "reading_seconds": reading.seconds.median,
            "frames_per_second": reading.frames_per_second,
        },
    }
