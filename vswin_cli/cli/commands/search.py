"""`vswin search`: the videos whose features are nearest to those of one."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vswin_cli.cli.embed_options import (
    FeaturesArgument,
    LabelsOption,
    ListFormatOption,
    QueryOption,
    TopOption,
)
from vswin_cli.cli.options import CacheDirOption, MirrorOption, OfflineOption
from vswin_cli.errors import UnknownModelError, UsageError
from vswin_cli.formats.text import printable
from vswin_cli.zoo.catalog import find_model
from vswin_cli.zoo.models import PublishedModel

if TYPE_CHECKING:  # they import NumPy
    import numpy as np

    from vswin_cli.features.files import FeaturesFile
    from vswin_cli.features.origin import Origin


def search(
    features: FeaturesArgument,
    query: QueryOption,
    top: TopOption = 10,
    labels: LabelsOption = None,
    output_format: ListFormatOption = "table",
    model: Annotated[
        str | None,
        typer.Option(
            "--model", metavar="NAME", help="For a video file. Default: what FEATURES names."
        ),
    ] = None,
    weights: Annotated[
        Path | None,
        typer.Option(
            "--weights", metavar="FILE", help="For a video file. Default: as `vswin embed`."
        ),
    ] = None,
    cache_dir: CacheDirOption = None,
    mirror: MirrorOption = None,
    offline: OfflineOption = False,
) -> None:
    """List the rows of a features file that are the most similar to a video, by their cosine.

    The rows of the video itself are left out where it is in the file.
    """
    from vswin_cli.cli.row_list import describe, print_records, read_best_labels
    from vswin_cli.features.files import open_features
    from vswin_cli.features.neighbours import nearest

    best_labels = read_best_labels(labels)
    file = open_features(features)
    own_rows = _rows_in_file(file, query)
    if own_rows:
        vector = file.matrix()[own_rows[0]]
    else:
        vector = _computed(query, file.origin, model, weights, cache_dir, mirror, offline)
    neighbours = nearest(vector, file.blocks(), top, without=own_rows)
    described = describe(file, [neighbour.row for neighbour in neighbours], best_labels)
    records = [
        {"rank": rank, "similarity": neighbour.similarity, **record}
        for rank, (neighbour, record) in enumerate(zip(neighbours, described, strict=True), 1)
    ]
    columns = ["rank", "similarity", "row", "video"]
    columns += ["clip", "crop"] if file.origin.per_view else []
    columns += ["label"] if best_labels is not None else []
    print_records(records, output_format, columns)


def _rows_in_file(file: "FeaturesFile", query: str) -> list[int]:
    """The rows that a query names, its own first; none for a video file.

    Raises:
        UsageError: It is neither.
    """
    if rows := file.rows_of(query):
        return rows
    if query.isdecimal():
        row = int(query) if len(query) < 20 else file.num_rows
        if row >= file.num_rows:
            there = f"the rows 0 to {file.num_rows - 1}" if file.num_rows else "no rows"
            raise UsageError(f"--query {row}: the file has {there}")
        [video] = file.videos([row])
        return [row, *(other for other in file.rows_of(video) if other != row)]
    if not Path(query).is_file():
        raise UsageError(
            f"--query {printable(query)} is no row, no video in the file, and no file; check it"
        )
    return []


def _computed(
    video: str,
    origin: "Origin",
    model: str | None,
    weights: Path | None,
    cache_dir: Path | None,
    mirror: str | None,
    offline: bool,
) -> "np.ndarray":
    """Compute the features of a video as those of a file were computed.

    Raises:
        UsageError: The weights here are others.
        VideoError: The video cannot be read.
    """
    from vswin_cli.cli.engine_setup import set_up_engine
    from vswin_cli.system.files import file_sha256
    from vswin_cli.video.views import read_views

    try:
        chosen = find_model(model or origin.model, cache_dir)
    except UnknownModelError as exc:
        if model is not None:
            raise
        raise UsageError(
            f"the features were computed with a model {origin.model} that is not in the cache "
            "folder; give the path of its model file with --model"
        ) from exc
    setup = set_up_engine(
        chosen, weights, backend=origin.backend, precision=origin.precision,
        cache_dir=cache_dir, mirror=mirror, offline=offline,
        features=True, no_top=isinstance(chosen, PublishedModel) and not origin.with_top,
    )  # fmt: skip
    if file_sha256(setup.weights_file) != origin.weights_sha256:
        raise UsageError(
            f"{setup.weights_file} is not what the features were computed with (its SHA-256 is not "
            f"{origin.weights_sha256[:12]}…); name that file with --weights, and its --model"
        )
    from vswin_cli.classify import Classifier

    engine = setup.load(origin.protocol.view_size)
    classifier = Classifier(chosen, engine, origin.protocol, reader=origin.reader, top_k=0)
    return classifier.compute(read_views(video, (origin.protocol,), origin.reader)).features
