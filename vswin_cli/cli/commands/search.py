"""`vswin search`: find the videos with the features most similar to those of a video."""

from typing import Annotated

import typer

from vswin_cli.api.options import EngineOptions
from vswin_cli.cli.options import (
    MODEL,
    OUTPUT,
    VIDEOS,
    CacheDirOption,
    FeaturesArgument,
    LabelsOption,
    ListFormatOption,
    MirrorOption,
    OfflineOption,
    QuietOption,
    WeightsOption,
    complete_model,
)


def search(
    features: FeaturesArgument,
    query: Annotated[
        str,
        typer.Option(
            "--query",
            metavar="VIDEO",
            help="Row number (from 0), name in the file, or the path or address of a video.",
            rich_help_panel=VIDEOS,
        ),
    ],
    top_k: Annotated[
        int,
        typer.Option(
            "--top-k",
            "-k",
            min=1,
            metavar="K",
            help="Number of videos to list.",
            rich_help_panel=OUTPUT,
        ),
    ] = 10,
    labels: LabelsOption = None,
    output_format: ListFormatOption = "table",
    model: Annotated[
        str | None,
        typer.Option(
            "--model",
            "-m",
            metavar="NAME",
            help="Model for a video file. Default: the one that FEATURES names.",
            autocompletion=complete_model,
            rich_help_panel=MODEL,
        ),
    ] = None,
    weights: WeightsOption = None,
    cache_dir: CacheDirOption = None,
    mirror: MirrorOption = None,
    offline: OfflineOption = False,
    quiet: QuietOption = False,
) -> None:
    """List the videos in a features file that are most similar to a video.

    They are ranked by cosine similarity; the video itself is left out. The features of a video
    file are computed with the model that FEATURES names, unless --model names another.

    Examples:
        vswin search features.npz --query clip.mp4
        vswin search features.npz --query 17 --top-k 3 --labels labels.jsonl
        vswin search features.npz --query new/clip.mp4 --format csv > neighbours.csv
    """
    from vswin_cli.api.similarity import similar_rows
    from vswin_cli.cli.progress import fetch_shown
    from vswin_cli.cli.tables import print_records, say_what_features_mean

    engine = EngineOptions(weights=weights, cache_dir=cache_dir, mirror=mirror, offline=offline)
    fetch = fetch_shown(quiet=quiet)
    records, columns = similar_rows(features, query, top_k, labels, model, engine, fetch)
    say_what_features_mean(features, quiet=quiet)
    print_records(records, output_format, columns)
