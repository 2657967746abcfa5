"""Features as Parquet: one row per video or view; the settings are in the schema's metadata."""

import os
from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import islice
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from vswin_cli.features.embeddings import Content
from vswin_cli.features.npz import MOST_COMPRESSED, VIEW_COLUMNS
from vswin_cli.features.origin import Origin


def write_parquet(path: Path, content: Content) -> None:
    """Write a file with a row per video or view; only a row group is in memory at a time.

    Features are neither compressed nor dictionary-encoded: this would save little, and slow down
    reading.
    """
    schema = _schema(content.origin)
    names = content.names()
    with pq.ParquetWriter(
        path,
        schema,
        compression="none",
        use_dictionary=["video", "video_bytes"],
        write_statistics=["video"],
    ) as writer:
        for rows in content.blocks():
            writer.write_table(_table(schema, list(islice(names, len(rows))), rows))


class ParquetFile:
    """A features file; see `files.FeaturesFile`.

    Raises:
        ValueError, OSError: It is not one.
    """

    def __init__(self, path: Path) -> None:
        self._file = pq.ParquetFile(path)  # pa.ArrowInvalid is a ValueError
        metadata = self._file.schema_arrow.metadata or {}
        texts = {
            key.decode(errors="replace"): value.decode(errors="replace")
            for key, value in metadata.items()
        }
        self.origin = Origin.from_texts(texts)
        self.num_rows: int = self._file.metadata.num_rows
        row_bytes = self.origin.num_features * np.dtype(self.origin.dtype).itemsize
        if self.num_rows * row_bytes > MOST_COMPRESSED * path.stat().st_size:
            raise ValueError("it is compressed more than features can be")

    def blocks(self) -> Iterator[np.ndarray]:
        """Yield the features, a row group at a time."""
        for group in range(self._file.num_row_groups):
            column = self._file.read_row_group(group, columns=["features"]).column("features")
            for chunk in column.chunks:
                yield chunk.flatten().to_numpy().reshape(-1, self.origin.num_features)

    def matrix(self) -> np.ndarray:
        """Return all features, in memory."""
        matrix = np.empty((self.num_rows, self.origin.num_features), self.origin.dtype)
        start = 0
        for block in self.blocks():
            matrix[start : start + len(block)] = block
            start += len(block)
        return matrix

    def videos(self, rows: Sequence[int]) -> list[str]:
        """Return the video names of some rows."""
        names = self._video.take(pa.array(rows, pa.int64())).to_pylist()
        return [os.fsdecode(name) for name in names]

    def rows_of(self, video: str) -> list[int]:
        """Find the rows of a video."""
        same = pc.equal(self._video, pa.scalar(os.fsencode(video), pa.binary()))
        found: list[int] = np.flatnonzero(same.to_numpy()).tolist()
        return found

    def views(self, rows: Sequence[int]) -> np.ndarray:
        """Return clip, crop and weight of some rows."""
        columns = self._file.read(columns=list(VIEW_COLUMNS))
        taken = columns.take(pa.array(rows, pa.int64()))
        return np.stack([taken.column(column).to_numpy() for column in VIEW_COLUMNS], axis=1)

    @cached_property
    def _video(self) -> pa.ChunkedArray:
        return self._file.read(columns=["video_bytes"]).column(0)


def _schema(origin: Origin) -> pa.Schema:
    numbers = pa.float32() if origin.dtype == "float32" else pa.float16()
    element = pa.field("element", numbers, nullable=False)
    fields = [
        pa.field("video", pa.string(), nullable=False),  # bytes that are not UTF-8 as \xNN
        pa.field("video_bytes", pa.binary(), nullable=False),  # exact name in the file system
        *(pa.field(c, pa.int32(), nullable=False) for c in VIEW_COLUMNS if origin.per_view),
        pa.field("features", pa.list_(element, origin.num_features), nullable=False),
    ]
    return pa.schema(fields, metadata=origin.to_texts())


def _table(schema: pa.Schema, names: list[bytes], rows: np.ndarray) -> pa.Table:
    numbers = pa.array(np.ascontiguousarray(rows["features"]).ravel())
    columns = {
        "video": pa.array([name.decode("utf-8", "backslashreplace") for name in names]),
        "video_bytes": pa.array(names, pa.binary()),
        "features": pa.FixedSizeListArray.from_arrays(numbers, type=schema.field("features").type),
    }
    for column in VIEW_COLUMNS:
        if column in schema.names:
            columns[column] = pa.array(np.ascontiguousarray(rows[column]))
    return pa.Table.from_arrays([columns[name] for name in schema.names], schema=schema)
