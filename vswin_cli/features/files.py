"""The formats of features files by extension, and their common interface.

To add one, write a module with a function that writes a `Content` to a path and a class that is a
`FeaturesFile`, and give it a line in `FEATURE_FORMATS`.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np

from vswin_cli.errors import UsageError
from vswin_cli.features.origin import Origin
from vswin_cli.formats.registry import Format, format_of
from vswin_cli.runs.output import Output

FEATURE_FORMATS = (
    Format(
        "npz",
        "vswin_cli.features.npz:write_npz",
        ".npz",
        reader="vswin_cli.features.npz:NpzFile",
        is_text=False,
    ),
    Format(
        "parquet",
        "vswin_cli.features.parquet:write_parquet",
        ".parquet",
        reader="vswin_cli.features.parquet:ParquetFile",
        is_text=False,
        library="pyarrow",
        extra="parquet",
    ),
)


class FeaturesFile(Protocol):
    """A features file, open to be read."""

    origin: Origin
    num_rows: int

    def blocks(self) -> Iterator[np.ndarray]:
        """Yield the features in the order of the rows, (rows, num_features), some at a time."""

    def matrix(self) -> np.ndarray:
        """All features, (num_rows, num_features), in memory or mapped into it, in their type."""

    def videos(self, rows: Sequence[int]) -> list[str]:
        """Name the videos of some rows."""

    def rows_of(self, video: str) -> list[int]:
        """Find the rows of a video; empty if it has none."""

    def views(self, rows: Sequence[int]) -> np.ndarray:
        """Return clip, crop and weight of rows, int (rows, 3), if the file has a row per view."""


def features_format(name: str) -> Format:
    """Find the format of features files that `--format` names.

    Raises:
        UsageError: It does not exist, or a library is missing.
    """
    return format_of(Path(f"{name}.{name}"), FEATURE_FORMATS, "--format")


def features_output(
    path: Path, chosen: Format | None = None, *, resume: bool = True, option: str = "--output"
) -> Output:
    """Name the output of a run that computes features.

    Next to `features.npz` are the journal `features.npz.embedding.jsonl` and the rows
    `features.npz.embedding.rows`; both are needed to continue.

    Raises:
        UsageError: As for `Output`.
    """
    return Output(
        path,
        chosen=chosen,
        resume=resume,
        formats=FEATURE_FORMATS,
        option=option,
        journal=".embedding.jsonl",
        store=".embedding.rows",
    )


def open_features(path: Path) -> FeaturesFile:
    """Open a file or a folder of shards from `vswin embed`.

    Raises:
        UsageError: It does not exist, or is something else.
    """
    chosen = features_format("parquet") if path.is_dir() else format_of(path, FEATURE_FORMATS)
    if not path.exists():
        raise UsageError(f"no file {path}; give an output of `vswin embed`")
    try:
        if path.is_dir():
            from vswin_cli.features.folder import FeaturesFolder  # noqa: PLC0415 - an extra

            return FeaturesFolder(path)
        file: FeaturesFile = chosen.load_reader()(path)
    except Exception as exc:  # zipfile and numpy raise any error for damaged files
        raise UsageError(f"cannot read {path}: {exc}; give an output of `vswin embed`") from exc
    return file
