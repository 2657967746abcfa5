"""Features as Parquet: a row a video or view, and what is said of all in the schema's metadata."""

from itertools import islice
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from vswin_cli.features.embeddings import Content
from vswin_cli.features.npz_writer import VIEW_COLUMNS
from vswin_cli.features.origin import Origin


def write_parquet(path: Path, content: Content) -> None:
    """Write a file with a row a video or view; memory holds a row group at a time.

    Features are neither compressed nor dictionary-encoded: they would gain little, and reading
    would be slower.
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


def _schema(origin: Origin) -> pa.Schema:
    numbers = pa.float32() if origin.dtype == "float32" else pa.float16()
    element = pa.field("element", numbers, nullable=False)
    fields = [
        pa.field("video", pa.string(), nullable=False),  # what is not UTF-8 in it as \xNN
        pa.field("video_bytes", pa.binary(), nullable=False),  # as the file system has the name
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
