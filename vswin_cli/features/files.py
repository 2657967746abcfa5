"""The formats of features files, by their extension, and what all of them tell."""

from collections.abc import Iterator, Sequence
from enum import StrEnum
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol

import numpy as np

from vswin_cli.errors import UsageError
from vswin_cli.features.origin import Origin


class Form(StrEnum):
    """The formats, by the file's extension."""

    NPZ = ".npz"
    PARQUET = ".parquet"


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
        """Find the rows of a video; none if it has none."""

    def views(self, rows: Sequence[int]) -> np.ndarray:
        """Of a file with a row a view: its clip, crop and weight, int (rows, 3)."""


def form_of(path: Path, option: str = "") -> Form:
    """Tell a file's format, and that it can be read and written here.

    Raises:
        UsageError: Its extension is none of `Form`, or pyarrow is missing.
    """
    named = f"{option} {path}".strip()
    suffix = path.suffix.lower()
    if suffix not in list(Form):
        raise UsageError(f"{named} must end in {' or '.join(Form)}")
    if suffix == Form.PARQUET and not find_spec("pyarrow"):
        raise UsageError(
            f"{named} needs pyarrow: run `pip install 'vswin[parquet]'`, or take an .npz file"
        )
    return Form(suffix)


def open_features(path: Path) -> FeaturesFile:
    """Open a file that `vswin embed` has made.

    Raises:
        UsageError: There is none, or it is something else.
    """
    form = form_of(path)
    if not path.is_file():
        raise UsageError(f"no file {path}; name an output of `vswin embed`")
    try:
        if form is Form.NPZ:
            from vswin_cli.features.npz_file import NpzFile  # noqa: PLC0415

            return NpzFile(path)
        # The extra need not be installed.
        from vswin_cli.features.parquet_file import ParquetFile  # noqa: PLC0415

        return ParquetFile(path)
    except (ValueError, OSError) as exc:
        raise UsageError(f"cannot read {path}: {exc}; name an output of `vswin embed`") from exc
