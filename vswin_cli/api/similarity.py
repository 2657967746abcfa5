"""Results of `vswin search` and `vswin duplicates` from a features file, as records."""

import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from vswin_cli.api.model import VideoModel
from vswin_cli.api.options import EngineOptions, ViewOptions
from vswin_cli.api.report import records_of, records_source
from vswin_cli.errors import UnknownModelError, UsageError
from vswin_cli.features.duplicates import Group, find_groups, find_pairs
from vswin_cli.features.files import FeaturesFile, features_output, open_features
from vswin_cli.features.neighbours import nearest
from vswin_cli.features.origin import Origin
from vswin_cli.runs.journal import Journal
from vswin_cli.runs.videos import stated
from vswin_cli.sources.addresses import is_address, without_credentials
from vswin_cli.system.files import file_sha256
from vswin_cli.system.terminal import printable
from vswin_cli.views.views import read_views
from vswin_cli.weights.needed import FetchFile
from vswin_cli.zoo.catalog import find_model
from vswin_cli.zoo.models import PublishedModel

_SAME = 0.9999  # least cosine of equal rows: files keep at least 16 bits of each number
Row = dict[str, Any]
Table = tuple[list[Row], list[str]]  # and the names of their columns


def similar_rows(
    features: Path,
    query: str,
    top: int,
    labels: Path | None,
    model: str | None,
    engine: EngineOptions,
    fetch: FetchFile,
) -> Table:
    """Find the rows of a features file that are most similar to a video, by cosine.

    Args:
        features: The features file.
        query: A row number, the name of a video in the file, or the path or address of a video.
            Its rows are left out.
        top: Rows to return, at most.
        labels: Output of `vswin label`, for the best label of each video.
        model: Model that computes a video file; None is the model that the features file names.
        engine: Engine options; settings in the features file come first.
        fetch: As for `VideoModel`.

    Raises:
        UsageError: A file has the wrong content, or the weights differ from those of the file.
        VideoError: The video cannot be read.
    """
    best_labels = _best_labels(labels)
    file = open_features(features)
    known_rows = _rows_in_file(file, query)
    if known_rows:
        vector = file.matrix()[known_rows[0]]
    else:
        vector = _computed(query, file.origin, model, engine, fetch)
        known_rows = _rows_of_path(features, file, query, vector)
    neighbours = nearest(vector, file.blocks(), top, without=known_rows)
    described = _described(file, [neighbour.row for neighbour in neighbours], best_labels)
    records = [
        {"rank": rank, "similarity": neighbour.similarity, **record}
        for rank, (neighbour, record) in enumerate(zip(neighbours, described, strict=True), 1)
    ]
    return records, _columns("rank", file, best_labels)


def near_duplicates(
    features: Path,
    threshold: float,
    labels: Path | None,
    *,
    pairs: bool,
    on_share: Callable[[float], None],
) -> Table:
    """Find the rows of a features file that are nearly the same, in groups or in pairs.

    Args:
        features: The features file, with a row per video.
        threshold: The least cosine, in (0, 1].
        labels: As for `similar_rows`.
        pairs: List pairs, not groups.
        on_share: Called with the share that is done, from 0 to 1.

    Raises:
        UsageError: A file has the wrong content.
    """
    best_labels = _best_labels(labels)
    file = open_features(features)
    if file.origin.per_view:
        raise UsageError(
            f"{features} has a row per view, and views of one video are similar; make a file "
            "without --per-view"
        )
    if pairs:
        found = find_pairs(file.matrix(), threshold, on_share)
        groups = [Group((p.first, p.second), (p.similarity, p.similarity)) for p in found]
    else:
        groups = find_groups(file.matrix(), threshold, on_share)
    kind = "pair" if pairs else "group"
    rows = [row for group in groups for row in group.rows]
    described = iter(_described(file, rows, best_labels))
    records = [
        {kind: number, "similarity": similarity, **next(described)}
        for number, group in enumerate(groups, start=1)
        for similarity in group.similarities
    ]
    return records, _columns(kind, file, best_labels)


def _columns(first: str, file: FeaturesFile, labels: Mapping[str, str] | None) -> list[str]:
    views = ["clip", "crop"] if file.origin.per_view else []
    return [first, "similarity", "row", "video", *views, *(["label"] if labels is not None else [])]


