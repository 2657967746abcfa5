"""Probabilities of every step as rows of a Parquet file."""

from typing import IO, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from vswin_cli.formats.writer import RecordWriter
from vswin_cli.system.text import utf8
from vswin_cli.timeline.probabilities import table_of
from vswin_cli.timeline.result import Record


class ParquetWriter(RecordWriter):
    """One row per step with film, start, end and a column per class; one row group per film.

    If a class has the name of another column, `_` is added.
    """

    def __init__(self, stream: IO[bytes], **options: Any) -> None:  # noqa: ANN401 - as its base
        super().__init__(stream, **options)
        about = {"video": pa.string(), "start_seconds": pa.float64(), "end_seconds": pa.float64()}
        columns = list(about)
        for label in self.more_columns:
            name = label
            while name in columns:
                name += "_"
            columns.append(name)
        classes = [(name, pa.float32()) for name in columns[len(about) :]]
        self._schema = pa.schema([*about.items(), *classes])
        self._file = pq.ParquetWriter(stream, self._schema)

    def write(self, record: Record) -> None:
        """Write the rows of a film; steps without a window are null."""
        table = table_of(record, len(self.more_columns))
        starts = np.arange(len(table)) * record["step_seconds"]
        ends = np.minimum(starts + record["step_seconds"], record["duration_seconds"])
        columns = [[utf8(record["video"])] * len(table), starts, ends, *table.T]
        arrays = [
            pa.array(column, field.type, from_pandas=True)  # NaN is null
            for column, field in zip(columns, self._schema, strict=True)
        ]
        self._file.write_table(pa.Table.from_arrays(arrays, schema=self._schema))

    def close(self) -> None:
        """Complete the file."""
        self._file.close()
        super().close()
