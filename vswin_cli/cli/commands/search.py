"""`vswin search`: the videos whose features are nearest to those of one."""

from typing import Annotated

import typer

from vswin_cli.api.options import EngineOptions
from vswin_cli.cli.options import (
    CacheDirOption,
    FeaturesArgument,
    LabelsOption,
    ListFormatOption,
    MirrorOption,
    OfflineOption,
    OptionalModelOption,
    WeightsOption,
)


def search(
    features: FeaturesArgument,
    query: Annotated[
        str,
        typer.Option(
            "--query",
            "-q",
            metavar="VIDEO",
            help="A row (from 0), a video by its name in the file, or a video: a path or address.",
        ),
    ],
    top: Annotated[
        int, typer.Option("--top", "-n", min=1, metavar="N", help="How many neighbours.")
    ] = 10,
    labels: LabelsOption = None,
    output_format: ListFormatOption = "table",
    model: OptionalModelOption = None,
    weights: WeightsOption = None,
    cache_dir: CacheDirOption = None,
    mirror: MirrorOption = None,
    offline: OfflineOption = False,
) -> None:
    """List the rows of a features file that are the most similar to a video, by their cosine.

    The rows of the video itself are left out where it is in the file. The model of a video file is
    what FEATURES names, unless --model names another.
    """
    from vswin_cli.api.similarity import similar_rows
    from vswin_cli.cli.progress import fetch_shown
    from vswin_cli.cli.tables import print_records

    engine = EngineOptions(weights=weights, cache_dir=cache_dir, mirror=mirror, offline=offline)
    records, columns = similar_rows(features, query, top, labels, model, engine, fetch_shown)
    print_records(records, output_format, columns)
