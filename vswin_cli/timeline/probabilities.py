"""Probabilities of every step in a file of arrays: NumPy or Parquet."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import IO, Any
from zipfile import ZIP_DEFLATED, ZipFile

import numpy as np

from vswin_cli.errors import OutputError, UsageError
from vswin_cli.formats.registry import Format, format_of
from vswin_cli.formats.writer import RecordWriter, open_writer
from vswin_cli.system.files import replacing
from vswin_cli.system.text import utf8
from vswin_cli.timeline.result import Record

NPZ = Format("npz", f"{__name__}:NpzWriter", ".npz", is_text=False)
_FORMATS = (
    NPZ,
    Format(
        "parquet", "vswin_cli.timeline.probability_rows:ParquetWriter", ".parquet",
        is_text=False, library="pyarrow", extra="parquet",
    ),
)  # fmt: skip


class ProbabilitiesFile:
    """A file with the probabilities of every step of some films.

    Args:
        path: Path that ends in .npz or .parquet.
        labels: Class names in index order.

    Raises:
        UsageError: The extension is wrong, or the folder or a library is missing.
    """

    def __init__(self, path: Path, labels: Sequence[str]) -> None:
        self._path = path
        self._labels = labels
        self._format = format_of(path, _FORMATS, "--probabilities-file")
        if not path.absolute().parent.is_dir():
            raise UsageError(f"--probabilities-file {path}: no folder {path.parent}; make it first")

    def write(self, records: Iterable[Record]) -> None:
        """Write the file from records with probabilities; failed films are left out.

        Raises:
            OutputError: It cannot be written.
        """
        try:
            with (
                replacing(self._path) as temporary,
                open_writer(self._format, temporary, top_k=1, more_columns=self._labels) as writer,
            ):
                for record in records:
                    if record["error"] is None:
                        writer.write(record)
        except OSError as exc:
            what = f"cannot write {self._path}: {exc.strerror or exc}; free some space"
            raise OutputError(what) from exc


class NpzWriter(RecordWriter):
    """One array per film, under its name, float32 (steps, classes); `labels`; `step_seconds`.

    If a film has the name of another array, `_` is added.
    """

    def __init__(self, stream: IO[bytes], **options: Any) -> None:  # noqa: ANN401 - as its base
        super().__init__(stream, **options)
        self._archive = ZipFile(stream, "w", ZIP_DEFLATED)
        self._names = {"labels", "step_seconds"}
        self._step: float | None = None

    def write(self, record: Record) -> None:
        """Add the array of a film."""
        self._step = record["step_seconds"]
        name = utf8(record["video"])
        while name in self._names:
            name += "_"
        self._names.add(name)
        self._add(name, table_of(record, len(self.more_columns)))

    def close(self) -> None:
        """Complete the archive, with the labels and the length of a step, if there is a film."""
        try:
            self._add("labels", np.array(self.more_columns))
            if self._step is not None:
                self._add("step_seconds", np.array(self._step))
        finally:
            self._archive.close()  # once, even on a full disk: else it tries again when deleted
        super().close()

    def _add(self, name: str, array: np.ndarray) -> None:
        with self._archive.open(f"{name}.npy", "w", force_zip64=True) as member:
            np.lib.format.write_array(member, array, allow_pickle=False)


def table_of(record: Record, num_classes: int) -> np.ndarray:
    """Return the probabilities of a record: float32 (steps, classes), NaN where no window is."""
    nothing = [np.nan] * num_classes
    rows = [row or nothing for row in record["probabilities"]]
    return np.array(rows, np.float32).reshape(-1, num_classes)
