"""Features as NumPy's .npz: an array a column, and one for each thing that is said of all."""

import zipfile
from collections.abc import Iterable
from itertools import islice
from pathlib import Path

import numpy as np

from vswin_cli.features.embeddings import Content

VIEW_COLUMNS = ("clip", "crop", "weight")
_NAMES_A_BLOCK = 4096


def write_npz(path: Path, content: Content) -> None:
    """Write a file with a row a video or view; memory holds a block of rows at a time.

    `features` is (rows, num_features), not compressed, so that it can be mapped into memory;
    `video` holds names as bytes, as the file system has them.
    """
    origin, num_rows = content.origin, content.num_rows
    features = origin.row_type["features"]
    with zipfile.ZipFile(path, "w") as file:
        for name, text in origin.to_texts().items():
            _write(file, name, np.dtype(f"<U{max(len(text), 1)}"), (), [np.array(text)])
        blocks = (rows["features"] for rows in content.blocks())
        _write(file, "features", features.base, (num_rows, *features.shape), blocks)
        names = np.dtype(f"S{max(content.longest_name, 1)}")
        _write(file, "video", names, (num_rows,), _name_blocks(content), zipfile.ZIP_DEFLATED)
        for column in VIEW_COLUMNS if origin.per_view else ():
            numbers = (rows[column] for rows in content.blocks())
            _write(file, column, np.dtype("<i4"), (num_rows,), numbers)


def _name_blocks(content: Content) -> Iterable[list[bytes]]:
    names = content.names()
    while block := list(islice(names, _NAMES_A_BLOCK)):
        yield block


def _write(
    file: zipfile.ZipFile,
    name: str,
    dtype: np.dtype[np.generic],
    shape: tuple[int, ...],
    blocks: Iterable[np.ndarray | list[bytes]],
    compression: int = zipfile.ZIP_STORED,
) -> None:
    """Write one array, block by block."""
    member = zipfile.ZipInfo(f"{name}.npy")
    member.compress_type = compression
    header = {
        "descr": np.lib.format.dtype_to_descr(dtype),
        "fortran_order": False,
        "shape": shape,
    }
    with file.open(member, "w", force_zip64=True) as stream:
        np.lib.format.write_array_header_2_0(stream, header)
        for block in blocks:
            stream.write(np.ascontiguousarray(block, dtype).tobytes())