def _described(
    file: FeaturesFile, rows: Sequence[int], labels: Mapping[str, str] | None
) -> list[Row]:
    """Describe each row: its video, its view if it has one, and its label."""
    views = file.views(rows) if file.origin.per_view and rows else None
    records: list[Row] = []
    for place, (row, video) in enumerate(zip(rows, file.videos(rows), strict=True)):
        record: Row = {"row": row, "video": video}
        if views is not None:
            record |= {"clip": int(views[place, 0]), "crop": int(views[place, 1])}
        if labels is not None:
            record["label"] = labels.get(video, "")
        records.append(record)
    return records


def _best_labels(path: Path | None) -> dict[str, str] | None:
    """Read the most probable label of each video that `vswin label` has labelled."""
    if path is None:
        return None
    with records_of(records_source(path)) as journal:
        return {name: entry.summary for name, entry in journal.entries.items() if entry.is_ok}


def _rows_in_file(file: FeaturesFile, query: str) -> list[int]:
    """Find the rows that a query names, the queried one first; none for a video file."""
    if rows := file.rows_of(without_credentials(query)):
        return rows
    if query.isdecimal():
        row = int(query) if len(query) < 20 else file.num_rows
        if row >= file.num_rows:
            there = f"the rows 0 to {file.num_rows - 1}" if file.num_rows else "no rows"
            raise UsageError(f"--query {row}: the file has {there}")
        [video] = file.videos([row])
        return [row, *(other for other in file.rows_of(video) if other != row)]
    if not is_address(query) and not Path(query).is_file():
        raise UsageError(
            f"--query {printable(query)} is neither a row, nor a video in the file, nor a file; "
            "check it"
        )
    return []


def _rows_of_path(features: Path, file: FeaturesFile, path: str, vector: np.ndarray) -> list[int]:
    """Find the rows of a video that has another name in the file, by the run's journal.

    Without the journal, they are the rows with equal features whose name is the end of the path.
    """
    video = stated(path, path)
    is_folder = features.is_dir()  # of shards
    journal_path = features if is_folder else features_output(features, resume=False).journal_path
    if not journal_path.is_file():
        parts = Path(video.place).parts
        names = ["/".join(parts[start:]) for start in range(1, len(parts))]
        rows = [row for name in names for row in file.rows_of(name)]
        return [row for row in rows if _cosine(file.matrix()[row], vector) > _SAME]
    real = os.path.realpath(path)
    with closing(Journal(journal_path, read_only=True)) as journal:
        names = [
            name
            for name, entry in journal.entries.items()
            if entry.path == video.place
            or (entry.num_bytes == video.num_bytes and os.path.realpath(entry.path) == real)
        ]
    return [row for name in names for row in file.rows_of(name)]


def _cosine(first: np.ndarray, second: np.ndarray) -> float:
    norms = np.linalg.norm(first) * np.linalg.norm(second)
    return float(np.dot(first, second) / norms) if norms else 0.0


def _computed(
    video: str, origin: Origin, name: str | None, engine: EngineOptions, fetch: FetchFile
) -> np.ndarray:
    """Compute the features of a video with the settings of a features file."""
    try:
        is_published = isinstance(
            find_model(name or origin.model, engine.cache_dir), PublishedModel
        )
    except UnknownModelError as exc:
        if name is not None:
            raise
        raise UsageError(
            f"the features were computed with a model {origin.model} that is not in the cache "
            "folder; give the path of its model file with --model"
        ) from exc
    options = replace(
        engine,
        model=name or origin.model,
        backend=origin.backend,  # type: ignore[arg-type]  # as the file has it
        precision=origin.precision,
    )
    reader = ViewOptions(reader=origin.reader)  # type: ignore[arg-type]
    head = False if is_published and not origin.with_head else None
    model = VideoModel(options, reader, head=head, fetch=fetch)
    model.protocols = (origin.protocol,)
    if file_sha256(model.weights_file) != origin.weights_sha256:
        raise UsageError(
            f"the features were computed with weights other than {model.weights_file} (SHA-256 "
            f"{origin.weights_sha256[:12]}…); give them with --weights, and the model with --model"
        )
    views = read_views(video, model.protocols, model.views.reader)
    return model.classifier(0).compute(views).features
